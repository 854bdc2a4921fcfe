/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* A command run under observation: a child that waits until it is watched. */
struct command {
	pid_t pid; /* 0: none */
	int go; /* write end: closed, the child goes on */
	int failed; /* read end: errno of an exec that failed */
	bool ended;
	int status; /* as a shell says it: of exit, or 128 and the signal */
};

/*
 * Forks; the child waits. @as_user: as the user that ran sudo. 0 or -errno, said.
 */
int command_start(struct command *c, char **argv, bool as_user,
		  const sigset_t *mask);

/* Lets it run. 0, or 126 (not executable) or 127 (not found), said. */
int command_go(struct command *c, const char *name);

/* Hands a signal that was sent to us on to it. */
void command_signal(const struct command *c, const siginfo_t *info);

/* Has it ended? Waits for it if @wait. */
bool command_ended(struct command *c, bool wait);

/* Ends a child that never was let go. */
void command_close(struct command *c);

#endif
