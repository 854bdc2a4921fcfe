// SPDX-License-Identifier: GPL-2.0
/*
 * One run, from the command line to Ctrl-C:
 *
 *   check words -> lock pins -> write state -> load module -> load and pin maps
 *   -> attach and pin programs -> fill rules -> seed -> bind -> wait, and follow
 *   what the devices are made of -> undo
 *
 * Everything is pinned from the start, so that a loader that is killed leaves a
 * run that goes on and can be taken over, not half of one.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "forcepoll.h"

#include "clock.h"
#include "control.h"
#include "device.h"
#include "disks.h"
#include "ksyms.h"
#include "log.h"
#include "machine.h"
#include "module.h"
#include "options.h"
#include "pins.h"
#include "run.h"
#include "select.h"
#include "select_devices.h"
#include "status.h"
#include "switches.h"
#include "switches_report.h"
#include "targets.skel.h"

static int open_bpf(struct targets_bpf **bpf, const struct pins *pins,
		    const struct options *o)
{
	int err;

	*bpf = targets_bpf__open();
	if (!*bpf)
		return log_error(-errno, "BPF object: %s", strerror(errno));
	select_configure(o, *bpf);
	err = pins ? pins_prepare(pins, *bpf) : 0;
	if (err)
		return err;
	err = targets_bpf__load(*bpf);
	if (err)
		return log_error(err, "BPF programs: %s (-vv shows why)",
				 strerror(-err));
	return 0;
}

static int start(struct targets_bpf *bpf, const struct pins *pins,
		 struct selection *s, const struct options *o)
{
	struct control control;
	int err;

	err = targets_bpf__attach(bpf);
	if (err)
		return log_error(err, "attach: %s (-v shows more)",
				 strerror(-err));
	err = pins_links(pins, bpf);
	err = err ?: select_rules(s, o, bpf);
	err = err ?: select_seed(s, o, bpf);
	if (err)
		return err;
	err = control_open(&control, bpf_map__fd(bpf->maps.targets),
			   bpf_map__fd(bpf->maps.devices));
	if (err)
		return err;
	err = control_bind(&control);
	control_close(&control);
	return err;
}

/* Only what is bound to these pins: another run may have another directory. */
static int release(const struct pins *pins)
{
	struct forcepoll_stats stats;
	struct control control;
	int err = control_open(&control, -1, -1);

	if (err)
		return err;
	err = control_stats(&control, &stats);
	if (!err && stats.bound && stats.targets_id == pins_targets_id(pins))
		err = control_release(&control);
	control_close(&control);
	return err;
}

/*
 * Undo, in the order that leaves no polling without its bookkeeping. The module
 * goes when forcepoll brought it, and when nobody else uses it.
 */
