// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "doctor_checks.h"
#include "printable.h"

static bool mounted(dev_t dev, char dir[1024])
{
	char line[4096], source[1024], *rest;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned int maj, min;
	struct stat st;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*d %*d %u:%u %*s %1023s", &maj,
				    &min, dir) != 3)
			continue;
		/* btrfs has a number of its own: look at what was mounted. */
		found = makedev(maj, min) == dev ||
			(sscanf(rest, " - %*s %1023s", source) == 1 &&
			 source[0] == '/' && !stat(source, &st) &&
			 S_ISBLK(st.st_mode) && st.st_rdev == dev);
	}
	if (f)
		fclose(f);
	return found;
}

static bool swapping(dev_t dev)
{
	char line[4096], path[4096];
	FILE *f = fopen("/proc/swaps", "re");
	struct stat st;
	bool found = false;

	/* A swap file is on a file system that is mounted. */
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%4095s", path) == 1 && !stat(path, &st) &&
			S_ISBLK(st.st_mode) && st.st_rdev == dev;
	if (f)
		fclose(f);
	return found;
}

/* @path is the directory in sysfs of a disk or a partition. */
static bool node_used(const char *path, char *by, size_t size)
{
	char holder[PATH_MAX], line[32], dir[1024];
	const char *name = strrchr(path, '/') + 1;
	unsigned int maj, min;
	dev_t dev;

	if (device_read(line, sizeof(line), "%s/dev", path) ||
	    sscanf(line, "%u:%u", &maj, &min) != 2)
		return false;
	dev = makedev(maj, min);
	if (find_paths(holder, sizeof(holder), "%s/holders/*", path)) {
		snprintf(by, size, "%s is part of %s", name, basename(holder));
	} else if (mounted(dev, dir)) {
		printable(dir, sizeof(dir));
		snprintf(by, size, "%s is mounted at %s", name, dir);
	} else if (swapping(dev)) {
		snprintf(by, size, "%s is swapped to", name);
	} else {
		return false;
	}
	return true;
}

bool disk_used(const struct device *d, bool root, char *by, size_t size)
{
	char path[PATH_MAX];
	glob_t parts;
	bool used;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s", d->name);
	used = node_used(path, by, size);
	snprintf(path, sizeof(path), "/sys/block/%s/*/partition", d->name);
	glob(path, GLOB_NOSORT, NULL, &parts);
	for (size_t i = 0; i < parts.gl_pathc && !used; i++) {
		*strrchr(parts.gl_pathv[i], '/') = '\0';
		used = node_used(parts.gl_pathv[i], by, size);
	}
	globfree(&parts);
	if (used || !root)
		return used;

	/* Mounted where we cannot see it, in a container: the kernel knows. */
	snprintf(path, sizeof(path), "/dev/%s", d->name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	else if (errno == EBUSY)
		used = true;
	if (used)
		snprintf(by, size, "%s is held by the kernel or a process",
			 d->name);
	return used;
}
