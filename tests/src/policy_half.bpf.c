// SPDX-License-Identifier: GPL-2.0
/* Half a policy: it hears, and says nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"

SEC("forcepoll_policy/complete")
void BPF_PROG(hear, const struct forcepoll_policy_ctx *io, __u64 ns)
{
}

char LICENSE[] SEC("license") = "GPL";
