/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARGS_H
#define ARGS_H

#include <errno.h>
#include <linux/types.h>

#include "options.h"

struct argp_state;

/* Options without a letter. */
enum { ARGS_DEVICE = 0x200, ARGS_MODULE };

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
const char *args_pid(struct argp_state *state, const char *arg); /* arg */

#endif
