// SPDX-License-Identifier: GPL-2.0
/* Each change of mind of the module's judge, for --explain. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "explanation.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} news SEC(".maps");

__u64 lost;

SEC("tp_btf/forcepoll_judge")
int BPF_PROG(on_change, struct forcepoll_class_key *key, __u32 from, __u32 to,
	     __u32 reason, __u64 interrupt_ns, __u64 poll_ns)
{
	struct explanation *e = bpf_ringbuf_reserve(&news, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	bpf_probe_read_kernel(&e->key, sizeof(e->key), key);
	e->from = from;
	e->to = to;
	e->reason = reason;
	e->pad = 0;
	e->interrupt_ns = interrupt_ns;
	e->poll_ns = poll_ns;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
