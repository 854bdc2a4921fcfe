/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_STACK_H
#define FORCEPOLL_STACK_H

#include <linux/types.h>

#include "forcepoll.h"

struct bio;

enum forcepoll_stack_way {
	FORCEPOLL_STACK_LEAVE, /* those below keep their interrupts */
	FORCEPOLL_STACK_MARK, /* and whoever waits for it looks after them */
	FORCEPOLL_STACK_WAIT, /* here, as it is the only one, for a while */
};

/*
 * submit_bio() of a bio for a stacked device. @way: at most; less where it would gain
 * nothing. The bio may be gone on return, or be in flight.
 */
void forcepoll_stack_submit(struct bio *bio, enum forcepoll_origin origin,
			    enum forcepoll_stack_way way);

/* Wait until no bio is left that has something of ours. */
void forcepoll_stack_drain(void);

#endif
