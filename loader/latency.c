// SPDX-License-Identifier: GPL-2.0
/* The latency command: options, attach, wait, read. */
#include <argp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forcepoll.h"
#include "latency_hist.h"

#include "args.h"
#include "clock.h"
#include "device.h"
#include "latency.h"
#include "latency.skel.h"
#include "latency_read.h"
#include "latency_report.h"
#include "log.h"
#include "machine.h"
#include "module.h"
#include "options.h"
#include "out.h"
#include "signals.h"
#include "track.h"

static const char doc[] =
	"How long block I/O takes, polled and not, by origin and size.\n\v"
	"Until Ctrl-C, or for --duration seconds, or until the last PID has "
	"exited. Without --cgroup and --pid it is the I/O of everybody. Needs "
	"no run of forcepoll, and disturbs none.\n\n"
	"What is measured, from where to where:\n"
	"  polled    from submission to the moment that the submitter goes on; "
	"by\n"
	"            module forcepoll, so only while it is loaded\n"
	"  unpolled  from block_bio_queue to the completion interrupt; the "
	"wake-up\n"
	"            of whoever waits comes on top, and is not in it\n"
	"  iopoll    the same, polled where its submitter waits for several: "
	"io_uring's\n"
	"            IOPOLL, and module forcepoll\n"
	"Reads and writes, each where it is first submitted: what dm and md "
	"make of it is part of it. Not those with a flush or FUA, nor those "
	"that io.max holds back, which a kernel thread submits. The origins "
	"fault and swap are told apart for polled I/O only: others are reads.\n\n"
	"Percentiles are read from histograms: never too low, and too high by "
	"6.25 % or 63 ns at the most. Lost events are counted and shown.\n\n"
	"Examples:\n"
	"  forcepoll-loader latency -c /sys/fs/cgroup/db -d 10\n"
	"                                        # a service, for ten seconds\n"
	"  forcepoll-loader latency --json       # everybody, until Ctrl-C\n\n"
	"Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.";

static const struct argp_option argp_options[] = {
	{ "cgroup", 'c', "PATH", 0,
	  "every process in PATH and below, now and later (repeatable)", 0 },
	{ "pid", 'p', "PID", 0, "this process, all its threads (repeatable)",
	  0 },
	{ "device", ARGS_DEVICE, "NAME", 0,
	  "only this block device (repeatable; default: all)", 0 },
	{ "duration", 'd', "SEC", 0, "end after SEC seconds", 0 },
	{ "json", 'j', 0, 0, "machine-readable output", 0 },
	{ "quiet", 'q', 0, 0, "errors and warnings only", 0 },
	{ "verbose", 'v', 0, 0, "more; twice: libbpf's messages too", 0 },
	{ 0 },
};

/* What one call of the command works with. */
struct latency {
	struct options options;
	double duration; /* 0: until a signal */
	struct track track;
	struct latency_bpf *bpf;
	struct latency_report report;
};

static bool everybody(const struct options *o)
{
	return !o->cgroups.n && !o->pids.n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct latency *l = state->input;

	if (key != 'd')
		return args_shared(key, arg, state, &l->options);
	l->duration = args_seconds(state, arg);
	return 0;
}

static int choose_device(const struct latency *l, const struct device *d,
			 const char *word)
{
	__u32 yes = 1;
	int err;

	if (!d)
		return log_error(-ENODEV, "%s: no such block device", word);
	if (!l->bpf)
		return 0; /* only asked whether it is there */
	err = bpf_map_update_elem(bpf_map__fd(l->bpf->maps.chosen_devices),
				  &d->dev, &yes, BPF_ANY);
	return err ? log_error(err, "%s: %s", d->name, strerror(-err)) : 0;
}

/* Any will do, also those that forcepoll cannot poll. */
static int choose_devices(const struct latency *l)
{
	const struct words *names = &l->options.devices;
	struct device *all = NULL;
	int n = 0, err = 0;

	if (names->n)
		n = device_list(&all);
	if (n < 0)
		return log_error(n, "block devices: %s", strerror(-n));
	for (size_t i = 0; i < names->n && !err; i++)
		err = choose_device(l, device_find(all, n, names->word[i]),
				    names->word[i]);
	device_free(all, n);
	return err;
}

static int load(struct latency *l)
{
	struct latency_bpf *bpf = latency_bpf__open();
	int err;

	l->bpf = bpf;
	if (!bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	bpf->rodata->everybody = everybody(&l->options);
	bpf->rodata->every_device = !l->options.devices.n;
	bpf_program__set_autoload(bpf->progs.on_polled, l->report.polled);
	if (everybody(&l->options))
		err = bpf_map__set_max_entries(bpf->maps.targets, 1);
	else
		err = bpf_map__reuse_fd(bpf->maps.targets,
					track_targets(&l->track));
	err = err ?: latency_bpf__load(bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	return choose_devices(l);
}

/* The chosen PIDs leave the map when they exit; others may join a cgroup. */
static bool all_gone(const struct latency *l)
{
	__u32 key;

	return l->options.pids.n && !l->options.cgroups.n &&
	       bpf_map_get_next_key(track_targets(&l->track), NULL, &key);
}

static void wait_for_end(struct latency *l, const sigset_t *set)
{
	const double tick = 0.2;
	double end = clock_now() + l->duration, left = tick;

	while (!all_gone(l)) {
		struct timespec t;

		track_again(&l->track);
		if (l->duration) {
			left = end - clock_now();
			if (left <= 0)
				return;
			if (left > tick)
				left = tick;
		}
		t.tv_sec = 0;
		t.tv_nsec = left * 1e9;
		if (sigtimedwait(set, NULL, &t) > 0)
			return;
	}
}

static int measure(struct latency *l, const sigset_t *set)
{
	double start;
	int err;

	err = latency_bpf__attach(l->bpf);
	if (err)
		return log_error(err, "attach: %s (-v shows more)",
				 strerror(-err));
	start = clock_now();
	log_info("measuring");
	wait_for_end(l, set);
	l->report.seconds = clock_now() - start;
	latency_bpf__detach(l->bpf);
	err = latency_read(l->bpf, &l->report);
	if (err)
		return log_error(err, "histograms: %s", strerror(-err));
	if (!l->report.polled && module_loaded())
		log_warn("module forcepoll came meanwhile: what it polled is "
			 "not shown");
	return 0;
}

static int run(struct latency *l)
{
	/* Devices are this command's own business, not the tracking's. */
	struct options who = { .cgroups = l->options.cgroups,
			       .pids = l->options.pids };
	sigset_t set;
	int err;

	err = machine_check();
	err = err ?: choose_devices(l);
	if (err)
		return err;
	signals_block(&set);

	err = track_check(&l->track, &who);
	if (!err && !everybody(&who))
		err = track_open(&l->track);
	l->report.polled = module_live();
	if (!err && !l->report.polled)
		log_warn("module forcepoll is not loaded: nothing is polled");
	err = err ?: load(l);
	err = err ?: measure(l, &set);
	if (!err && l->options.json)
		latency_report_json(&l->report);
	else if (!err)
		latency_report_print(&l->report);
	latency_bpf__destroy(l->bpf);
	track_close(&l->track);
	free(l->report.cell);
	return err;
}

int latency_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = doc,
	};
	struct latency latency = {};
	int err;

	argv[0] = "forcepoll-loader latency";
	argp_parse(&argp, argc, argv, 0, NULL, &latency);
	log_init();
	err = run(&latency);
	err = err ?: out_close();
	return err ? 1 : 0;
}
