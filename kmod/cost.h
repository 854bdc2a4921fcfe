/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_COST_H
#define FORCEPOLL_COST_H

/* Nanoseconds that a CPU would have spent on an interrupt instead: an estimate. */
extern unsigned int forcepoll_cost_irq_ns;

/* Measures it, unless the user has said. Takes some milliseconds. */
void forcepoll_cost_init(void);

#endif
