// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "signals.h"

void signals_add(sigset_t *set, int sig)
{
	struct sigaction was;

	if (sig != SIGHUP || sigaction(sig, NULL, &was) ||
	    was.sa_handler != SIG_IGN)
		sigaddset(set, sig);
}

void signals_block(sigset_t *set)
{
	sigemptyset(set);
	signals_add(set, SIGINT);
	signals_add(set, SIGTERM);
	signals_add(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
}
