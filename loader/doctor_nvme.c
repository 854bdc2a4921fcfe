// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "doctor_checks.h"
#include "doctor_report.h"

/* An NVMe controller, and in general what poll queues are made for. */
struct controller {
	const char *name; /* nvme0 */
	char transport[16], state[32];
	unsigned int queues; /* for I/O, of all kinds */
	int polls; /* of these for polling; -1: cannot tell */
	unsigned int irqs; /* that these have; 0: cannot tell */
	int disks, pollable;
};

#define NO_POLL_QUEUES "\techo 0 >/sys/module/nvme/parameters/poll_queues"

/* A disk of its own, or a multipath head that has a path through it. */
static bool reaches(const struct device *d, const struct controller *c)
{
	if (!strcmp(d->controller, c->name))
		return true;
	for (int i = 0; i < d->nr_below; i++)
		if (d->below[i]->hidden &&
		    !strcmp(d->below[i]->controller, c->name))
			return true;
	return false;
}

static bool controller_used(const struct report *r, const struct controller *c,
			    char *by, size_t size)
{
	int i;

	for (i = 0; i < r->nr_devices; i++)
		if (reaches(&r->devices[i], c) &&
		    disk_used(&r->devices[i], r->root, by, size))
			return true;
	return false;
}

/* It is the same for every controller. */
static void fix_boot_nvme(struct report *r, unsigned int n)
{
	if (r->boot_said)
		fix(r, "From the next boot on: as above.");
	else
		fix_boot(r, "nvme", "kernel/drivers/nvme/host/nvme.ko", n);
	r->boot_said = true;
}

/*
 * A controller that was taken with poll_queues=0 has one map of queues. A reset
 * that finds the parameter raised makes a queue without interrupt, but the map
 * stays as it was (__blk_mq_update_nr_hw_queues() returns early): every I/O
 * that goes there ends by its timeout, 30 s. So the parameter must not stay up
 * while such a controller is there.
 */
static const char *endangered(const struct report *r, const char *but)
{
	int i;

	for (i = 0; i < r->nr_devices; i++) {
		const struct device *d = &r->devices[i];

		if (d->controller[0] && strcmp(d->controller, but) && d->mq &&
		    !d->io_poll)
			return d->controller;
	}
	return NULL;
}

/* The driver decides on its queues when it takes the device. */
static bool fix_now(struct report *r, const struct controller *c,
		    unsigned int n)
{
	char link[PATH_MAX], path[PATH_MAX], by[2048];
	const char *pci, *other;

	snprintf(link, sizeof(link), "/sys/class/nvme/%s/device", c->name);
	if (!realpath(link, path))
		return false;
	if (!r->root) {
		fix(r, "Or at once, if nothing uses it: ask again as root.");
		return false;
	}
	pci = strrchr(path, '/') + 1;
	if (controller_used(r, c, by, sizeof(by))) {
		fix(r, "Not before: %s, and the driver has to let go of it.",
		    by);
		return false;
	}
	fix(r,
	    "Or now: nothing on %s is mounted, swapped to or part of another "
	    "device. Make sure that no process has it open, then:",
	    c->name);
	fix(r, "\techo %u >/sys/module/nvme/parameters/poll_queues", n);
	fix(r, "\techo %s >/sys/bus/pci/drivers/nvme/unbind", pci);
	fix(r, "\techo %s >/sys/bus/pci/drivers/nvme/bind", pci);
	other = endangered(r, c->name);
	if (!other)
		return true;
	fix(r, "and, once %s is back, or I/O of %s could stall after a reset:",
	    c->name, other);
	fix(r, NO_POLL_QUEUES);
	return true;
}

/* Interrupts of a controller are nvme0q0 (its admin queue), nvme0q1, ... */
static unsigned int count_irqs(const char *name)
{
	char line[8192], queue[32];
	FILE *f = fopen("/proc/interrupts", "re");
	unsigned int n = 0;
	const char *p;

	snprintf(queue, sizeof(queue), " %.16sq", name);
	while (f && fgets(line, sizeof(line), f))
		for (p = strstr(line, queue); p; p = strstr(p + 1, queue))
			n += p[strlen(queue)] != '0';
	if (f)
		fclose(f);
	return n;
}

static unsigned int parameter(const char *module, const char *name)
{
	char line[16];

	device_read(line, sizeof(line), "/sys/module/%s/parameters/%s", module,
		    name);
	return strtoul(line, NULL, 10);
}

/*
 * A queue for each CPU, unless the controller has less of them than the driver
 * asked for: then half, as the others share what is left.
 */
static unsigned int recommend(const struct report *r,
			      const struct controller *c)
{
	unsigned int polls = c->polls > 0 ? c->polls : 0;
	unsigned int asked =
		r->possible + polls + parameter("nvme", "write_queues");

	if (c->queues >= asked || r->online <= c->queues / 2)
		return r->online;
	return c->queues / 2 ?: 1;
}

