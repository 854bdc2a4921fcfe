/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>

/*
 * SIGINT, SIGTERM and SIGHUP are blocked, to be waited for: but for a SIGHUP that
 * whoever started this process has it ignore, as nohup does. Blocked it would be heard.
 * (A shell has all that it starts in the background ignore SIGINT: that is heard.)
 */
void signals_block(sigset_t *set);

/* The same of one, into @set, which is not blocked yet. */
void signals_add(sigset_t *set, int sig);

#endif
