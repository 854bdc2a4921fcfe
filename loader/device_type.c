// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "device_type.h"
#include "dm_targets.h"
#include "printable.h"

/* The parent of a multipath head is no controller but a subsystem. */
static bool read_nvme(struct device *d)
{
	char path[PATH_MAX], parent[PATH_MAX];
	const char *name;
	unsigned int nr;
	int len = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/device", d->name);
	if (!realpath(path, parent))
		return false;
	name = strrchr(parent, '/') + 1;
	if (!strncmp(name, "nvme-subsys", 11)) {
		strcpy(d->type, "nvme multipath");
		d->stacked = true;
		return true;
	}
	if (sscanf(name, "nvme%u%n", &nr, &len) != 1 || name[len])
		return false;
	snprintf(d->controller, sizeof(d->controller), "%.15s", name);
	device_read(d->transport, sizeof(d->transport),
		    "/sys/class/nvme/%s/transport", d->controller);
	snprintf(d->type, sizeof(d->type), "nvme %s", d->transport);
	return true;
}

static bool read_dm(struct device *d)
{
	char targets[sizeof(d->type) - 3];

	if (device_read(d->dm_name, sizeof(d->dm_name), "/sys/block/%s/dm/name",
			d->name))
		return false;
	printable(d->dm_name, sizeof(d->dm_name));
	dm_targets(d->major, d->minor, targets, sizeof(targets));
	snprintf(d->type, sizeof(d->type), "dm%s%s", targets[0] ? " " : "",
		 targets);
	d->stacked = true;
	return true;
}

/* The level of an array that is not started is "". */
static bool read_md(struct device *d)
{
	char level[32];

	if (device_read(level, sizeof(level), "/sys/block/%s/md/level",
			d->name))
		return false;
	snprintf(d->type, sizeof(d->type), "md%s%s", level[0] ? " " : "",
		 level);
	d->stacked = true;
	return true;
}

static bool read_driver(struct device *d)
{
	char path[PATH_MAX], driver[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/block/%s/device/driver", d->name);
	if (!realpath(path, driver))
		return false;
	snprintf(d->type, sizeof(d->type), "%.31s", strrchr(driver, '/') + 1);
	return true;
}

/* Those that no driver was bound to are called after what makes them. */
static void read_name(struct device *d)
{
	strcpy(d->type, d->name);
	d->type[strcspn(d->type, "0123456789")] = '\0';
	if (!strcmp(d->type, "nullb"))
		strcpy(d->type, "null_blk");
	else if (!strcmp(d->type, "ram"))
		strcpy(d->type, "brd");
	else if (!strcmp(d->type, "loop") || !strcmp(d->type, "bcache"))
		d->stacked = true;
}

void device_type_read(struct device *d)
{
	if (!read_nvme(d) && !read_dm(d) && !read_md(d) && !read_driver(d))
		read_name(d);
}
