// SPDX-License-Identifier: GPL-2.0
/* A policy that wants all polled, and takes its time to say so. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"

static long turn(__u32 i, void *sum)
{
	*(__u64 *)sum += bpf_get_prandom_u32();
	return 0;
}

SEC("forcepoll_policy/select")
__u64 BPF_PROG(wait, const struct forcepoll_policy_ctx *io)
{
	__u64 sum = 0;

	bpf_loop(20000, turn, &sum, 0);
	return sum ? FORCEPOLL_POLICY_INTERRUPT : FORCEPOLL_POLICY_POLL;
}

SEC("forcepoll_policy/complete")
void BPF_PROG(quick, const struct forcepoll_policy_ctx *io, __u64 ns)
{
}

char LICENSE[] SEC("license") = "GPL";
