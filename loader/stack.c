// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device.h"
#include "stack.h"

#define WORKERS "its workers do the I/O"
#define THREAD "its thread does the I/O"
#define UNKNOWN "it is not known to pass I/O on"

/* Without a reason: passes bios on in the task of whoever submits them. */
static const struct kind {
	const char *type, *why;
} kinds[] = {
	{ "dm cache", NULL },
	{ "dm clone", NULL },
	{ "dm era", NULL },
	{ "dm flakey", NULL },
	{ "dm linear", NULL },
	{ "dm log-writes", NULL },
	{ "dm mirror", NULL },
	{ "dm multipath", NULL },
	{ "dm snapshot", NULL },
	{ "dm snapshot-origin", NULL },
	{ "dm striped", NULL },
	{ "dm switch", NULL },
	{ "dm thin", NULL },
	{ "dm thin-pool", NULL },
	{ "dm unstriped", NULL },
	{ "dm verity", NULL },
	{ "md linear", NULL },
	{ "md raid0", NULL },
	{ "md raid1", NULL },
	{ "md raid10", NULL },
	{ "bcache", NULL },
	{ "nvme multipath", NULL },
	{ "dm", "its targets cannot be seen" },
	{ "dm crypt", WORKERS },
	{ "dm delay", WORKERS },
	{ "dm ebs", WORKERS },
	{ "dm error", "it has nothing below" },
	{ "dm integrity", WORKERS },
	{ "dm raid", THREAD },
	{ "dm vdo", WORKERS },
	{ "dm writecache", WORKERS },
	{ "dm zero", "it has nothing below" },
	{ "dm zoned", WORKERS },
	{ "md raid4", THREAD },
	{ "md raid5", THREAD },
	{ "md raid6", THREAD },
	{ "loop", "a kernel thread does the I/O" },
};

static int add(struct device *above, struct device *below)
{
	struct device **all;

	for (int i = 0; i < above->nr_below; i++)
		if (above->below[i] == below) /* two of its partitions */
			return 0;
	all = reallocarray(above->below, above->nr_below + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	above->below = all;
	all[above->nr_below++] = below;
	below->nr_above += !above->empty;
	above->stacked = true;
	return 0;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int add_slaves(struct device *all, int n, struct device *d)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **names;
	struct device *below;
	int i, found, err = 0;

	snprintf(dir, sizeof(dir), "/sys/block/%s/slaves", d->name);
	found = scandir(dir, &names, visible, versionsort);
	for (i = 0; i < found; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		below = device_at(all, n, path);
		if (below && !err)
			err = add(d, below);
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return err;
}

/* The path nvme0c1n2 belongs to the head nvme0n2: 0 is the subsystem's number. */
static int add_path(struct device *all, int n, struct device *path)
{
	unsigned int subsystem, controller, head;
	char name[32];

	if (!path->hidden || sscanf(path->name, "nvme%uc%un%u", &subsystem,
				    &controller, &head) != 3)
		return 0;
	snprintf(name, sizeof(name), "nvme%un%u", subsystem, head);
	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return add(&all[i], path);
	return 0;
}

static bool stands_on(const struct device *d, const struct device *other)
{
	if (d == other)
		return true;
	for (int i = 0; i < d->nr_below; i++)
		if (stands_on(d->below[i], other))
			return true;
	return false;
}

/*
 * The file's name may be one of another mount namespace, and mean another file
 * here: that must not make a circle.
 */
static int add_backing(struct device *all, int n, struct device *loop)
{
	char file[PATH_MAX], path[64];
	struct device *below;
	struct stat st;
	dev_t dev;

	if (device_read(file, sizeof(file), "/sys/block/%s/loop/backing_file",
			loop->name) ||
	    stat(file, &st))
		return 0;
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	below = device_at(all, n, path);
	return below && !stands_on(below, loop) ? add(loop, below) : 0;
}

static const char *reason(const char *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(type, kinds[i].type))
			return kinds[i].why;
	return UNKNOWN;
}

/* One of several targets in a table that passes bios on is enough to be polled. */
static const char *reason_dm(const struct device *d)
{
	char targets[sizeof(d->type)], type[sizeof(d->type) + 3];
	char *rest = targets, *target;
	const char *why = NULL;

	/* Clones of requests are no bios: multipath's, unless it was told so. */
	if (d->mq)
		return "it is request-based";
	if (!strchr(d->type, '+'))
		return reason(d->type);
	strcpy(targets, strchr(d->type, ' ') + 1);
	while ((target = strsep(&rest, "+"))) {
		snprintf(type, sizeof(type), "dm %s", target);
		if (!reason(type))
			return NULL;
		why = why ?: reason(type);
	}
	return why;
}

int stack_pollable_below(const struct device *d)
{
	int n = 0;

	for (int i = 0; i < d->nr_below; i++)
		n += device_pollable(d->below[i]);
	return n;
}

/* From below to above. None stands on itself, so it ends. */
static void judge(struct device *d)
{
	const struct device *cause = d;
	const char *why;

	if (!d->stacked)
		return;
	for (int i = 0; i < d->nr_below; i++)
		judge(d->below[i]);
	why = d->dm_name[0] ? reason_dm(d) : reason(d->type);
	d->passes_on = !why;
	d->why[0] = '\0';
	if (why) {
		snprintf(d->why, sizeof(d->why), "%s: %s", d->type, why);
	} else if (!d->nr_below) {
		strcpy(d->why, "it has nothing below");
	} else if (!stack_pollable_below(d)) {
		while (cause->passes_on && cause->nr_below)
			cause = cause->below[0];
		snprintf(d->why, sizeof(d->why),
			 "nothing below it can be polled: %s: %.120s",
			 cause->name, cause->why);
	}
}

int stack_read(struct device *all, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++) {
		err = add_slaves(all, n, &all[i]);
		err = err ?: add_path(all, n, &all[i]);
	}
	for (i = 0; i < n && !err; i++)
		err = add_backing(all, n, &all[i]);
	for (i = 0; i < n && !err; i++)
		judge(&all[i]);
	return err;
}
