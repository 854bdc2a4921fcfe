// SPDX-License-Identifier: GPL-2.0
/* A policy that says what it is told to, and counts what it hears. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"

/* A map of its own, to be written by hand. */
volatile __u64 answer SEC(".data.answer") = FORCEPOLL_POLICY_DEFAULT;

__u64 asked, told, told_alone, bytes, strange;

static void look_at(const struct forcepoll_policy_ctx *io)
{
	if (!io->dev || io->alone > 1 || io->runnable > 1 ||
	    io->origin >= FORCEPOLL_NR_ORIGINS)
		__sync_fetch_and_add(&strange, 1);
	if (io->tgid && io->tgid != bpf_get_current_pid_tgid() >> 32)
		__sync_fetch_and_add(&strange, 1);
}

SEC("forcepoll_policy/select")
__u64 BPF_PROG(say, const struct forcepoll_policy_ctx *io)
{
	__sync_fetch_and_add(&asked, 1);
	look_at(io);
	if (!io->bytes || !io->tgid)
		__sync_fetch_and_add(&strange, 1);
	return answer;
}

SEC("forcepoll_policy/complete")
void BPF_PROG(hear, const struct forcepoll_policy_ctx *io, __u64 ns)
{
	__sync_fetch_and_add(&told, 1);
	__sync_fetch_and_add(&bytes, io->bytes);
	look_at(io);
	if (io->alone)
		__sync_fetch_and_add(&told_alone, 1);
	if (!io->bytes || (io->tgid && !io->alone))
		__sync_fetch_and_add(&strange, 1);
}

/* Of another kind: it is not loaded, which would fail. */
SEC("no_policy")
int other(void *ctx)
{
	return *(int *)ctx;
}

char LICENSE[] SEC("license") = "GPL";
