/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_BUDGET_H
#define FORCEPOLL_BUDGET_H

#include <linux/compiler.h>
#include <linux/types.h>

struct forcepoll_target;

extern unsigned int forcepoll_budget_each, forcepoll_budget_all; /* percent */

/* Is there any limit? */
static inline bool forcepoll_budget_is_set(void)
{
	return READ_ONCE(forcepoll_budget_each) |
	       READ_ONCE(forcepoll_budget_all);
}

/* Whose polling it is that current does: its cgroup's, or its own. Never 0. */
u64 forcepoll_budget_whose(const struct forcepoll_target *target);

/* Has it polled more than it may lately, or all of them together? */
bool forcepoll_budget_over(u64 whose);

/* It has polled for @ns. */
void forcepoll_budget_charge(u64 whose, u64 ns);

#endif
