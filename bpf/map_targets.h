/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Map "targets", for every BPF object that has it: targets.bpf.c fills it, the
 * others are given the same one by the loader.
 */
#ifndef FORCEPOLL_MAP_TARGETS_H
#define FORCEPOLL_MAP_TARGETS_H

#include "forcepoll.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	/*
	 * Preallocated: 5.2 MB instead of 1.0 and 350 instructions more for a
	 * process's life, but an entry can always be had where memory cannot.
	 */
	__uint(max_entries, FORCEPOLL_MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct forcepoll_target);
} targets SEC(".maps");

#endif
