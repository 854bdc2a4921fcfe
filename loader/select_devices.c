// SPDX-License-Identifier: GPL-2.0
/* From words to map entries: devices. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forcepoll.h"

#include "device.h"
#include "log.h"
#include "options.h"
#include "select.h"
#include "select_devices.h"
#include "steps.h"
#include "targets.skel.h"

/*
 * What is passed on is polled at the disk below, and that is what the module looks
 * up. Those too that cannot be polled yet: their I/O scheduler may go.
 */
static void add_device(struct selection *s, const struct device *d)
{
	for (int i = 0; i < s->nr_devices; i++)
		if (s->devices[i] == d)
			return;
	s->devices[s->nr_devices++] = d;
	for (int i = 0; d->passes_on && i < d->nr_below; i++)
		add_device(s, d->below[i]);
}

/* A partition comes and goes when its table is read: remember the disk. */
static int choose_devices(struct selection *s, const struct words *names)
{
	s->chosen = calloc(names->n, sizeof(*s->chosen));
	if (!s->chosen)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < names->n; i++) {
		const struct device *d =
			device_find(s->all, s->nr_all, names->word[i]);

		if (!d)
			return log_error(-ENODEV, "%s: no such block device",
					 names->word[i]);
		if (!device_pollable(d))
			return log_error(-ENOTSUP, "%s cannot be polled: %s",
					 d->name, d->why);
		strcpy(s->chosen[s->nr_chosen++], d->name);
		add_device(s, d);
	}
	return 0;
}

/* Polling somewhere is what the user wants: nowhere is an error. */
static int all_devices(struct selection *s)
{
	const struct device *first = NULL;

	for (int i = 0; i < s->nr_all; i++) {
		const struct device *d = &s->all[i];

		if (device_pollable(d))
			s->devices[s->nr_devices++] = d;
		else if (d->controller[0] && !first)
			first = d;
	}
	if (s->nr_devices)
		return 0;
	return log_error(-ENODEV,
			 "no block device here can be polled (%s%s%s%ssee "
			 "forcepoll-loader doctor)",
			 first ? first->name : "", first ? ": " : "",
			 first ? first->why : "", first ? "; " : "");
}

static int list_devices(struct selection *s)
{
	s->nr_all = device_list(&s->all);
	if (s->nr_all < 0)
		return log_error(s->nr_all, "block devices: %s",
				 strerror(-s->nr_all));
	s->devices = calloc(s->nr_all + 1, sizeof(*s->devices));
	if (!s->devices)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

static void free_list(struct selection *s)
{
	free(s->devices);
	device_free(s->all, s->nr_all);
}

int select_devices(struct selection *s, const struct options *o)
{
	int err = list_devices(s);

	if (err)
		return err;
	return o->devices.n ? choose_devices(s, &o->devices) : all_devices(s);
}

void select_free_devices(struct selection *s)
{
	free_list(s);
	free(s->chosen);
}

int select_put_devices(const struct selection *s, struct targets_bpf *bpf)
{
	__u32 allow = FORCEPOLL_DEVICE_ALLOW;
	int err = 0;

	for (int i = 0; i < s->nr_devices && !err; i++) {
		err = bpf_map_update_elem(bpf_map__fd(bpf->maps.devices),
					  &s->devices[i]->dev, &allow, BPF_ANY);
		if (err)
			log_error(err, "%s: map devices: %s",
				  s->devices[i]->name,
				  err == -E2BIG ? "full" : strerror(-err));
		else
			step("entry");
	}
	return err;
}

static bool has(const struct selection *s, __u32 dev)
{
	for (int i = 0; i < s->nr_devices; i++)
		if (s->devices[i]->dev == dev)
			return true;
	return false;
}

int select_devices_again(struct selection *s, struct targets_bpf *bpf)
{
	struct selection now = {};
	int err = list_devices(&now);

	if (err) {
		free_list(&now);
		return err;
	}
	for (int i = 0; i < s->nr_chosen; i++) {
		const struct device *d =
			device_find(now.all, now.nr_all, s->chosen[i]);

		if (d)
			add_device(&now, d);
	}
	err = select_put_devices(&now, bpf);
	/* Only what the loader has put there: others are by hand, or of a run before. */
	for (int i = 0; i < s->nr_devices; i++)
		if (!has(&now, s->devices[i]->dev) &&
		    !select_had(s, bpf->maps.devices, &s->devices[i]->dev))
			bpf_map_delete_elem(bpf_map__fd(bpf->maps.devices),
					    &s->devices[i]->dev);
	free_list(s);
	s->all = now.all;
	s->nr_all = now.nr_all;
	s->devices = now.devices;
	s->nr_devices = now.nr_devices;
	return err;
}
