// SPDX-License-Identifier: GPL-2.0
/*
 * The command without a name: a session until Ctrl-C, which follows meanwhile what the
 * chosen devices are made of. And its end by another: stop.
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
#include "device.h"
#include "disks.h"
#include "explain.h"
#include "ksyms.h"
#include "log.h"
#include "machine.h"
#include "module.h"
#include "options.h"
#include "out.h"
#include "pins.h"
#include "run.h"
#include "select_devices.h"
#include "session.h"
#include "signals.h"
#include "status.h"
#include "steps.h"
#include "switches.h"
#include "switches_report.h"
#include "targets.skel.h"

/* Mode switches of the targets, see --count-switches. */
struct counters {
	struct switches switches;
	struct switches_sum before;
	double time;
};

/* All that one has. */
struct run {
	const struct options *options;
	struct session *session;
	struct counters counters;
	struct disks disks;
	struct explain explain;
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
	if (!err)
		step("counters");
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
	return 0;
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
	const struct options *o = r->options;
	__u64 expirations;
	int err;

	if (read(timer, &expirations, sizeof(expirations)) < 0)
		return -errno;
	/* What is left out now is told together with what comes after. */
	if (!out_takes(STDOUT_FILENO, o->per_target || o->count_switches))
		return 0;
	err = status_lines_print(lines);
	if (!err && o->count_switches)
		err = counters_print(&r->counters, o);
	return err ?: out_flush();
}

/* Until a signal, or until nobody reads the lines any more. */
static int wait_for_end(struct run *r, const sigset_t *signals)
{
	enum { SIGNAL, DISKS, EXPLAIN, INTERVAL, NR_WAITS };
	struct pollfd fds[] = {
		[SIGNAL] = { .fd = signalfd(-1, signals, SFD_CLOEXEC) },
		[DISKS] = { .fd = disks_fd(&r->disks) },
		[EXPLAIN] = { .fd = explain_fd(&r->explain) },
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
		/* The kernel tells nobody of a cgroup that is made again. */
		if (poll(fds, NR_WAITS, r->options->cgroups.n ? 1000 : -1) <
		    0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		select_cgroups_again(&r->session->selection, r->options,
				     r->session->bpf);
		if (fds[DISKS].revents) {
			disks_heard(&r->disks);
			/* It says what goes wrong; the run goes on. */
			select_devices_again(&r->session->selection,
					     r->session->bpf);
		}
		if (fds[EXPLAIN].revents)
			explain_heard(&r->explain);
		if (fds[INTERVAL].revents)
			err = print_lines(r, &lines, fds[INTERVAL].fd);
	}
	status_lines_close(&lines);
	close(fds[INTERVAL].fd);
	close(fds[SIGNAL].fd);
	return err == -EPIPE ? 0 : err;
}

static int dry_run(const struct selection *s, const struct pins *pins,
		   const struct options *o)
{
	const char *would = o->observe ? "would observe" : "would poll";

	if (!module_loaded() && o->module && access(o->module, R_OK))
		return log_error(-errno, "%s: %s", o->module, strerror(errno));

	for (size_t i = 0; i < o->cgroups.n; i++)
		printf("%s for cgroup %s (id %llu)\n", would,
		       o->cgroups.word[i], s->cgroups[i]);
	for (size_t i = 0; i < o->pids.n; i++)
		printf("%s for process %u%s\n", would, s->pids[i].tgid,
		       o->follow ? " and its children" : "");
	for (size_t i = 0; i < o->comms.n; i++)
		printf("%s for programs named %s\n", would, o->comms.word[i]);
	for (size_t i = 0; i < o->exes.n; i++)
		printf("%s for %s\n", would, o->exes.word[i]);
	if (o->all)
		printf("%s for every process\n", would);
	for (int i = 0; i < s->nr_devices; i++)
		if (device_pollable(s->devices[i]))
			printf("%s on %s\n", would, s->devices[i]->name);
	if (o->max_bytes)
		printf("%s I/O of up to %u bytes\n", would, o->max_bytes);
	if (o->policy)
		printf("would let %s decide\n", o->policy);
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
		select_devices_again(&r->session->selection, r->session->bpf);
}

/* In the background nobody waits for a signal: one that has come was to end the start. */
static int ended_meanwhile(const sigset_t *signals)
{
	int sig = sigtimedwait(signals, NULL, &(struct timespec){});

	return sig < 0 ? 0 : log_error(-EINTR, "%s", strsignal(sig));
}

/* With the directory locked. */
static int run_locked(struct session *s, const struct options *o)
{
	struct run r = { .options = o, .session = s };
	sigset_t signals;
	int err;

	signals_block(&signals);
	signal(SIGPIPE, SIG_IGN);
	if (o->interval)
		out_open();
	err = session_start(s);
	if (!err && o->explain)
		err = explain_open(&r.explain);
	if (!err && o->count_switches)
		err = counters_open(&r.counters,
				    bpf_map__fd(s->bpf->maps.targets), o);
	err = err ?: session_choose(s);
	if (!err && o->background)
		err = ended_meanwhile(&signals);
	err = err ?: session_decide(s);
	if (err) {
		explain_close(&r.explain); /* its program holds the module */
		session_abort(s);
	} else {
		follow_disks(&r);
		log_info("ready: %s", s->pins.found ?
					      "took over a run that was left" :
				      o->observe ? "observing" :
						   "polling");
	}
	if (!err && !o->background) {
		err = wait_for_end(&r, &signals);
		explain_close(&r.explain);
		err = session_undo(s) ?: err;
	}
	disks_close(&r.disks);
	counters_close(&r.counters);
	return err;
}

int run(const struct options *o)
{
	struct session s;
	int err = session_check(&s, o);

	if (!err && o->dry_run) {
		err = session_free(&s);
		err = err ?: dry_run(&s.selection, &s.pins, o);
	} else {
		err = err ?: session_lock(&s);
		err = err ?: run_locked(&s, o);
	}
	session_close(&s);
	return err;
}

int stop(const struct options *o)
{
	struct session s = { .options = o, .pins.lock = -1 };
	int err;

	err = machine_check();
	err = err ?: pins_check(&s.pins, o->pin_dir);
	if (err)
		return err;
	if (access(o->pin_dir, F_OK)) {
		log_info("nothing to stop: no run in %s", o->pin_dir);
		return 0;
	}
	err = pins_lock(&s.pins);
	if (err)
		return err;
	err = session_undo(&s);
	pins_unlock(&s.pins);
	return err;
}
