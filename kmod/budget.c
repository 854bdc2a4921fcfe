// SPDX-License-Identifier: GPL-2.0
/*
 * How much CPU time may be spent on polling: for each cgroup that was chosen, or
 * process, and for all of them. A purse fills with time, and each spin is taken from
 * it; who has spent more than there was gets interrupts until it is even again. What
 * is not spent in a period is lost.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>

#include "budget.h"
#include "forcepoll.h"
#include "whose.h"

unsigned int forcepoll_budget_each;
module_param_named(max_poll_cpu, forcepoll_budget_each, uint, 0644);
MODULE_PARM_DESC(
	max_poll_cpu,
	"percent of a CPU to poll with, for each cgroup or process (0: any)");

unsigned int forcepoll_budget_all;
module_param_named(max_poll_cpu_total, forcepoll_budget_all, uint, 0644);
MODULE_PARM_DESC(max_poll_cpu_total,
		 "percent of a CPU to poll with, for all together (0: any)");

#define PERIOD_NS (100 * NSEC_PER_MSEC)
#define REFILL_NS NSEC_PER_MSEC
#define FORGET (10 * HZ)

struct purse {
	u64 whose;
	unsigned long used; /* jiffies */
	atomic64_t ns; /* left, < 0: spent already */
	u64 filled; /* when, by local_clock() */
} ____cacheline_aligned_in_smp;

#define PURSE_BITS 8
#define PROBES 8
static struct purse purses[1 << PURSE_BITS], total;
static DEFINE_SPINLOCK(making);

u64 forcepoll_budget_whose(const struct forcepoll_target *target)
{
	u64 by_cgroup = target->flags & FORCEPOLL_TARGET_CGROUP ? 1 : 0;

	return forcepoll_whose_choice(target) << 1 | by_cgroup;
}

static struct purse *make(u64 whose, unsigned int at)
{
	struct purse *p = NULL, *other;
	unsigned int i;

	spin_lock(&making);
	for (i = 0; i < PROBES; i++) {
		other = &purses[(at + i) % ARRAY_SIZE(purses)];
		if (other->whose == whose) {
			p = other;
			goto out;
		}
		if (!p && (!other->whose ||
			   time_after(jiffies, other->used + FORGET)))
			p = other;
	}
	if (p) {
		atomic64_set(&p->ns, 0);
		p->filled = local_clock();
		p->used = jiffies;
		WRITE_ONCE(p->whose, whose);
	}
out:
	spin_unlock(&making);
	return p;
}

/* NULL: there are more than are kept. They have the one of all. */
static struct purse *purse_of(u64 whose, bool may_make)
{
	unsigned int i, at = hash_64(whose, PURSE_BITS);

	for (i = 0; i < PROBES; i++) {
		struct purse *p = &purses[(at + i) % ARRAY_SIZE(purses)];

		if (READ_ONCE(p->whose) == whose)
			return p;
	}
	return may_make ? make(whose, at) : NULL;
}

static bool is_empty(struct purse *p, unsigned int percent)
{
	u64 now = local_clock(), was = READ_ONCE(p->filled);
	s64 since = now - was, most = PERIOD_NS / 100 * percent, ns;

	p->used = jiffies;
	if (since >= (s64)REFILL_NS && cmpxchg64(&p->filled, was, now) == was) {
		since = min_t(s64, since, PERIOD_NS);
		ns = atomic64_add_return(div_s64(since * percent, 100), &p->ns);
		if (ns > most)
			atomic64_sub(ns - most, &p->ns);
	}
	return atomic64_read(&p->ns) <= 0;
}

bool forcepoll_budget_over(u64 whose)
{
	unsigned int each = READ_ONCE(forcepoll_budget_each);
	unsigned int all = READ_ONCE(forcepoll_budget_all);
	struct purse *p;

	if (all && is_empty(&total, all))
		return true;
	p = each ? purse_of(whose, true) : NULL;
	return p && is_empty(p, each);
}

void forcepoll_budget_charge(u64 whose, u64 ns)
{
	struct purse *p;

	/* What has no limit is not filled either: it would be owed when it has one. */
	if (READ_ONCE(forcepoll_budget_all))
		atomic64_sub(ns, &total.ns);
	p = READ_ONCE(forcepoll_budget_each) ? purse_of(whose, false) : NULL;
	if (p)
		atomic64_sub(ns, &p->ns);
}
