/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SESSION_H
#define SESSION_H

#include <linux/types.h>
#include <stdbool.h>

#include "forcepoll.h"

#include "pins.h"
#include "select.h"

struct options;
struct targets_bpf;

#define SESSION_NR_PARAMETERS 3

/*
 * From the command line to bound maps and back, for the commands that make the
 * module poll:
 *
 *   check words -> lock pins -> write state -> load module -> load and pin maps
 *   -> attach and pin programs -> bind -> parameters -> fill rules -> seed -> policy
 *   ... undo
 *
 * Everything is pinned from the start, so that a loader that is killed leaves a
 * run that goes on and can be taken over, not half of one. Until it is bound nothing
 * is chosen: a start that fails has changed nobody's I/O, nor that of a run that is
 * there already. After that it can fail by a PID that has just exited, a map that is full,
 * a signal or a policy: the run that is there goes on as it was. Of one that is not bound,
 * as that of a loader that was killed before, nothing stays.
 */
struct session {
	const struct options *options;
	struct selection selection;
	struct pins pins;
	struct targets_bpf *bpf;
	/* Of the run that is taken over. */
	struct forcepoll_state before;
	bool running; /* it is bound */
	bool counted; /* counters of mode switches are pinned */
	char parameters[SESSION_NR_PARAMETERS][16]; /* of the module, in words */
	/* Of what session_start() did, as the pins may be taken away meanwhile. */
	__u32 targets_id; /* of the map, or 0 */
	bool loaded; /* the module, by this run or the one it took over */
};

/* All return 0 or -errno, said. */

/* Changes nothing. Call session_close() in any case. */
int session_check(struct session *s, const struct options *o);

/* Against other loaders. session_close() lets go. */
int session_lock(struct session *s);

/* What would keep one from locking, and from binding; changes nothing either. */
int session_free(struct session *s);

/*
 * Locked: until it is bound, then what to poll, and by whose policy. The last as nothing
 * else can fail any more: what decided before would not be put back.
 */
int session_start(struct session *s);
int session_choose(struct session *s);
int session_decide(struct session *s);

/*
 * Undone after a failure of these, but for a run that was there before: it goes on. To be
 * called when nothing else here holds the module any more.
 */
void session_abort(struct session *s);

/* Polling, programs, pins and module, as far as they are there; the lock stays. */
int session_undo(const struct session *s);

/* What this process has open. What is pinned and bound stays. */
void session_close(struct session *s);

#endif
