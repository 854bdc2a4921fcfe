// SPDX-License-Identifier: GPL-2.0
/* Counters by outcome: added to per CPU, summed only when somebody reads. */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/ktime.h>

#include "cost.h"
#include "stats.h"

struct forcepoll_stats __percpu *forcepoll_stats;
static ktime_t loaded;

int forcepoll_stats_init(void)
{
	loaded = ktime_get();
	forcepoll_stats = alloc_percpu(struct forcepoll_stats);
	return forcepoll_stats ? 0 : -ENOMEM;
}

void forcepoll_stats_uninit(void)
{
	free_percpu(forcepoll_stats);
}

void forcepoll_stats_polled(enum forcepoll_origin origin, unsigned int bytes,
			    unsigned int polls, u64 wait_ns, u64 spin_ns)
{
	/* One CPU's copy for all of it, so that the maximum is not torn. */
	struct forcepoll_stats *s = get_cpu_ptr(forcepoll_stats);

	s->count[FORCEPOLL_COUNT_polled]++;
	s->count[FORCEPOLL_COUNT_polls] += polls;
	s->count[FORCEPOLL_COUNT_first_poll] += polls == 1;
	s->polled[origin]++;
	s->bytes[origin] += bytes;
	s->wait_ns[origin] += wait_ns;
	s->spin_ns[origin] += spin_ns;
	/* What an interrupt would have taken from this CPU all the same. */
	s->useful_ns[origin] +=
		min_t(u64, spin_ns, READ_ONCE(forcepoll_cost_irq_ns));
	s->max_wait_ns = max(s->max_wait_ns, wait_ns);
	put_cpu_ptr(forcepoll_stats);
}

void forcepoll_stats_observed(enum forcepoll_origin origin, unsigned int bytes)
{
	this_cpu_inc(forcepoll_stats->observed[origin]);
	this_cpu_add(forcepoll_stats->observed_bytes[origin], bytes);
}

void forcepoll_stats_spun(enum forcepoll_origin origin, u64 spin_ns)
{
	struct forcepoll_stats *s = get_cpu_ptr(forcepoll_stats);

	s->spin_ns[origin] += spin_ns;
	s->useful_ns[origin] +=
		min_t(u64, spin_ns, READ_ONCE(forcepoll_cost_irq_ns));
	put_cpu_ptr(forcepoll_stats);
}

void forcepoll_stats_sum(struct forcepoll_stats *sum)
{
	int cpu, i;

	sum->irq_ns = READ_ONCE(forcepoll_cost_irq_ns);
	sum->age_ns = ktime_to_ns(ktime_sub(ktime_get(), loaded));

	for_each_possible_cpu(cpu) {
		const struct forcepoll_stats *s =
			per_cpu_ptr(forcepoll_stats, cpu);

		for (i = 0; i < FORCEPOLL_NR_COUNTS; i++)
			sum->count[i] += READ_ONCE(s->count[i]);
		for (i = 0; i < FORCEPOLL_NR_ORIGINS; i++) {
			sum->polled[i] += READ_ONCE(s->polled[i]);
			sum->bytes[i] += READ_ONCE(s->bytes[i]);
			sum->wait_ns[i] += READ_ONCE(s->wait_ns[i]);
			sum->spin_ns[i] += READ_ONCE(s->spin_ns[i]);
			sum->useful_ns[i] += READ_ONCE(s->useful_ns[i]);
			sum->observed[i] += READ_ONCE(s->observed[i]);
			sum->observed_bytes[i] +=
				READ_ONCE(s->observed_bytes[i]);
		}
		sum->max_wait_ns =
			max(sum->max_wait_ns, READ_ONCE(s->max_wait_ns));
	}
}
