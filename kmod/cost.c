// SPDX-License-Identifier: GPL-2.0
/*
 * What polling saves: the CPU time of an interrupt and of the wake-up of the task
 * that waits for it. Measured once, with the timer for a drive: from the moment
 * that it is due to the moment that the task which slept for it runs again. The
 * least of some tries, for whatever else comes in between, other tasks or a deep
 * idle state, is not the interrupt's. An estimate for all that: a drive's handler
 * does more than a timer's, and the switch away is not in it.
 */
#include <linux/hrtimer.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "cost.h"

unsigned int forcepoll_cost_irq_ns;
module_param_named(irq_ns, forcepoll_cost_irq_ns, uint, 0644);
MODULE_PARM_DESC(
	irq_ns, "CPU time of an interrupt and a wake-up (0: measured at load)");

#define TRIES 32
#define SLEEP_NS (50 * NSEC_PER_USEC) /* enough to be asleep when it is due */

static u64 wake_up_ns(void)
{
	ktime_t due = ktime_add_ns(ktime_get(), SLEEP_NS);

	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_hrtimeout(&due, HRTIMER_MODE_ABS);
	return max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), due)), 1);
}

void forcepoll_cost_init(void)
{
	u64 least = U32_MAX;
	int i;

	if (forcepoll_cost_irq_ns)
		return;
	for (i = 0; i < TRIES; i++)
		least = min(least, wake_up_ns());
	forcepoll_cost_irq_ns = least;
}
