// SPDX-License-Identifier: GPL-2.0
/* forcepoll-loader: the command line. What each command does is in its file. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ab.h"
#include "args.h"
#include "doctor.h"
#include "latency.h"
#include "log.h"
#include "options.h"
#include "out.h"
#include "run.h"
#include "status.h"
#include "trace.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

const char *argp_program_version = "forcepoll-loader 0.1";

static const char doc[] =
	"Give running processes polled block I/O completions.\n\v"
	"Without a command it runs until Ctrl-C or SIGTERM, then undoes "
	"everything.\n\n"
	"Commands:\n"
	"  status   what is bound, targets, devices and their poll queues, "
	"counters\n"
	"  stop     undo a background or orphaned run\n"
	"  doctor   can this machine poll? and if not, what to do\n"
	"  trace    why do processes enter the kernel? see trace --help\n"
	"  latency  histograms of I/O latency, polled and not; see latency "
	"--help\n"
	"  ab       is polling worth it here? measures with and without, in "
	"turns; see\n"
	"           ab --help\n\n"
	"Of the time spent polling, what an interrupt and a wake-up would have "
	"cost anyway counts as useful (an estimate, a bio at a time), the rest "
	"as wasted; NOIRQ: interrupts avoided, polled bios less naps.\n\n"
	"Examples:\n"
	"  forcepoll-loader --cgroup /sys/fs/cgroup/db   # a service, now and "
	"later\n"
	"  forcepoll-loader -p 1234 -f -i 1     # a process and its children, "
	"watched\n"
	"  forcepoll-loader -X /usr/lib/postgresql/15/bin/postgres -b\n"
	"                                       # whoever runs it, in the "
	"background\n"
	"  forcepoll-loader -a -d nvme1n1       # everybody, on one drive\n"
	"  forcepoll-loader -c /sys/fs/cgroup/db --observe -b   # what would it "
	"poll?\n"
	"  forcepoll-loader status --json       # for a program to read\n\n"
	"Exit status: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.";

enum {
	KEY_DRY_RUN = 0x100,
	KEY_COUNT_SWITCHES,
	KEY_PER_TARGET,
	KEY_OBSERVE,
	KEY_EXPLAIN,
	KEY_POLICY,
};

static const struct argp_option argp_options[] = {
	{ 0, 0, 0, 0, "Whose I/O is polled:", 1 },
	ARGS_WHOSE,
	{ 0, 0, 0, 0, "Which I/O:", 2 },
	{ "device", 'd', "NAME", 0,
	  "only this block device, or what lies below it (repeatable; "
	  "default: all that can poll)",
	  0 },
	{ "max-bytes", 'm', "SIZE", 0, "poll only I/O up to SIZE", 0 },
	{ "observe", KEY_OBSERVE, 0, 0,
	  "poll nothing: count what would be polled (see status)", 0 },
	{ 0, 0, 0, 0, "How it is polled:", 3 },
	ARGS_HOW,
	{ "policy", KEY_POLICY, "FILE", 0,
	  "let the BPF programs in this object decide, if they want to", 0 },
	{ "explain", KEY_EXPLAIN, 0, 0,
	  "say each time that --mode auto changes its mind, and why", 0 },
	{ 0, 0, 0, 0, "How it runs:", 4 },
	{ "background", 'b', 0, 0,
	  "leave it running and exit; what comes below --device later is not "
	  "polled then",
	  0 },
	{ "interval", 'i', "SEC", 0, "print a line of counters every SEC", 0 },
	{ "count-switches", KEY_COUNT_SWITCHES, 0, 0,
	  "count why they enter the kernel: in maps, and with --interval in a "
	  "line more (see trace)",
	  0 },
	{ "per-target", KEY_PER_TARGET, 0, 0,
	  "and of each process that polled, with --interval", 0 },
	{ "pin-dir", 'P', "DIR", 0, "where to pin (" FORCEPOLL_PIN_DIR ")", 0 },
	{ "module", ARGS_MODULE, "FILE", 0,
	  "load this forcepoll.ko instead of asking modprobe", 0 },
	{ "dry-run", KEY_DRY_RUN, 0, 0,
	  "say what would be done and whether it can work", 0 },
	{ 0, 0, 0, 0, "What it says:", 5 },
	{ "json", 'j', 0, 0, "machine-readable output", 0 },
	{ "quiet", 'q', 0, 0, "errors and warnings only", 0 },
	{ "verbose", 'v', 0, 0, "more; twice: libbpf's messages too", 0 },
	{ 0 },
};

/* Commands with options of their own, given first. They return a status. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "trace", trace_main },
	{ "latency", latency_main },
	{ "ab", ab_main },
};

static void parse_command(struct argp_state *state, struct options *o,
			  const char *arg)
{
	static const char *const name[] = {
		[CMD_STATUS] = "status",
		[CMD_STOP] = "stop",
		[CMD_DOCTOR] = "doctor",
	};

	if (o->command != CMD_RUN)
		argp_error(state, "one command at a time: '%s'", arg);
	for (int i = CMD_STATUS; i <= CMD_DOCTOR; i++) {
		if (!strcmp(arg, name[i])) {
			o->command = i;
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(arg, commands[i].name))
			argp_error(state,
				   "'%s' goes first: its options are "
				   "its own",
				   arg);
	argp_error(state,
		   "unknown command '%s': status, stop, doctor, "
		   "trace, latency or ab",
		   arg);
}

/* What contradicts itself, or would do nothing without a word. */
static void check(struct argp_state *state, const struct options *o)
{
	bool chosen = o->cgroups.n || o->pids.n || o->comms.n || o->exes.n ||
		      o->all;

	if (o->command != CMD_RUN) {
		if (chosen || o->follow || o->devices.n || o->background ||
		    o->interval || o->max_bytes || o->observe || o->policy ||
		    o->dry_run || o->count_switches || o->per_target ||
		    o->explain || o->mode || o->max_poll_cpu ||
		    o->max_poll_cpu_total)
			argp_error(state, "a command takes --json, --pin-dir "
					  "and --module only");
		return;
	}
	if (!chosen)
		argp_error(state, "whose I/O? give --cgroup, --pid, --comm, "
				  "--exe or --all");
	if (o->follow && !o->pids.n)
		argp_error(state, "--follow-forks goes with --pid");
	if (o->policy && o->observe)
		argp_error(state, "--observe asks no --policy");
	if (o->per_target && !o->interval)
		argp_error(state, "--per-target goes with --interval");
	if (o->background && (o->interval || o->count_switches || o->explain))
		argp_error(state,
			   "--interval, --count-switches and --explain need a "
			   "loader that stays: not with --background");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'd':
		args_word(&o->devices, arg);
		break;
	case KEY_OBSERVE:
		o->observe = true;
		break;
	case KEY_POLICY:
		o->policy = arg;
		break;
	case 'b':
		o->background = true;
		break;
	case 'i':
		o->interval = args_seconds(state, arg);
		break;
	case KEY_COUNT_SWITCHES:
		o->count_switches = true;
		break;
	case KEY_PER_TARGET:
		o->per_target = true;
		break;
	case KEY_EXPLAIN:
		o->explain = true;
		break;
	case KEY_DRY_RUN:
		o->dry_run = true;
		break;
	case ARGP_KEY_ARG:
		parse_command(state, o, arg);
		break;
	case ARGP_KEY_END:
		check(state, o);
		break;
	default:
		return args_shared(key, arg, state, o);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "\nstatus\nstop\ndoctor\nlatency [OPTION...]\n"
			    "ab [OPTION...]\n"
			    "trace [OPTION...] [-- COMMAND [ARG...]]",
		.doc = doc,
	};
	struct options options = { .pin_dir = FORCEPOLL_PIN_DIR };
	int err = 0;

	/* One line for a mistake, not a page: argp_error() adds "Try --help". */
	argp_err_exit_status = 2;
	signal(SIGCHLD, SIG_DFL); /* whoever ignores it hands that on */
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);

	/* In order, or the options of a command that comes too late are unknown ones. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	log_init();

	switch (options.command) {
	case CMD_RUN:
		err = run(&options);
		break;
	case CMD_STATUS:
		err = status(&options);
		break;
	case CMD_STOP:
		err = stop(&options);
		break;
	case CMD_DOCTOR:
		err = doctor_run(options.json, options.module, options.pin_dir);
		break;
	}
	err = err ?: out_close();
	return err ? 1 : 0;
}
