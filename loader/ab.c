// SPDX-License-Identifier: GPL-2.0
/*
 * The ab command: a session whose targets are polled and only observed in turns, in
 * pairs of short windows. Which of a pair comes first is random, so that a load that
 * comes and goes with its own period is not always in the same arm; every second
 * pair the other way round, so that what grows with time favours neither.
 */
#include <argp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ab.h"
#include "ab_report.h"
#include "ab_stats.h"
#include "ab_window.h"
#include "args.h"
#include "clock.h"
#include "guard.h"
#include "log.h"
#include "options.h"
#include "out.h"
#include "session.h"
#include "signals.h"
#include "targets.skel.h"

static const char doc[] =
	"Is polling worth it for these processes? Measures them with "
	"interrupts and polled, in turns.\n\v"
	"For --duration seconds, or until Ctrl-C, it polls for the chosen "
	"processes in one window of --window seconds and leaves them to "
	"interrupts in the next, in pairs of random order. The beginning of "
	"each window is dropped. Then it undoes everything, and says how much "
	"polling gained in latency and throughput, what it cost in CPU time, how "
	"sure that is, and in one sentence whether it is worth it.\n\n"
	"Timed are system calls and page faults in which block I/O was "
	"submitted, from entry to exit, as the process sees them. Of io_submit "
	"and io_uring_enter each bio, from submission to completion: a wake-up, "
	"which comes after an interrupt only, is not in it then. The output "
	"says which of the two it is.\n\n"
	"Intervals are of 95 %. 'CPU, machine' is all time in which a CPU was "
	"not idle, interrupts and other processes included; 'CPU, cgroups' what "
	"is charged to the cgroups, where interrupts are not.\n\n"
	"Examples:\n"
	"  forcepoll-loader ab -c /sys/fs/cgroup/db      # a service, 20 "
	"seconds\n"
	"  forcepoll-loader ab -p 1234 -d 120 --json     # surer, for a "
	"program\n\n"
	"Exit status: 0 measured, whatever the verdict, 1 failed (the reason is "
	"on stderr), 2 wrong usage.";

enum { KEY_WINDOW = 0x100 };

static const struct argp_option argp_options[] = {
	ARGS_WHOSE,
	{ "device", ARGS_DEVICE, "NAME", 0,
	  "poll only on this block device (repeatable; default: all that can)",
	  0 },
	{ "max-bytes", 'm', "SIZE", 0, "poll only I/O up to SIZE", 0 },
	ARGS_HOW,
	{ "duration", 'd', "SEC", 0, "how long (20)", 0 },
	{ "window", KEY_WINDOW, "SEC", 0, "of one window (0.25)", 0 },
	{ "pin-dir", 'P', "DIR", 0, "where to pin (" FORCEPOLL_PIN_DIR ")", 0 },
	{ "module", ARGS_MODULE, "FILE", 0,
	  "load this forcepoll.ko instead of asking modprobe", 0 },
	{ "json", 'j', 0, 0, "machine-readable output", 0 },
	{ "quiet", 'q', 0, 0, "errors and warnings only", 0 },
	{ "verbose", 'v', 0, 0, "more; twice: libbpf's messages too", 0 },
	{ 0 },
};

#define MIN_WINDOW 0.1 /* the module hears of a change within a tick: 10 ms */
#define MAX_PAIRS 5000 /* of some 15 KiB */

/* What one call of the command works with. */
struct ab {
	struct options options;
	double duration, window, settle;
	sigset_t signals;
	struct session session;
	struct guard guard;
	struct ab_probe probe;
	struct ab_pair *pairs;
	size_t nr_pairs;
};

static size_t pairs_wanted(const struct ab *ab)
{
	/* A little more, for 3 / 0.3. */
	return ab->duration / (2 * ab->window) + 1e-6;
}

static void check(struct argp_state *state, struct ab *ab)
{
	const struct options *o = &ab->options;

	if (!o->cgroups.n && !o->pids.n && !o->comms.n && !o->exes.n && !o->all)
		argp_error(state, "whose I/O? give --cgroup, --pid, --comm, "
				  "--exe or --all");
	if (o->follow && !o->pids.n)
		argp_error(state, "--follow-forks goes with --pid");
	if (ab->window < MIN_WINDOW)
		argp_error(state, "--window takes at least %g seconds",
			   MIN_WINDOW);
	if (pairs_wanted(ab) < AB_MIN_PAIRS)
		argp_error(state,
			   "--duration must have room for %d pairs of windows: "
			   "%g seconds",
			   AB_MIN_PAIRS, 2 * AB_MIN_PAIRS * ab->window);
	if (pairs_wanted(ab) > MAX_PAIRS)
		argp_error(state,
			   "--duration has more than %d pairs of windows: give "
			   "a longer --window",
			   MAX_PAIRS);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ab *ab = state->input;

	switch (key) {
	case 'd':
		ab->duration = args_seconds(state, arg);
		break;
	case KEY_WINDOW:
		ab->window = args_seconds(state, arg);
		break;
	case ARGP_KEY_END:
		check(state, ab);
		break;
	default:
		return args_shared(key, arg, state, &ab->options);
	}
	return 0;
}

