/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARGS_H
#define ARGS_H

#include <errno.h>
#include <linux/types.h>

#include "options.h"

struct argp_state;

/* Options without a letter. */
enum {
	ARGS_DEVICE = 0x200,
	ARGS_MODULE,
	ARGS_MODE,
	ARGS_MAX_POLL_CPU,
	ARGS_MAX_POLL_CPU_TOTAL
};

/* Options that choose processes, in a table of argp; args_shared() takes them. */
/* clang-format off */
#define ARGS_WHOSE							\
	{ "cgroup", 'c', "PATH", 0,					\
	  "every process in PATH and below, now and later (repeatable)", 0 }, \
	{ "pid", 'p', "PID", 0,						\
	  "this process, all its threads (repeatable)", 0 },		\
	{ "follow-forks", 'f', 0, 0, "and the children of --pid", 0 },	\
	{ "comm", 'x', "NAME", 0,					\
	  "processes that run a program of this name (repeatable)", 0 }, \
	{ "exe", 'X', "PATH", 0,					\
	  "processes that run this file (repeatable)", 0 },		\
	{ "all", 'a', 0, 0, "every process", 0 }

/* And those of how it is done. */
#define ARGS_HOW							\
	{ "mode", ARGS_MODE, "MODE", 0,					\
	  "poll, hybrid (sleep for a part of the time, then poll) or auto: " \
	  "what is measured to be best, interrupts too (auto)", 0 },	\
	{ "max-poll-cpu", ARGS_MAX_POLL_CPU, "PERCENT", 0,		\
	  "of a CPU to spend on polling at the most, for each cgroup of " \
	  "--cgroup, or other process", 0 },				\
	{ "max-poll-cpu-total", ARGS_MAX_POLL_CPU_TOTAL, "PERCENT", 0,	\
	  "the same for all of them together", 0 }
/* clang-format on */

/*
 * What means the same in every command: the default of its parser. Which of them a
 * command has, its table says.
 */
error_t args_shared(int key, char *arg, struct argp_state *state,
		    struct options *o);

/* Usage errors are said by argp_error(), which does not return: status 2. */
void args_word(struct words *words, const char *word);
__u32 args_size(struct argp_state *state, const char *arg); /* 4096, 32K, 1M */
double args_seconds(struct argp_state *state,
		    const char *arg); /* 0.01..86400 */
__u32 args_percent(struct argp_state *state, const char *arg); /* 1..100000 */
const char *args_pid(struct argp_state *state, const char *arg); /* arg */

#endif
