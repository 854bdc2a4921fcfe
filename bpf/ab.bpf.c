// SPDX-License-Identifier: GPL-2.0
/*
 * What block I/O costs the targets, as they see it, for the two arms of ab. The
 * programs are the same in both, so what they cost themselves is, too.
 *
 *   raw_syscalls:sys_enter ----+                  +--- raw_syscalls:sys_exit --+
 *   entry of handle_mm_fault --+--> op of a task --+--- exit of handle_mm_fault +
 *                                     ^                                       |
 *   block_bio_queue -----------+------+                                        v
 *                              +--> flights --- flights.h ----------------> cells
 *
 * An operation is a system call or a page fault in which the task submitted block
 * I/O, from entry to exit: the wait is in it, and the wake-up. Whether the task
 * waited is not asked: it would have to be told by other signs when it is polled. Not
 * io_submit and io_uring_enter, whose I/O goes on behind them: of these each bio is
 * timed, to its completion.
 *
 * Whatever begins in an arm counts there, whenever it ends: nothing that is slow is
 * left out for being slow.
 *
 * A page fault that gives up its locks to wait is tried again: the second try, which
 * finds its page, is not in it. Programs at functions may be preempted: counters are
 * added to atomically.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "ab_cells.h"
#include "chosen.h"
#include "flights.h"
#include "slots.h"

#define TS_COMPAT 0x2u /* x86 thread_info.status: in a 32-bit system call */
#define IO_SUBMIT_32 248
#define IO_URING_ENTER_32 426

char LICENSE[] SEC("license") = "GPL";

/* Given by the loader. */
const volatile long nr_io_submit, nr_io_uring_enter;

/* Which arm it is, by the loader at any time. AB_NR_ARMS: nothing counts now. */
__u32 arm = AB_NR_ARMS;

struct op {
	__u64 since_ns; /* 0: in none */
	__u64 bytes;
	__u64 whole; /* address of a bio that the module submits in pieces, or 0 */
	__u64 pages; /* its bi_io_vec, which its pieces share */
	__u32 to_cut; /* bytes that are still due of it */
	__u32 bios;
	__u8 arm; /* when it began */
	bool async, fault;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AB_NR_CELLS);
	__type(key, __u32);
	__type(value, struct ab_cell);
} cells SEC(".maps");

static __always_inline void record(__u32 in, __u32 kind, __u64 bytes, __u64 ns)
{
	__u32 key = AB_CELL(in, kind), slot = slot_of(ns);
	struct ab_cell *c;

	if (in >= AB_NR_ARMS || slot >= LATENCY_SLOTS)
		return;
	c = bpf_map_lookup_elem(&cells, &key);
	if (!c)
		return;
	__sync_fetch_and_add(&c->hist.count, 1);
	__sync_fetch_and_add(&c->hist.sum_ns, ns);
	__sync_fetch_and_add(&c->hist.slot[slot], 1);
	__sync_fetch_and_add(&c->bytes, bytes);
}

static __always_inline struct op *current_op(__u64 flags)
{
	return bpf_task_storage_get(&ops, bpf_get_current_task_btf(), 0, flags);
}

/* Not all of its pieces have come here: what has is no I/O to time. */
static __always_inline void abandon(struct op *op)
{
	__u64 key = op->whole;
	struct flight *f = bpf_map_lookup_elem(&flights, &key);

	if (f)
		drop(key, f);
	op->whole = 0;
}

static __always_inline void begin(struct op *op, bool async, bool fault)
{
	op->bytes = 0;
	op->bios = 0;
	if (op->whole)
		abandon(op);
	op->arm = arm;
	op->async = async;
	op->fault = fault;
	op->since_ns = bpf_ktime_get_ns();
}

static __always_inline void end(struct op *op)
{
	if (op->bios && !op->async)
		record(op->arm, AB_KIND_calls, op->bytes,
		       bpf_ktime_get_ns() - op->since_ns);
	op->since_ns = 0;
}

static __always_inline bool is_async(long nr)
{
#ifdef __TARGET_ARCH_x86
	if (bpf_get_current_task_btf()->thread_info.status & TS_COMPAT)
		return nr == IO_SUBMIT_32 || nr == IO_URING_ENTER_32;
#endif
	return nr == nr_io_submit || nr == nr_io_uring_enter;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	struct op *op;

	if (!chosen())
		return 0;
	op = current_op(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (op)
		begin(op, is_async(nr), false);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	struct op *op = current_op(0);

	if (op && op->since_ns)
		end(op);
	return 0;
}

SEC("fentry/handle_mm_fault")
int BPF_PROG(on_fault)
{
	struct op *op;

	if (!chosen())
		return 0;
	op = current_op(BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* In a system call it is a part of that. */
	if (op && (!op->since_ns || op->fault))
		begin(op, false, true);
	return 0;
}

SEC("fexit/handle_mm_fault")
int BPF_PROG(on_fault_end)
{
	struct op *op = current_op(0);

	if (op && op->since_ns && op->fault)
		end(op);
	return 0;
}

/* It is one I/O, as it is where interrupts end it. */
SEC("tp_btf/forcepoll_split")
int BPF_PROG(on_split, struct bio *bio)
{
	struct op *op = current_op(0);
	struct flight f = {};

	/* Of a module's tracepoint the verifier believes that it may be NULL. */
	if (!bio || !op || !op->since_ns || !op->async ||
	    op->arm >= AB_NR_ARMS || !transfers(bio))
		return 0;
	f.arm = op->arm;
	take_off(bio, &f);
	op->whole = (__u64)bio;
	op->pages = (__u64)bio->bi_io_vec;
	op->to_cut = bio->bi_iter.bi_size;
	return 0;
}

/*
 * The bio that this is a piece of, or 0. One that the cgroup's limit holds back comes
 * here in another task; then another follows that is none.
 */
static __always_inline __u64 piece_of(struct op *op, const struct bio *bio)
{
	__u32 bytes = bio->bi_iter.bi_size;
	__u64 whole = op->whole;

	if (!whole)
		return 0;
	if ((__u64)bio->bi_io_vec != op->pages || bytes > op->to_cut) {
		abandon(op);
		return 0;
	}
	op->to_cut -= bytes;
	if (!op->to_cut)
		op->whole = 0;
	return whole;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(on_queue, struct bio *bio)
{
	__u32 what = bio->bi_opf & REQ_OP_MASK;
	struct op *op = current_op(0);
	struct flight f = {};

	/* With a list: made of a bio that is being submitted, and is counted. */
	if (!op || !op->since_ns || bpf_get_current_task_btf()->bio_list)
		return 0;
	if (op->async) {
		f.arm = op->arm;
		f.whole = piece_of(op, bio);
		if (f.arm < AB_NR_ARMS && transfers(bio))
			take_off(bio, &f);
	} else if (what == REQ_OP_READ || what == REQ_OP_WRITE) {
		op->bios++;
		op->bytes += bio->bi_iter.bi_size;
	}
	return 0;
}

static __always_inline void landed(__u64 bio, const struct flight *f, __u64 ns)
{
	record(f->arm, AB_KIND_bios, f->bytes, ns);
}