/* False when a signal ended it. */
static bool sleep_for(const struct ab *ab, double seconds)
{
	double end = clock_now() + seconds, left;

	while ((left = end - clock_now()) > 0) {
		struct timespec t = { .tv_sec = left };

		t.tv_nsec = (left - t.tv_sec) * 1e9;
		if (sigtimedwait(&ab->signals, NULL, &t) > 0)
			return false;
	}
	return true;
}

/* 0: measured; 1: a signal ended it; or -errno, said. */
static int window(struct ab *ab, enum ab_arm arm, struct ab_window *w)
{
	struct targets_bpf *bpf = ab->session.bpf;
	int err;

	select_cgroups_again(&ab->session.selection, &ab->options, bpf);
	err = select_observe(bpf, arm == AB_interrupts);
	if (err)
		return err;
	if (!sleep_for(ab, ab->settle))
		return 1;
	/* Whoever was being added when it changed has been by now. */
	err = select_observe(bpf, arm == AB_interrupts);
	err = err ?: ab_window_begin(&ab->probe, arm);
	if (err)
		return err;
	if (!sleep_for(ab, ab->window - ab->settle))
		return 1;
	return ab_window_end(&ab->probe, arm, w);
}

static int measure(struct ab *ab)
{
	enum ab_arm first = AB_interrupts;
	size_t wanted = pairs_wanted(ab);
	unsigned char byte;
	int err = 0;

	while (!err && ab->nr_pairs < wanted) {
		struct ab_pair *p = &ab->pairs[ab->nr_pairs];

		if (ab->nr_pairs % 2)
			first = !first;
		else if (getrandom(&byte, 1, 0) == 1)
			first = byte & 1;
		err = window(ab, first, &p->arm[first]);
		err = err ?: window(ab, !first, &p->arm[!first]);
		if (!err)
			ab->nr_pairs++;
	}
	return err < 0 ? err : 0;
}

static int open_all(struct ab *ab)
{
	struct session *s = &ab->session;
	int err;

	ab->pairs = calloc(pairs_wanted(ab), sizeof(*ab->pairs));
	if (!ab->pairs)
		return log_error(-ENOMEM, "%s", strerror(ENOMEM));
	err = session_check(s, &ab->options);
	err = err ?: session_lock(s);
	if (err)
		return err;
	/* It would be switched on and off, and ended. */
	if (s->pins.found)
		return log_error(-EBUSY,
				 "there is a run already, without a loader, in "
				 "%s: end it first, by forcepoll-loader stop",
				 s->pins.dir);
	signals_block(&ab->signals);
	signal(SIGPIPE, SIG_IGN);
	err = guard_start(&ab->guard, s);
	err = err ?: session_start(s);
	err = err ?: session_choose(s);
	err = err   ?:
		      ab_probe_open(&ab->probe,
				    bpf_map__fd(s->bpf->maps.targets),
				    &ab->options.cgroups);
	return err ?: session_decide(s);
}

/* All is undone before anything is said. */
static int close_all(struct ab *ab)
{
	int err;

	ab_probe_close(&ab->probe);
	err = guard_end(&ab->guard, &ab->session);
	session_close(&ab->session);
	return err;
}

static int run(struct ab *ab)
{
	struct ab_result *r = calloc(1, sizeof(*r));
	struct ab_run how = { .window = ab->window, .settle = ab->settle };
	int err = r ? 0 : log_error(-ENOMEM, "%s", strerror(ENOMEM)), e;

	err = err ?: open_all(ab);
	if (!err) {
		log_info("measuring: %zu pairs of windows, %.0f seconds",
			 pairs_wanted(ab), ab->duration);
		how.seconds = -clock_now();
		err = measure(ab);
		how.seconds += clock_now();
		how.lost = ab_probe_lost(&ab->probe);
	}
	e = close_all(ab);
	err = err ?: e;
	err = err ?: ab_stats(r, ab->pairs, ab->nr_pairs);
	if (!err && ab->options.json)
		ab_report_json(r, &how);
	else if (!err)
		ab_report_print(r, &how);
	free(ab->pairs);
	free(r);
	return err;
}

int ab_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = doc,
	};
	static char name[] = "forcepoll-loader ab";
	struct ab ab = {
		.options.pin_dir = FORCEPOLL_PIN_DIR,
		.session.pins.lock = -1,
		.duration = 20,
		.window = 0.25,
	};
	int err;

	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &ab);
	log_init();
	/* More than two ticks of the slowest clock, where the window has room. */
	ab.settle = fmax(ab.window / 5, 0.03);
	err = run(&ab);
	err = err ?: out_close();
	return err ? 1 : 0;
}
