// SPDX-License-Identifier: GPL-2.0
/*
 * Whose poll time it is: the module counts by CPU and origin, this by process,
 * and only for as long as somebody wants to know.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "share.h"

char LICENSE[] SEC("license") = "GPL";

__u64 irq_ns; /* the module's, by the loader */

/* Processes come and go: those that polled least recently make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32); /* tgid */
	__type(value, struct share);
} shares SEC(".maps");

/* Of process @tgid. Preemption is off, and no interrupt does it. */
static void add(__u32 tgid, __u64 polled, __u64 spin_ns)
{
	struct share *share = bpf_map_lookup_elem(&shares, &tgid);
	struct share none = {};

	if (!share) {
		/* Another thread may have been first: then it is there. */
		bpf_map_update_elem(&shares, &tgid, &none, BPF_NOEXIST);
		share = bpf_map_lookup_elem(&shares, &tgid);
	}
	if (!share)
		return;
	share->polled += polled;
	share->spin_ns += spin_ns;
	share->useful_ns += spin_ns < irq_ns ? spin_ns : irq_ns;
}

SEC("tp_btf/forcepoll_complete")
int BPF_PROG(on_polled, struct bio *bio, __u32 bytes, __u32 origin,
	     __u64 wait_ns, __u64 spin_ns)
{
	add(bpf_get_current_pid_tgid() >> 32, 1, spin_ns);
	return 0;
}

/* Many in flight: who found one need not be who submitted it. */
SEC("tp_btf/forcepoll_reap")
int BPF_PROG(on_reaped, struct bio *bio, __u32 bytes, __u32 origin,
	     __u64 wait_ns, __u32 tgid)
{
	add(tgid, 1, 0);
	return 0;
}

SEC("tp_btf/forcepoll_spin")
int BPF_PROG(on_spun, __u32 origin, __u64 spin_ns)
{
	add(bpf_get_current_pid_tgid() >> 32, 0, spin_ns);
	return 0;
}
