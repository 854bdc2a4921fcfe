/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For BPF programs that watch: is the current process a target? Asked of the map
 * "targets", as the module does, and the answer kept for the rest of the jiffy.
 */
#ifndef FORCEPOLL_CHOSEN_H
#define FORCEPOLL_CHOSEN_H

#include "map_targets.h"

/* Given by the loader: whatever the map says. */
const volatile bool everybody;

/*
 * What was answered about the task of this CPU: tgid, jiffy and the answer, in one
 * word, which an interrupt or another task may write in between.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

static __always_inline bool is_target(__u32 tgid)
{
	__u32 all = 0;

	return everybody || bpf_map_lookup_elem(&targets, &tgid) ||
	       bpf_map_lookup_elem(&targets, &all);
}

static __always_inline bool chosen(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, zero = 0;
	__u64 key = (__u64)tgid << 32 | (__u32)bpf_jiffies64() << 1;
	__u64 *slot = bpf_map_lookup_elem(&answers, &zero);
	__u64 answer;

	if (!slot || !tgid)
		return false;
	answer = *(volatile __u64 *)slot;
	if ((answer & ~1ull) != key) {
		answer = key | is_target(tgid);
		*(volatile __u64 *)slot = answer;
	}
	return answer & 1;
}

#endif
