/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEDGER_H
#define LEDGER_H

#include "forcepoll.h"

struct json;

/* What polling cost, and what it saved. */
struct ledger {
	__u64 time_ns; /* that it is about */
	__u64 spin_ns; /* CPU time spent polling */
	__u64 useful_ns; /* estimate: of that, what interrupts had cost too */
	__u64 irq_ns; /* estimate: an interrupt and a wake-up */
	__u64 avoided; /* estimate: interrupts that did not happen */
};

/* From @before to @now; from the loading of the module if that is NULL. */
void ledger_since(struct ledger *l, const struct forcepoll_stats *now,
		  const struct forcepoll_stats *before);

double ledger_useful(const struct ledger *l); /* percent of spin_ns */
void ledger_print(const struct ledger *l);
void ledger_json(const struct ledger *l, struct json *j); /* a member */

#endif
