/* SPDX-License-Identifier: GPL-2.0 */
/* For BPF programs: which slot of a latency_hist a time belongs to. */
#ifndef FORCEPOLL_SLOTS_H
#define FORCEPOLL_SLOTS_H

#include "latency_hist.h"

static __always_inline __u32 log2(__u64 n)
{
	__u32 log = 0;

#pragma unroll
	for (int step = 32; step; step /= 2) {
		if (n >> step) {
			n >>= step;
			log += step;
		}
	}
	return log;
}

static __always_inline __u32 slot_of(__u64 ns)
{
	__u64 units = LATENCY_UNITS(ns);
	__u32 log;

	if (units < LATENCY_SUB)
		return units;
	log = log2(units);
	if (log > LATENCY_TOP)
		return LATENCY_SLOTS - 1;
	return (log - LATENCY_SUB_SHIFT + 1) * LATENCY_SUB +
	       ((units >> (log - LATENCY_SUB_SHIFT)) & (LATENCY_SUB - 1));
}

#endif
