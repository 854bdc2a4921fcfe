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

/* The parent of a multipath head is a subsystem: nvme-subsys0. */
static void read_controller(struct device *d)
{
	char path[PATH_MAX], parent[PATH_MAX];
	const char *name;
	unsigned int nr;
	int len = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/device", d->name);
	if (!realpath(path, parent))
		return;
	name = strrchr(parent, '/') + 1;
	if (sscanf(name, "nvme%u%n", &nr, &len) == 1 && !name[len])
		snprintf(d->controller, sizeof(d->controller), "%.15s", name);
	if (d->controller[0])
		device_read(d->transport, sizeof(d->transport),
			    "/sys/class/nvme/%s/transport", d->controller);
}

bool device_over_network(const char *transport)
{
	return !strcmp(transport, "tcp") || !strcmp(transport, "rdma");
}

/* The cause that the user has to remove first. */
static void explain(struct device *d)
{
	if (!d->mq)
		strcpy(d->why, "it has no queues of its own (bio-based)");
	else if (device_over_network(d->transport))
		snprintf(d->why, sizeof(d->why),
			 "it is remote: NVMe over %s must not be polled",
			 d->transport);
	else if (d->poll_queues == 0 && d->io_poll)
		strcpy(d->why, "a reset has taken its poll queues");
	else if (!d->io_poll)
		strcpy(d->why, "it has no poll queues");
	else if (strcmp(d->elevator, "none"))
		snprintf(d->why, sizeof(d->why),
			 "an I/O scheduler is active (%s)", d->elevator);
}

static int read_device(const char *name, struct device *d)
{
	char path[PATH_MAX], line[32];

	memset(d, 0, sizeof(*d));
	if (strlen(name) >= sizeof(d->name))
		return -ENODEV;
	strcpy(d->name, name);
	/* The paths below a multipath head have no number of their own. */
	if (device_read(line, sizeof(line), "/sys/block/%s/dev", name) ||
	    sscanf(line, "%u:%u", &d->major, &d->minor) != 2)
		return -ENODEV;
	d->dev = d->major << 20 | d->minor;

	snprintf(path, sizeof(path), "/sys/block/%s/mq", name);
	d->mq = !access(path, F_OK);
	device_read(line, sizeof(line), "/sys/block/%s/queue/io_poll", name);
	d->io_poll = line[0] == '1';
	d->poll_queues = d->mq ? count_poll_queues(name) : 0;
	read_elevator(d);
	read_controller(d);
	explain(d);
	return 0;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int device_list(struct device **devices)
{
	struct dirent **names;
	int i, n, found = 0;

	n = scandir("/sys/block", &names, visible, versionsort);
	if (n < 0)
		return -errno;
	*devices = calloc(n + 1, sizeof(**devices));
	for (i = 0; i < n; i++) {
		/* One that has just gone is no error. */
		if (*devices &&
		    !read_device(names[i]->d_name, &(*devices)[found]))
			found++;
		free(names[i]);
	}
	free(names);
	return *devices ? found : -ENOMEM;
}

int device_find(const char *name_or_path, struct device *d)
{
	char link[PATH_MAX], path[PATH_MAX], attr[PATH_MAX + 16];
	struct stat st;
	int len;

	if (strchr(name_or_path, '/')) {
		if (stat(name_or_path, &st) || !S_ISBLK(st.st_mode))
			return -ENODEV;
		len = snprintf(link, sizeof(link), "/sys/dev/block/%u:%u",
			       major(st.st_rdev), minor(st.st_rdev));
	} else {
		len = snprintf(link, sizeof(link), "/sys/class/block/%s",
			       name_or_path);
	}
	if (len >= (int)sizeof(link) || !realpath(link, path))
		return -ENODEV;

	/* The directory of a partition is in that of its disk. */
	snprintf(attr, sizeof(attr), "%s/partition", path);
	if (!access(attr, F_OK))
		*strrchr(path, '/') = '\0';
	return read_device(strrchr(path, '/') + 1, d);
}

bool device_pollable(const struct device *d)
{
	return !d->why[0];
}
