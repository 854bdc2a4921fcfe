/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_WAIT_H
#define FORCEPOLL_WAIT_H

#include <linux/types.h>

struct io_ring_ctx;
struct timespec64;

/*
 * current is about to sleep in io_schedule(), its state is set. True: it has
 * polled instead, its state is TASK_RUNNING, and the caller looks again at what it
 * waits for, as after any wake-up. False: nothing was done, it should sleep.
 */
bool forcepoll_wait_instead(void);

/*
 * current is about to wait for events of libaio's ring at @ring, a user address,
 * or of io_uring. These return when there are @min of them, or when it had better
 * sleep. @timeout, if any, is shortened by the time spent.
 */
void forcepoll_wait_aio(unsigned long ring, long min,
			struct timespec64 *timeout);
void forcepoll_wait_uring(struct io_ring_ctx *ctx, int min, bool timeout);

#endif
