/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_STACK_H
#define FORCEPOLL_STACK_H

#include <linux/types.h>

#include "forcepoll.h"

struct bio;

/*
 * submit_bio() of a bio for a stacked device, whose bios below may be polled: by
 * whoever waits for it, or here, for a while, if it is @alone. The bio may be gone on
 * return, or be in flight.
 */
void forcepoll_stack_submit(struct bio *bio, enum forcepoll_origin origin,
			    bool alone);

/* The same, and those below keep their interrupts. */
void forcepoll_stack_leave(struct bio *bio);

/* Has it to be so, as polling below was in vain lately? Asked once for each bio. */
bool forcepoll_stack_leaves(const struct bio *bio);

/* Is a bio that is submitted inside another submission one of those? */
bool forcepoll_stack_left(const struct bio *bio);

/* Wait until no bio is left that has something of ours. */
void forcepoll_stack_drain(void);

#endif
