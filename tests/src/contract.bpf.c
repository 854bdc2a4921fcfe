// SPDX-License-Identifier: GPL-2.0
/*
 * What callers of io_schedule() and io_schedule_timeout() rely on, whoever comes
 * between: a running task, its plug as it was, and of its time what is left.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define MAX_SCHEDULE_TIMEOUT (~0UL >> 1)

__u64 calls, not_running, other_plug, wrong_time;

/* Of a task inside: what replaces a function calls it, too. */
struct inside {
	struct blk_plug *plug;
	int depth;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct inside);
} tasks SEC(".maps");

static void enter(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inside *i = bpf_task_storage_get(&tasks, task, NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (i && !i->depth++)
		i->plug = task->plug;
}

static void leave(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inside *i = bpf_task_storage_get(&tasks, task, NULL, 0);

	if (!i || !i->depth) /* it slept when this was loaded */
		return;
	__sync_fetch_and_add(&calls, 1);
	if (task->__state)
		__sync_fetch_and_add(&not_running, 1);
	if (!--i->depth && i->plug != task->plug)
		__sync_fetch_and_add(&other_plug, 1);
}

/*
 * The exits first: 6.1.192 forgets its ops, and later crashes, when it attaches one
 * to a function that is replaced and has an entry already (bpf_trampoline_update()
 * resets fops->func of what is registered; 6.12 does not).
 */
SEC("fexit/io_schedule")
int BPF_PROG(leave_io_schedule)
{
	leave();
	return 0;
}

SEC("fexit/io_schedule_timeout")
int BPF_PROG(leave_io_schedule_timeout, long timeout, long left)
{
	leave();
	if (left < 0 || left > timeout ||
	    (timeout == MAX_SCHEDULE_TIMEOUT && left != timeout))
		__sync_fetch_and_add(&wrong_time, 1);
	return 0;
}

SEC("fentry/io_schedule")
int BPF_PROG(enter_io_schedule)
{
	enter();
	return 0;
}

SEC("fentry/io_schedule_timeout")
int BPF_PROG(enter_io_schedule_timeout)
{
	enter();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
