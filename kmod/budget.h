/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_BUDGET_H
#define FORCEPOLL_BUDGET_H

#include <linux/types.h>

struct forcepoll_target;

/* Is there any limit? */
bool forcepoll_budget_is_set(void);

/* Whose polling it is that current does: its cgroup's, or its own. Never 0. */
u64 forcepoll_budget_whose(const struct forcepoll_target *target);

/* Has it polled more than it may lately, or all of them together? */
bool forcepoll_budget_over(u64 whose);

/* It has polled for @ns. Nothing happens for 0. */
void forcepoll_budget_charge(u64 whose, u64 ns);

#endif
