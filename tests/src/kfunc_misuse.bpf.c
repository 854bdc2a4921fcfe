// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of forcepoll's kfuncs that are mistakes: each is refused, by the kernel when the
 * program is loaded, or by the kfunc. For tests/src/kfunc.c.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "forcepoll.h"
#include "map_targets.h"
#include "forcepoll_kfunc.h"

#define CLOCK_MONOTONIC 1

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_DEVICES);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct forcepoll_stats);
} nothing SEC(".maps");

struct timed {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");

/* What was not found, and not asked about. */
SEC("syscall")
int stats_nowhere(void *ctx)
{
	__u32 key = 7;

	return forcepoll_stats_read(bpf_map_lookup_elem(&nothing, &key));
}

/* A pointer of the kernel's, of the right type. */
SEC("syscall")
int bind_no_map(void *ctx)
{
	struct bpf_map *map = (struct bpf_map *)&targets;

	return forcepoll_bind(map->inner_map_meta, map->inner_map_meta);
}

int said = 1;

static int on_timer(void *map, __u32 *key, struct timed *t)
{
	said = forcepoll_release();
	return 0;
}

static long wait_for_it(__u32 i, void *ctx)
{
	return *(volatile int *)&said <= 0;
}

/* From an interrupt. */
SEC("syscall")
int release_by_timer(void *ctx)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	if (!t || bpf_timer_init(&t->timer, &timers, CLOCK_MONOTONIC) ||
	    bpf_timer_set_callback(&t->timer, on_timer) ||
	    bpf_timer_start(&t->timer, 1000, 0))
		return 1;
	bpf_loop(1 << 23, wait_for_it, NULL, 0);
	return *(volatile int *)&said;
}

char LICENSE[] SEC("license") = "GPL";
