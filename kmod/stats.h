/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_STATS_H
#define FORCEPOLL_STATS_H

#include <linux/percpu.h>

#include "forcepoll.h"

/* Per-CPU copies need no atomics: this_cpu_inc() is one instruction. */
extern struct forcepoll_stats __percpu *forcepoll_stats;

static inline void forcepoll_stats_count(enum forcepoll_count count)
{
	this_cpu_inc(forcepoll_stats->count[count]);
}

int forcepoll_stats_init(void);
void forcepoll_stats_uninit(void);

/* One polled bio of @origin is complete. */
void forcepoll_stats_polled(enum forcepoll_origin origin, unsigned int bytes,
			    unsigned int polls, u64 wait_ns, u64 spin_ns);

/* One that would be polled. Counted as observed by origin only. */
void forcepoll_stats_observed(enum forcepoll_origin origin, unsigned int bytes);

/* CPU time spent polling, not for one bio alone. */
void forcepoll_stats_spun(enum forcepoll_origin origin, u64 spin_ns);

/* Sum over the CPUs into @sum, counters only. */
void forcepoll_stats_sum(struct forcepoll_stats *sum);

#endif
