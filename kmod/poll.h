/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_POLL_H
#define FORCEPOLL_POLL_H

#include <linux/blk_types.h>
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/types.h>

#include "forcepoll.h"

struct bio;
struct forcepoll_owner;
struct forcepoll_target;

/*
 * submit_bio() for a target: polls the bio to its completion where that is safe
 * and of use, submits it untouched where not. The bio may be gone on return, as
 * it may be after submit_bio().
 */
void forcepoll_poll_submit(struct bio *bio,
			   const struct forcepoll_target *target);

/*
 * Is the bio that a target submits now one of those that are left to interrupts,
 * because its CPU was wanted a moment ago? Counts it. May be called where nothing
 * may be traced.
 */
bool forcepoll_poll_backs_off(struct bio *bio);

/* Parameter skip_busy. */
bool forcepoll_poll_skip_busy(void);

/* local_clock() may differ a little between CPUs, and a task may migrate. */
static inline u64 forcepoll_poll_ns_since(u64 start)
{
	return max_t(s64, local_clock() - start, 0);
}

/* Somebody else could use this CPU. */
bool forcepoll_poll_cpu_wanted(void);

/*
 * Time that it polls is time that it runs, and of that there may be a limit: a deadline
 * task is stopped at the end of its budget, RLIMIT_CPU and, of a real-time task that
 * never sleeps, RLIMIT_RTTIME kill. Kernels before 6.12 stop all real-time tasks of a
 * CPU where they run for more than 95 % of a second.
 */
static __always_inline bool forcepoll_poll_time_counts(void)
{
	return dl_task(current) || rt_task(current) ||
	       rlimit(RLIMIT_CPU) != RLIM_INFINITY;
}

/* The caller's plug holds requests: to look for others would flush it. */
static __always_inline bool forcepoll_poll_plugged(void)
{
	const struct blk_plug *plug = current->plug;

	return plug && (plug->rq_count || !list_empty(&plug->cb_list));
}

/* Whether it was wanted while a bio was polled: some are left alone then. */
void forcepoll_poll_back_off(bool wanted);

/* Of those that may be polled alone: direct I/O, which may come in pieces. */
bool forcepoll_poll_is_direct(const struct bio *bio);

/* R15. What is @direct leaves word of that it was waited for. */
void forcepoll_poll_flush_plug(bool direct);

/*
 * How long a wait may spin on this CPU now: at most parameter spin_us, less where
 * that was in vain, which the latter is told after each.
 */
u64 forcepoll_poll_spin_ns(void);
void forcepoll_poll_adapt_spin(bool in_time);

/* current has looked for so long where it waits: for the counters and the budget. */
void forcepoll_poll_spun(const struct forcepoll_owner *owner,
			 enum forcepoll_origin origin, u64 ns);

#endif
