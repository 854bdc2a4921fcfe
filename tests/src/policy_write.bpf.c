// SPDX-License-Identifier: GPL-2.0
/* A policy that writes where it may only read. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"

SEC("forcepoll_policy/select")
__u64 BPF_PROG(change, struct forcepoll_policy_ctx *io)
{
	io->bytes = 0;
	return FORCEPOLL_POLICY_POLL;
}

char LICENSE[] SEC("license") = "GPL";
