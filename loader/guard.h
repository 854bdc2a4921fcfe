/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUARD_H
#define GUARD_H

#include <sys/types.h>

struct session;

/*
 * A child that undoes a session as soon as this process is gone, however it went: what
 * is bound stays bound without its loader, and this one is to leave nothing behind.
 */
struct guard {
	pid_t pid; /* 0: none */
	int parent; /* open for as long as this process lives */
};

/* With the session locked, before it is started. 0 or -errno, said. */
int guard_start(struct guard *g, const struct session *s);

/* Has it undo the session now, which is not closed yet. 0 or -errno, said. */
int guard_end(struct guard *g, const struct session *s);

#endif
