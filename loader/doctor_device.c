// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "device_print.h"
#include "doctor_checks.h"
#include "doctor_report.h"

void fix_boot(struct report *r, const char *module, const char *file,
	      unsigned int n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin",
		 r->release);
	if (find_word(path, file, NULL, 0)) {
		fix(r, "From the next boot on: add to GRUB_CMDLINE_LINUX in "
		       "/etc/default/grub, then run update-grub:");
		fix(r, "\t%s.poll_queues=%u", module, n);
		return;
	}
	fix(r, "From the next boot on:");
	fix(r,
	    "\techo options %s poll_queues=%u "
	    ">>/etc/modprobe.d/forcepoll.conf",
	    module, n);
	if (!access("/usr/sbin/update-initramfs", X_OK))
		fix(r, "\tupdate-initramfs -u");
	else if (!access("/usr/bin/dracut", X_OK))
		fix(r, "\tdracut --force");
	else
		fix(r, "and make the initramfs anew, if there is one.");
}

/* For disks whose driver could poll, but is not of NVMe. */
static void fix_driver(struct report *r, const struct device *d)
{
	int n;

	if (!strcmp(d->type, "virtio_blk")) {
		n = find_paths(NULL, 0, "/sys/block/%s/mq/*", d->name);
		if (n < 2)
			fix(r,
			    "Give the virtual drive more than one queue, one "
			    "is kept for interrupts (QEMU: num-queues=%u).",
			    2 * r->online);
		fix_boot(r, "virtio_blk", "kernel/drivers/block/virtio_blk.ko",
			 n < 4 ? 1 : n / 2);
	} else if (!strcmp(d->type, "null_blk")) {
		fix(r, "\tmodprobe -r null_blk");
		fix(r, "\tmodprobe null_blk poll_queues=1");
	}
}

/* What can be done is done to those below, which have lines of their own. */
static void check_stacked(struct report *r, const struct device *d)
{
	char over[512] = "", verdict[256];
	size_t len = 0;

	for (int i = 0; i < d->nr_below && len < sizeof(over); i++)
		len += snprintf(over + len, sizeof(over) - len, "%s%s",
				i ? ", " : " over ", d->below[i]->name);
	device_verdict(d, verdict, sizeof(verdict));
	check(r, d->name, device_pollable(d) ? OK : NO, "%s%s%s%s%s: %s",
	      d->dm_name[0] ? "(" : "", d->dm_name, d->dm_name[0] ? ") " : "",
	      d->type, over, verdict);
}

static void fix_elevator(struct report *r, const struct device *d)
{
	fix(r, "\techo none >/sys/block/%s/queue/scheduler", d->name);
	if (d->hidden) /* udev does not hear of it */
		return;
	fix(r, "and to keep it so, in /etc/udev/rules.d/99-forcepoll.rules:");
	fix(r, "\tACTION==\"add|change\", KERNEL==\"%s\", \\", d->name);
	fix(r, "\t    ATTR{queue/scheduler}=\"none\"");
}

/* Nothing else is in its way. */
static bool only_elevator(const struct device *d)
{
	return strcmp(d->elevator, "none") && d->io_poll && d->poll_queues &&
	       !d->blocking && !device_over_network(d->transport);
}

static void check_device(struct report *r, const struct device *d)
{
	char zoned[32];

	device_read(zoned, sizeof(zoned), "/sys/block/%s/queue/zoned", d->name);
	if (d->empty) {
		return; /* loop devices that nothing is attached to, and such */
	} else if (d->stacked) {
		check_stacked(r, d);
	} else if (device_pollable(d)) {
		check(r, d->name, OK,
		      strncmp(zoned, "host", 4) ?
			      "is polled" :
			      "is polled, reads only: it is zoned");
	} else if (only_elevator(d)) {
		check(r, d->name, r->nr_pollable ? WARN : FAIL,
		      "not polled: %s", d->why);
		fix_elevator(r, d);
	} else {
		check(r, d->name, NO, "not polled: %s", d->why);
		if (!d->blocking && d->poll_queues <= 0)
			fix_driver(r, d);
	}
}

void check_devices(struct report *r)
{
	int i, before = r->nr_checks;

	for (i = 0; i < r->nr_devices; i++)
		r->nr_pollable += device_pollable(&r->devices[i]);
	check_controllers(r);
	for (i = 0; i < r->nr_devices; i++)
		check_device(r, &r->devices[i]);
	if (!r->nr_pollable && !report_failed(r, before)) {
		check(r, "devices", FAIL, "none has poll queues");
		fix(r, "An NVMe drive can have them; so can virtio_blk.");
	}
}
