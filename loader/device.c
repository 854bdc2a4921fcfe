// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "device_type.h"
#include "stack.h"

int device_read(char *buf, size_t size, const char *path, ...)
{
	char name[PATH_MAX];
	va_list args;
	ssize_t len;
	int fd, err = 0;

	buf[0] = '\0';
	va_start(args, path);
	len = vsnprintf(name, sizeof(name), path, args);
	va_end(args);
	if (len >= (ssize_t)sizeof(name))
		return -ENAMETOOLONG;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0) {
		err = -errno;
		len = 0;
	}
	close(fd);
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return err;
}

/*
 * The kernel tells the kind of a hardware queue in debugfs only. Not every
 * kernel's io_poll notices that a reset left no poll queue, see
 * fp_queue_can_poll() in kmod/compat.h.
 */
static int count_poll_queues(const char *disk)
{
	char path[PATH_MAX], type[16];
	struct dirent *e;
	int polls = 0, queues = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/kernel/debug/block/%s", disk);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		if (strncmp(e->d_name, "hctx", 4))
			continue;
		if (device_read(type, sizeof(type), "%s/%s/type", path,
				e->d_name))
			continue;
		queues++;
		polls += !strcmp(type, "poll");
	}
	closedir(dir);
	return queues ? polls : -1;
}

/* queue/scheduler is "[none] mq-deadline", or "none" where none can be had. */
static void read_elevator(struct device *d)
{
	char line[256], *name = line;

	strcpy(d->elevator, "none");
	if (device_read(line, sizeof(line), "/sys/block/%s/queue/scheduler",
			d->name) ||
	    !line[0])
		return;
	if (strchr(line, '['))
		name = strchr(line, '[') + 1;
	name[strcspn(name, "] ")] = '\0';
	snprintf(d->elevator, sizeof(d->elevator), "%.15s", name);
}

bool device_over_network(const char *transport)
{
	return !strcmp(transport, "tcp") || !strcmp(transport, "rdma");
}

/* The cause that the user has to remove first; stack.c has that of the others. */
static void explain(struct device *d)
{
	if (!d->mq)
		strcpy(d->why, "it has no queues of its own (bio-based)");
	else if (device_over_network(d->transport))
		snprintf(d->why, sizeof(d->why),
			 "it is remote: NVMe over %s must not be polled",
			 d->transport);
	else if (d->blocking)
		strcpy(d->why, "its driver may sleep when it is polled");
	else if (d->poll_queues == 0 && d->io_poll)
		strcpy(d->why, "a reset has taken its poll queues");
	else if (!d->io_poll)
		strcpy(d->why, "it has no poll queues");
	else if (strcmp(d->elevator, "none"))
		snprintf(d->why, sizeof(d->why),
			 "an I/O scheduler is active (%s)", d->elevator);
}

/* sysfs keeps the number of a hidden disk to itself, disk_devt() is this one. */
static int read_hidden_number(struct device *d)
{
	char line[512], name[32];
	FILE *f = fopen("/proc/diskstats", "re");
	int err = -ENODEV;

	while (f && err && fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %31s", &d->major, &d->minor, name) ==
			    3 &&
		    !strcmp(name, d->name))
			err = 0;
	if (f)
		fclose(f);
	return err;
}

static int read_number(struct device *d)
{
	char line[32];

	device_read(line, sizeof(line), "/sys/block/%s/hidden", d->name);
	d->hidden = line[0] == '1';
	if (d->hidden)
		return read_hidden_number(d);
	if (device_read(line, sizeof(line), "/sys/block/%s/dev", d->name) ||
	    sscanf(line, "%u:%u", &d->major, &d->minor) != 2)
		return -ENODEV;
	return 0;
}

static int read_device(const char *name, struct device *d)
{
	char path[PATH_MAX], line[32], flags[256];

	memset(d, 0, sizeof(*d));
	if (strlen(name) >= sizeof(d->name))
		return -ENODEV;
	strcpy(d->name, name);
	if (read_number(d))
		return -ENODEV;
	d->dev = d->major << 20 | d->minor;

	device_read(line, sizeof(line), "/sys/block/%s/size", name);
	d->empty = !strcmp(line, "0");
	snprintf(path, sizeof(path), "/sys/block/%s/mq", name);
	d->mq = !access(path, F_OK);
	device_read(line, sizeof(line), "/sys/block/%s/queue/io_poll", name);
	d->io_poll = line[0] == '1';
	d->poll_queues = d->mq ? count_poll_queues(name) : 0;
	device_read(flags, sizeof(flags),
		    "/sys/kernel/debug/block/%s/hctx0/flags", name);
	d->blocking = strstr(flags, "BLOCKING");
	read_elevator(d);
	device_type_read(d);
	explain(d);
	return 0;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int device_list(struct device **all)
{
	struct dirent **names;
	int i, n, err, found = 0;

	n = scandir("/sys/block", &names, visible, versionsort);
	if (n < 0)
		return -errno;
	*all = calloc(n + 1, sizeof(**all));
	for (i = 0; i < n; i++) {
		/* One that has just gone is no error. */
		if (*all && !read_device(names[i]->d_name, &(*all)[found]))
			found++;
		free(names[i]);
	}
	free(names);
	if (!*all)
		return -ENOMEM;
	err = stack_read(*all, found);
	if (err) {
		device_free(*all, found);
		*all = NULL;
	}
	return err ?: found;
}

void device_free(struct device *all, int n)
{
	for (int i = 0; i < n; i++)
		free(all[i].below);
	free(all);
}

struct device *device_at(struct device *all, int n, const char *path)
{
	char disk[PATH_MAX], attr[PATH_MAX + 16];
	const char *name;

	if (!realpath(path, disk))
		return NULL;
	/* The directory of a partition is in that of its disk. */
	snprintf(attr, sizeof(attr), "%s/partition", disk);
	if (!access(attr, F_OK))
		*strrchr(disk, '/') = '\0';
	name = strrchr(disk, '/') + 1;
	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

struct device *device_find(struct device *all, int n, const char *name_or_path)
{
	char link[PATH_MAX];
	struct stat st;
	int len;

	if (strchr(name_or_path, '/')) {
		if (stat(name_or_path, &st) || !S_ISBLK(st.st_mode))
			return NULL;
		len = snprintf(link, sizeof(link), "/sys/dev/block/%u:%u",
			       major(st.st_rdev), minor(st.st_rdev));
	} else {
		len = snprintf(link, sizeof(link), "/sys/class/block/%s",
			       name_or_path);
	}
	return len < (int)sizeof(link) ? device_at(all, n, link) : NULL;
}

bool device_pollable(const struct device *d)
{
	return !d->why[0];
}
