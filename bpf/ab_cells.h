/* SPDX-License-Identifier: GPL-2.0 */
/* What targets' I/O took, with interrupts and polled: bpf/ab.bpf.c to loader/ab*.c. */
#ifndef FORCEPOLL_AB_CELLS_H
#define FORCEPOLL_AB_CELLS_H

#include "latency_hist.h"

/* X(name) */
#define AB_ARMS(X)    \
	X(interrupts) \
	X(polled)

enum ab_arm {
#define X(name) AB_##name,
	AB_ARMS(X)
#undef X
		AB_NR_ARMS
};

/* X(name, what is timed) */
#define AB_KINDS(X)                                                       \
	X(calls, "system calls and page faults with block I/O, entry to " \
		 "exit")                                                  \
	X(bios,                                                           \
	  "bios of io_submit and io_uring_enter, submission to "          \
	  "completion (a wake-up comes on top, after an interrupt only)")

enum ab_kind {
#define X(name, text) AB_KIND_##name,
	AB_KINDS(X)
#undef X
		AB_NR_KINDS
};

/* Map "cells", per CPU, by arm and kind. Only grows. */
struct ab_cell {
	struct latency_hist hist;
	__u64 bytes;
};

#define AB_CELL(arm, kind) ((arm)*AB_NR_KINDS + (kind))
#define AB_NR_CELLS AB_CELL(AB_NR_ARMS, 0)

#endif
