// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steps.h"

void step(const char *name)
{
	static const char *die_at, *steps;
	static int times;
	size_t len = strlen(name);

	if (!die_at) { /* secure: not for one with more rights than its caller */
		die_at = secure_getenv("FORCEPOLL_DIE_AT") ?: "";
		steps = secure_getenv("FORCEPOLL_STEPS") ?: "";
	}
	if (!strcmp(steps, "list"))
		fprintf(stderr, "step: %s\n", name);
	if (strncmp(die_at, name, len) || (die_at[len] && die_at[len] != ':'))
		return;
	if (++times == (die_at[len] ? atoi(die_at + len + 1) : 1))
		kill(getpid(), SIGKILL);
}
