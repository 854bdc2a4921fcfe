/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_SPLIT_H
#define FORCEPOLL_SPLIT_H

#include <linux/types.h>

#include "forcepoll.h"

struct bio;

int forcepoll_split_init(void);
/* Nobody can submit: wait until the last piece has ended. */
void forcepoll_split_drain(void);
void forcepoll_split_uninit(void);

/* Is it more than one request of its device may carry? */
bool forcepoll_split_needed(struct bio *bio);

/* May it be cut? Not what must be written as one, or must not wait for memory. */
bool forcepoll_split_allowed(const struct bio *bio);

/*
 * forcepoll_flight_submit() for such a bio: in pieces of the same size, each of them
 * one request. May wait for memory. The bio may be gone when this returns.
 */
void forcepoll_split_submit(struct bio *bio, enum forcepoll_origin origin);

#endif
