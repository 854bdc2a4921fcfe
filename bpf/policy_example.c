// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a policy, to be changed: small reads are polled, large I/O is slept for
 * first, and all is left to interrupts while other tasks want the CPU.
 *
 *   make loader && forcepoll-loader --all --policy build/bpf/policy_example.o
 *
 * All that it needs is forcepoll.h, which says what it is told and may answer, and
 * vmlinux.h for the types.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"

#define SMALL 16384

/*
 * How long large I/O takes, a moving mean. Two CPUs may write it at once, and then one
 * time is not in it: no harm.
 */
static volatile __u64 large_ns;

SEC("forcepoll_policy/select")
__u64 BPF_PROG(select_mode, const struct forcepoll_policy_ctx *io)
{
	if (io->runnable)
		return FORCEPOLL_POLICY_INTERRUPT;
	if (io->origin == FORCEPOLL_ORIGIN_write)
		return FORCEPOLL_POLICY_DEFAULT;
	if (io->bytes <= SMALL)
		return FORCEPOLL_POLICY_POLL;
	/* Half of the time is for others. 0, which is INTERRUPT: not known yet. */
	return large_ns / 2;
}

SEC("forcepoll_policy/complete")
void BPF_PROG(learn, const struct forcepoll_policy_ctx *io, __u64 ns)
{
	if (io->bytes > SMALL)
		large_ns = large_ns ? large_ns - large_ns / 8 + ns / 8 : ns;
}

char LICENSE[] SEC("license") = "GPL";
