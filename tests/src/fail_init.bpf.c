// SPDX-License-Identifier: GPL-2.0
/*
 * Fails one allocation that a module's init makes: nth[0] says which, from 1; nth[1]
 * counts them. Those that need no memory, as kmemleak's own, are passed over.
 *
 * Needs CONFIG_BPF_KPROBE_OVERRIDE and CONFIG_FAILSLAB.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ENOMEM 12
#define MAY_FAIL (1u << ___GFP_NOWARN_BIT)
#define MUST_NOT (1u << ___GFP_NOFAIL_BIT)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} nth SEC(".maps");

static __u32 inside; /* thread that is in a module's init */

static __u32 thread(void)
{
	return bpf_get_current_pid_tgid();
}

SEC("kprobe/do_init_module")
int BPF_KPROBE(enter)
{
	inside = thread();
	return 0;
}

SEC("kretprobe/do_init_module")
int BPF_KRETPROBE(leave)
{
	inside = 0;
	return 0;
}

SEC("kprobe/should_failslab")
int BPF_KPROBE(fail_one, struct kmem_cache *s, gfp_t flags)
{
	__u32 first = 0, second = 1;
	__u32 *which = bpf_map_lookup_elem(&nth, &first);
	__u32 *count = bpf_map_lookup_elem(&nth, &second);

	if (!which || !count || inside != thread() ||
	    flags & (MAY_FAIL | MUST_NOT))
		return 0;
	if (++*count == *which)
		bpf_override_return(ctx, -ENOMEM);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