static int undo(const struct pins *pins)
{
	struct forcepoll_state state = {};
	int err = 0, e;

	pins_state(pins, &state);
	if (module_loaded())
		err = release(pins);
	e = pins_remove(pins);
	err = err ?: e;
	if (!err && state.flags & FORCEPOLL_STATE_LOADED && module_loaded()) {
		e = module_unload();
		if (e && e != -EWOULDBLOCK)
			err = log_error(e, "unload module forcepoll: %s",
					strerror(-e));
	}
	return err;
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Mode switches of the targets, see --count-switches. */
struct counters {
	struct switches switches;
	struct switches_sum before;
	double time;
};

/* All that one has. */
struct run {
	const struct options *options;
	struct selection *selection;
	struct targets_bpf *bpf;
	struct counters counters;
	struct disks disks;
};

static int counters_open(struct counters *c, int targets,
			 const struct options *o)
{
	struct switches_options so = { .targets = targets,
				       .pin_dir = o->pin_dir };
	struct ksyms ksyms;
	int err = ksyms_read(&ksyms);

	if (err)
		return err;
	err = switches_open(&c->switches, &so, &ksyms);
	ksyms_free(&ksyms);
	c->time = clock_now();
	return err ?: switches_read(&c->switches, &c->before);
}

static void counters_close(struct counters *c)
{
	switches_free(&c->before);
	switches_close(&c->switches);
}

static int counters_print(struct counters *c, const struct options *o)
{
	struct switches_sum sum, since;
	double time = clock_now();
	int err = switches_read(&c->switches, &sum);

	err = err ?: switches_copy(&since, &sum);
	if (err)
		return err;
	switches_since(&since, &c->before);
	switches_line(&since, time - c->time, o->json);
	switches_free(&since);
	switches_free(&c->before);
	c->before = sum;
	c->time = time;
	return fflush(stdout) ? -errno : 0;
}

static int interval_timer(double seconds)
{
	struct itimerspec t = {};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	t.it_interval.tv_sec = seconds;
	t.it_interval.tv_nsec = (seconds - t.it_interval.tv_sec) * 1e9;
	t.it_value = t.it_interval; /* 0: it never expires */
	if (fd >= 0)
		timerfd_settime(fd, 0, &t, NULL);
	return fd;
}

static int print_lines(struct run *r, struct status_lines *lines, int timer)
{
	__u64 expirations;
	int err;

	if (read(timer, &expirations, sizeof(expirations)) < 0)
		return -errno;
	err = status_lines_print(lines);
	if (!err && r->options->count_switches)
		err = counters_print(&r->counters, r->options);
	return err;
}

/* Until a signal, or until nobody reads the lines any more. */
static int wait_for_end(struct run *r, const sigset_t *signals)
{
	enum { SIGNAL, DISKS, INTERVAL, NR_WAITS };
	struct pollfd fds[] = {
		[SIGNAL] = { .fd = signalfd(-1, signals, SFD_CLOEXEC) },
		[DISKS] = { .fd = disks_fd(&r->disks) },
		[INTERVAL] = { .fd = interval_timer(r->options->interval) },
	};
	struct status_lines lines = {};
	int err = 0;

	for (int i = 0; i < NR_WAITS; i++)
		fds[i].events = POLLIN;
	if (fds[SIGNAL].fd < 0 || fds[INTERVAL].fd < 0)
		err = log_error(-errno, "%s", strerror(errno));
	if (!err && r->options->interval)
		err = status_lines_open(&lines, r->options);
	while (!err && !fds[SIGNAL].revents) {
		if (poll(fds, NR_WAITS, -1) < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (fds[DISKS].revents) {
			disks_heard(&r->disks);
			/* It says what goes wrong; the run goes on. */
			select_devices_again(r->selection, r->bpf);
		}
		if (fds[INTERVAL].revents)
			err = print_lines(r, &lines, fds[INTERVAL].fd);
	}
	status_lines_close(&lines);
	close(fds[INTERVAL].fd);
	close(fds[SIGNAL].fd);
	return err == -EPIPE ? 0 : err;
}

/* Loaded without pins: the verifier's word, and the PIDs', at no risk. */
static int rehearse(struct selection *s, const struct options *o)
{
	struct targets_bpf *bpf = NULL;
	int err;

	err = open_bpf(&bpf, NULL, o);
	err = err ?: select_pids(s, o, bpf);
	targets_bpf__destroy(bpf);
	return err;
}

static int dry_run(const struct selection *s, const struct pins *pins,
		   const struct options *o)
{
	if (!module_loaded() && o->module && access(o->module, R_OK))
		return log_error(-errno, "%s: %s", o->module, strerror(errno));

	for (size_t i = 0; i < o->cgroups.n; i++)
		printf("would poll for cgroup %s (id %llu)\n",
		       o->cgroups.word[i], s->cgroups[i]);
	for (size_t i = 0; i < o->pids.n; i++)
		printf("would poll for process %u%s\n", s->tgids[i],
		       o->follow ? " and its children" : "");
	for (size_t i = 0; i < o->comms.n; i++)
		printf("would poll for programs named %s\n", o->comms.word[i]);
	for (size_t i = 0; i < o->exes.n; i++)
		printf("would poll for %s\n", o->exes.word[i]);
	if (o->all)
		printf("would poll for every process\n");
	for (int i = 0; i < s->nr_devices; i++)
		if (device_pollable(s->devices[i]))
			printf("would poll on %s\n", s->devices[i]->name);
	if (o->max_bytes)
		printf("would poll I/O of up to %u bytes\n", o->max_bytes);
	printf("would %s %s\n", pins->found ? "take over" : "create",
	       pins->dir);
	if (module_loaded())
		printf("module forcepoll is loaded\n");
	else
		printf("would load %s\n",
		       o->module ? o->module : "module forcepoll (modprobe)");
	return 0;
}

/* Without a loader that stays, the devices are those of the start. */
static void follow_disks(struct run *r)
{
	if (!r->options->devices.n || r->options->background)
		return;
	if (disks_open(&r->disks))
		log_warn("what changes below the chosen devices is not "
			 "followed");
	else
		select_devices_again(r->selection, r->bpf);
}

/* With the directory locked: from nothing to polling, or back to nothing. */
static int run_locked(struct pins *pins, struct selection *s,
		      const struct options *o)
{
	struct run r = { .options = o, .selection = s };
	bool load = !module_loaded();
	sigset_t signals;
	int err;

	block_signals(&signals);
	/* Written down before it is done: whoever cleans up must know. */
	err = pins_write_state(pins, load, o->background);
	if (!err && load)
		err = module_load(o->module);
	err = err ?: open_bpf(&r.bpf, pins, o);
	err = err ?: start(r.bpf, pins, s, o);
	if (!err && o->count_switches)
		err = counters_open(&r.counters,
				    bpf_map__fd(r.bpf->maps.targets), o);
	if (err) {
		/* A run that was there before goes on as it was. */
		if (pins->found)
			log_warn("what was left in %s is still there",
				 pins->dir);
		else
			undo(pins);
		goto out;
	}
	follow_disks(&r);

	log_info("ready: %s",
		 pins->found ? "took over a run that was left" : "polling");
	if (!o->background) {
		err = wait_for_end(&r, &signals);
		err = undo(pins) ?: err;
	}
out:
	disks_close(&r.disks);
	counters_close(&r.counters);
	targets_bpf__destroy(r.bpf);
	return err;
}

int run(const struct options *o)
{
	struct selection selection = {};
	struct pins pins = { .lock = -1 };
	int err;

	err = machine_check();
	err = err ?: select_check(&selection, o);
	err = err ?: select_devices(&selection, o);
	err = err ?: pins_check(&pins, o->pin_dir);
	if (!err && (o->pids.n || o->dry_run))
		err = rehearse(&selection, o);
	if (err)
		goto out;
	if (o->dry_run) {
		err = dry_run(&selection, &pins, o);
		goto out;
	}
	err = pins_lock(&pins);
	if (err)
		goto out;
	err = run_locked(&pins, &selection, o);
	pins_unlock(&pins);
out:
	select_free(&selection, o);
	return err;
}

int stop(const struct options *o)
{
	struct pins pins;
	int err;

	err = machine_check();
	err = err ?: pins_check(&pins, o->pin_dir);
	if (err)
		return err;
	if (access(o->pin_dir, F_OK)) {
		log_info("nothing to stop: no run in %s", o->pin_dir);
		return 0;
	}
	err = pins_lock(&pins);
	if (err)
		return err;
	err = undo(&pins);
	pins_unlock(&pins);
	return err;
}