/* None of its queues polls: why, and what can be done about it. */
static void check_no_poll(struct report *r, const struct controller *c,
			  enum status bad)
{
	unsigned int n = recommend(r, c);
	bool wanted = parameter("nvme", "poll_queues");

	if (c->queues == 1 && (r->possible > 1 || wanted)) {
		check(r, c->name, bad,
		      "pcie, a single I/O queue, which the driver keeps for "
		      "interrupts whatever poll_queues says");
		fix(r,
		    "The controller has no more. A virtual one can get more "
		    "(QEMU: max_ioqpairs=%u).",
		    2 * r->online);
		return;
	}
	if (c->irqs && c->irqs < c->queues) {
		check(r, c->name, bad,
		      "pcie, a reset with poll_queues raised has left a queue "
		      "without interrupt: I/O stalls");
		fix(r, "The driver makes room for poll queues only when it "
		       "takes the controller, yet uses them after a reset. "
		       "Back to where it was, from where to start again:");
		fix(r, NO_POLL_QUEUES);
		fix(r, "\techo 1 >/sys/class/nvme/%s/reset_controller",
		    c->name);
		return;
	}
	check(r, c->name, bad,
	      "pcie, %u I/O queue%s, none of them for polling%s", c->queues,
	      c->queues == 1 ? "" : "s",
	      wanted ? ", though poll_queues is set" : "");
	if (wanted)
		fix(r, "The driver makes room for poll queues only when it "
		       "takes the controller. Do not reset it now: that would "
		       "leave a queue without interrupt, whose I/O stalls for "
		       "30 seconds.");
	fix_boot_nvme(r, n);
	if (!fix_now(r, c, n) && wanted) {
		fix(r, "Until then set it back to what it was:");
		fix(r, NO_POLL_QUEUES);
	}
}

static void check_pcie(struct report *r, const struct controller *c,
		       enum status bad)
{
	unsigned int n = recommend(r, c);

	if (c->polls >= (int)n) {
		check(r, c->name, OK,
		      "pcie, %u I/O queues, %d of them for polling, %u CPU%s",
		      c->queues, c->polls, r->online,
		      r->online == 1 ? "" : "s");
	} else if (c->polls > 0) {
		check(r, c->name, WARN,
		      "pcie, %u I/O queues, %d of them for polling: the %u "
		      "CPUs share %s",
		      c->queues, c->polls, r->online,
		      c->polls > 1 ? "them" : "it");
		fix(r, "Works; faster with %u when several CPUs poll at once.",
		    n);
		fix_boot_nvme(r, n);
		fix_now(r, c, n);
	} else {
		check_no_poll(r, c, bad);
	}
}

static void read_controller(const struct report *r, struct controller *c)
{
	char line[32];

	device_read(c->state, sizeof(c->state), "/sys/class/nvme/%s/state",
		    c->name);
	device_read(c->transport, sizeof(c->transport),
		    "/sys/class/nvme/%s/transport", c->name);
	device_read(line, sizeof(line), "/sys/class/nvme/%s/queue_count",
		    c->name);
	c->queues = strtoul(line, NULL, 10);
	c->queues -= c->queues > 0; /* the admin queue */
	c->irqs = count_irqs(c->name);
	for (int i = 0; i < r->nr_devices; i++) {
		const struct device *d = &r->devices[i];

		if (strcmp(d->controller, c->name))
			continue;
		c->disks++;
		c->pollable += d->io_poll && d->poll_queues;
		c->polls = d->poll_queues;
	}
}

static void check_controller(struct report *r, const char *name)
{
	enum status bad = r->nr_pollable ? WARN : FAIL;
	struct controller c = { .name = name };
	bool pcie;

	read_controller(r, &c);
	pcie = !strcmp(c.transport, "pcie");
	if (strcmp(c.state, "live")) {
		check(r, name, bad, "%s, it is %s", c.transport, c.state);
	} else if (!c.disks) {
		check(r, name, WARN, "%s, it has no namespaces", c.transport);
	} else if (device_over_network(c.transport)) {
		check(r, name, bad, "%s, which is not polled", c.transport);
		fix(r,
		    "To poll, the driver uses what it frees when a connection "
		    "is lost; nothing can be done about it.");
	} else if (c.pollable && (!pcie || c.polls < 0)) {
		check(r, name, OK,
		      "%s, %u I/O queues, some of them for polling",
		      c.transport, c.queues);
	} else if (pcie) {
		check_pcie(r, &c, bad);
	} else {
		check(r, name, bad,
		      "%s, %u I/O queues, none of them for polling",
		      c.transport, c.queues);
		fix(r, "The driver of this transport cannot poll.");
	}
}

void check_controllers(struct report *r)
{
	struct dirent **names;
	int i, n;

	n = scandir("/sys/class/nvme", &names, NULL, versionsort);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			check_controller(r, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
