/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LATENCY_REPORT_H
#define LATENCY_REPORT_H

#include <stdbool.h>

#include "forcepoll.h"
#include "latency_hist.h"

/* All that was measured, summed over the CPUs. */
struct latency_report {
	struct latency_hist *cell; /* LATENCY_NR_CELLS */
	double seconds;
	bool polled; /* the module was there to be listened to */
	__u64 lost_full; /* bios that found no room in the map */
	__u64 lost_missed; /* events that the kernel left out */
};

void latency_report_print(const struct latency_report *r);
void latency_report_json(const struct latency_report *r);

#endif
