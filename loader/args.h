/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARGS_H
#define ARGS_H

#include <linux/types.h>

#include "options.h"

struct argp_state;

/* Usage errors are said by argp_error(), which does not return: status 2. */
void args_word(struct words *words, const char *word);
__u32 args_size(struct argp_state *state, const char *arg); /* 4096, 32K, 1M */
double args_seconds(struct argp_state *state,
		    const char *arg); /* 0.01..86400 */
const char *args_pid(struct argp_state *state, const char *arg); /* arg */

#endif
