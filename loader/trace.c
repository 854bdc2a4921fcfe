// SPDX-License-Identifier: GPL-2.0
/*
 * forcepoll-loader trace: why did these processes enter the kernel?
 *
 *   check words -> hold the command -> say who (track) -> attach (switches)
 *   -> let the command go -> wait -> read -> report
 */
#include <argp.h>
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "command.h"
#include "json.h"
#include "ksyms.h"
#include "log.h"
#include "machine.h"
#include "out.h"
#include "signals.h"
#include "switches_report.h"
#include "stacks.h"
#include "switches.h"
#include "trace.h"
#include "track.h"

static const char doc[] =
	"Count why processes enter the kernel: each return to user mode, by "
	"cause.\n\v"
	"Needs no module, and works beside a running forcepoll. Counts until "
	"Ctrl-C, until --duration is over, or until the command or the last "
	"of the processes has ended; a command is sent what signals come. An "
	"interrupt of a process that is in the kernel already is no return to "
	"user mode and not counted. A page fault that waited for I/O "
	"is counted in a line of its own as well.\n\n"
	"Examples:\n"
	"  forcepoll-loader trace -c /sys/fs/cgroup/db -d 10\n"
	"  forcepoll-loader trace --stacks 3 -- dd if=/dev/nvme0n1 of=/dev/null\n"
	"  forcepoll-loader trace -p 1234 -d 5 --folded --ustack >stacks.txt\n\n"
	"Exit status: the command's; 127 not found, 126 not executable. "
	"Without a command 0 done, 1 failed, 2 wrong usage.";

enum { KEY_STACKS = 0x100, KEY_USTACK, KEY_FOLDED, KEY_USER, KEY_SOFTWARE };

static const struct argp_option argp_options[] = {
	{ "cgroup", 'c', "PATH", 0, "every process in PATH and below", 0 },
	{ "pid", 'p', "PID", 0, "this process, all its threads (repeatable)",
	  0 },
	{ "follow-forks", 'f', 0, 0, "and the children of --pid", 0 },
	{ "all", 'a', 0, 0, "every process", 0 },
	{ "user", KEY_USER, 0, 0, "run COMMAND as the user that ran sudo", 0 },
	{ "duration", 'd', "SEC", 0, "end after SEC", 0 },
	{ "interval", 'i', "SEC", 0, "print every SEC, and all at the end", 0 },
	{ "stacks", KEY_STACKS, "N", 0,
	  "for each cause its N most frequent kernel stacks", 0 },
	{ "ustack", KEY_USTACK, 0, 0, "user stacks too", 0 },
	{ "folded", KEY_FOLDED, 0, 0,
	  "nothing but stacks, in the format of flame graph tools", 0 },
	{ "software-events", KEY_SOFTWARE, 0, 0,
	  "page faults by perf's software events, as where the kernel has no "
	  "tracepoint for them: reads and writes are one",
	  0 },
	{ "json", 'j', 0, 0, "machine-readable output", 0 },
	{ "quiet", 'q', 0, 0, "errors and warnings only", 0 },
	{ "verbose", 'v', 0, 0, "more; twice: libbpf's messages too", 0 },
	{ 0 },
};

struct trace {
	struct options who;
	char **argv; /* of the command, or NULL */
	double duration, interval; /* seconds; 0: none */
	unsigned int stacks;
	bool ustack, folded, as_user, software;

	struct command command;
	struct track track;
	struct switches switches;
	struct ksyms ksyms;
	struct stacks seen;
	int signals; /* signalfd */
	double began;
};

static unsigned int parse_number(struct argp_state *state, const char *arg)
{
	unsigned long n;
	char *end;

	n = strtoul(arg, &end, 10);
	if (!isdigit(*arg) || *end || !n || n > 1000)
		argp_error(state, "'%s' is not a number from 1 to 1000", arg);
	return n;
}

static void check(struct argp_state *state, const struct trace *t)
{
	int ways =
		!!t->who.cgroups.n + !!t->who.pids.n + t->who.all + !!t->argv;

	if (!ways)
		argp_error(state, "trace whom? give --cgroup, --pid, --all or "
				  "-- COMMAND");
	if (ways > 1)
		argp_error(state, "one of --cgroup, --pid, --all and COMMAND "
				  "at a time");
	if (t->who.follow && !t->who.pids.n)
		argp_error(state, "--follow-forks goes with --pid");
	if (t->as_user && !t->argv)
		argp_error(state, "--user goes with a COMMAND");
	if (t->folded && (t->who.json || t->interval))
		argp_error(state, "--folded goes without --json and "
				  "--interval");
	if (t->ustack && !t->stacks && !t->folded)
		argp_error(state, "--ustack goes with --stacks or --folded");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;

	switch (key) {
	case KEY_USER:
		t->as_user = true;
		break;
	case 'd':
		t->duration = args_seconds(state, arg);
		break;
	case 'i':
		t->interval = args_seconds(state, arg);
		break;
	case KEY_STACKS:
		t->stacks = parse_number(state, arg);
		break;
	case KEY_USTACK:
		t->ustack = true;
		break;
	case KEY_FOLDED:
		t->folded = true;
		break;
	case KEY_SOFTWARE:
		t->software = true;
		break;
	case ARGP_KEY_ARGS:
		t->argv = state->argv + state->next;
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		check(state, t);
		break;
	default:
		return args_shared(key, arg, state, &t->who);
	}
	return 0;
}

/* Whoever ends leaves the map. True as well when it is not up to PIDs. */
static bool pids_live(const struct trace *t)
{
	__u32 tgid;

	return !t->who.pids.n ||
	       !bpf_map_get_next_key(track_targets(&t->track), NULL, &tgid);
}

