/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histograms of I/O latency, from bpf/latency.bpf.c to loader/latency*.c; and from
 * bpf/ab.bpf.c to loader/ab*.c.
 *
 * A histogram is logarithmic with LATENCY_SUB linear slots for each power of two:
 * a slot's ends differ by 1/16 (6.25 %) at the most, from 1 us up. Below, slots are
 * 1/16 us wide. What takes longer than the last slot, 67 s, counts there.
 */
#ifndef LATENCY_HIST_H
#define LATENCY_HIST_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Units are 1/16 us: that is 62.5 ns. */
#define LATENCY_UNITS(ns) ((ns)*2 / 125)
#define LATENCY_NS(units) (((units)*125 + 1) / 2) /* the least that has them */
#define LATENCY_SUB_SHIFT 4
#define LATENCY_SUB (1u << LATENCY_SUB_SHIFT)
#define LATENCY_TOP 29 /* the last power of two, of units */
#define LATENCY_SLOTS ((LATENCY_TOP - LATENCY_SUB_SHIFT + 2) * LATENCY_SUB)

/* The lower end of a slot, which is the upper end of the one before. */
static inline __u64 latency_slot_from(__u32 slot)
{
	__u32 power = slot / LATENCY_SUB, sub = slot % LATENCY_SUB;

	if (!power)
		return LATENCY_NS((__u64)sub);
	return LATENCY_NS((__u64)(LATENCY_SUB + sub) << (power - 1));
}

/* How bios were completed. X(name, text) */
#define LATENCY_KINDS(X)                         \
	X(polled, "polled by forcepoll")         \
	X(unpolled, "completed by an interrupt") \
	X(iopoll, "polled where its submitter waits")

enum latency_kind {
#define X(name, text) LATENCY_##name,
	LATENCY_KINDS(X)
#undef X
		LATENCY_NR_KINDS
};

/* Classes of sizes. X(bytes up to which, text) */
#define LATENCY_SIZES(X)  \
	X(4096, "<=4K")   \
	X(16384, "<=16K") \
	X(65536, "<=64K") \
	X(4294967295, ">64K")

enum {
#define X(bytes, text) LATENCY_SIZE_##bytes,
	LATENCY_SIZES(X)
#undef X
		LATENCY_NR_SIZES
};

/* One of kind, origin (enum forcepoll_origin) and size. */
#define LATENCY_CELL(kind, origin, size) \
	(((kind)*FORCEPOLL_NR_ORIGINS + (origin)) * LATENCY_NR_SIZES + (size))
#define LATENCY_NR_CELLS LATENCY_CELL(LATENCY_NR_KINDS, 0, 0)

struct latency_hist {
	__u64 count;
	__u64 sum_ns;
	__u64 max_ns;
	__u64 slot[LATENCY_SLOTS];
};

#endif /* LATENCY_HIST_H */
