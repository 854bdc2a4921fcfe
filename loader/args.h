/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARGS_H
#define ARGS_H

#include <errno.h>
#include <linux/types.h>

#include "options.h"

struct argp_state;

/* Options without a letter. */
enum { ARGS_DEVICE = 0x200, ARGS_MODULE };

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