static int open_signals(struct trace *t, sigset_t *old)
{
	static const int signals[] = { SIGINT,	SIGTERM, SIGHUP, SIGQUIT,
				       SIGUSR1, SIGUSR2, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signals_add(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, old);
	signal(SIGPIPE, SIG_IGN);
	out_open();
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return t->signals < 0 ?
		       log_error(-errno, "signalfd: %s", strerror(errno)) :
		       0;
}

/* The command is a PID to follow, in every respect. */
static int hold_command(struct trace *t, const sigset_t *mask)
{
	static char pid[16];
	int err = command_start(&t->command, t->argv, t->as_user, mask);

	if (err)
		return err;
	snprintf(pid, sizeof(pid), "%d", t->command.pid);
	args_word(&t->who.pids, pid);
	t->who.follow = true;
	return 0;
}

static int start(struct trace *t, const sigset_t *mask)
{
	struct switches_options o = {
		.targets = -1,
		.kernel_stacks = t->stacks || t->folded,
		.user_stacks = t->ustack,
		.software = t->software,
	};
	int err = machine_check();

	err = err ?: t->argv ? hold_command(t, mask) : 0;
	err = err ?: track_check(&t->track, &t->who);
	err = err ?: ksyms_read(&t->ksyms);
	if (!err && !t->who.all) {
		err = track_open(&t->track);
		if (!err)
			o.targets = track_targets(&t->track);
	}
	err = err ?: switches_open(&t->switches, &o, &t->ksyms);
	if (!err && o.kernel_stacks)
		stacks_open(&t->seen, &t->switches, &t->ksyms, t->ustack);
	return err;
}

static int print(struct trace *t, const struct switches_sum *sum,
		 double seconds, bool last)
{
	struct json j = { .out = stdout };

	if (t->folded && last) {
		stacks_fold(&t->seen, stdout);
	} else if (t->who.json) {
		json_object(&j, NULL);
		json_bool(&j, "final", last);
		switches_json(&j, &t->switches, sum, seconds);
		if (last && t->stacks)
			stacks_json(&t->seen, &j, sum, t->stacks);
		json_end(&j);
	} else if (!t->folded) {
		switches_table(&t->switches, sum, seconds);
		if (last && t->stacks)
			stacks_table(&t->seen, sum, t->stacks);
		if (last)
			switches_sources(&t->switches);
		if (!last)
			putchar('\n');
	}
	return out_flush();
}

/* Is it over? Hands on to the command what it should hear. */
static bool ended(struct trace *t)
{
	struct signalfd_siginfo s;
	bool over = false;

	while (read(t->signals, &s, sizeof(s)) == sizeof(s)) {
		siginfo_t info = { .si_signo = s.ssi_signo,
				   .si_code = s.ssi_code };

		if (s.ssi_signo == SIGCHLD)
			continue;
		if (t->argv)
			command_signal(&t->command, &info);
		else if (s.ssi_signo != SIGUSR1 && s.ssi_signo != SIGUSR2)
			over = true;
	}
	if (t->argv)
		return command_ended(&t->command, false);
	return over || !pids_live(t);
}

/* Ends of processes are looked for every so often; signals come at once. */
static void poll_signals(const struct trace *t)
{
	struct pollfd p = { .fd = t->signals, .events = POLLIN };

	poll(&p, 1, 50);
}

static int watch(struct trace *t)
{
	struct switches_sum before = {}, sum, since;
	double end = t->began + t->duration, next = t->began + t->interval;
	double last = t->began;
	int err = 0;

	while (!ended(t) && !err) {
		double time = clock_now();

		if (t->duration && time >= end)
			break;
		track_again(&t->track);
		if (t->ustack)
			stacks_learn(&t->seen);
		if (t->interval && time >= next &&
		    out_takes(STDOUT_FILENO, true)) {
			err = switches_read(&t->switches, &sum);
			if (err)
				break;
			err = switches_copy(&since, &sum);
			if (err)
				break;
			switches_since(&since, &before);
			err = print(t, &since, time - last, false);
			switches_free(&since);
			switches_free(&before);
			before = sum;
			last = time;
			while (next <= time) /* none for what was missed */
				next += t->interval;
		}
		poll_signals(t);
	}
	switches_free(&before);
	return err;
}

static int finish(struct trace *t)
{
	struct switches_sum sum;
	double seconds;
	int err;

	switches_stop(&t->switches); /* what is read adds up */
	seconds = clock_now() - t->began;
	err = switches_read(&t->switches, &sum);
	if (err)
		return err;
	if (t->stacks || t->folded)
		err = stacks_read(&t->seen);
	err = err ?: print(t, &sum, seconds, true);
	switches_free(&sum);
	return err;
}

static int run(struct trace *t)
{
	sigset_t mask;
	int err = open_signals(t, &mask), status = 0;

	err = err ?: start(t, &mask);
	t->began = clock_now();
	if (err)
		return 1;
	if (t->argv) {
		status = command_go(&t->command, t->argv[0]);
		if (status)
			return status;
	}
	log_info("tracing");
	err = watch(t);
	err = err ?: finish(t);
	if (t->argv) { /* it may outlive --duration, and who reads this */
		switches_close(&t->switches);
		while (!ended(t))
			poll_signals(t);
		status = t->command.status;
	}
	return err && err != -EPIPE ? 1 : status;
}

int trace_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "[-- COMMAND [ARG...]]",
		.doc = doc,
	};
	static char name[] = "forcepoll-loader trace";
	struct trace t = { .signals = -1 };
	int status;

	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &t);
	log_init();
	status = run(&t);
	stacks_close(&t.seen);
	switches_close(&t.switches);
	track_close(&t.track);
	command_close(&t.command);
	ksyms_free(&t.ksyms);
	return status ?: out_close() ? 1 : 0;
}
