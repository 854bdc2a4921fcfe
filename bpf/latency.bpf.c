// SPDX-License-Identifier: GPL-2.0
/*
 * How long block I/O takes, polled and not.
 *
 *   forcepoll_complete ------------------------------------------> hists
 *   block_bio_queue ----> flights ----+--- block_rq_complete ----> hists
 *                        bio -> since +--- block_bio_complete ---> hists
 *
 * Polled: what the module measured, from the submission to the moment that the
 * submitter goes on.
 *
 * Not polled: from block_bio_queue, in the context of the submitter, to the
 * completion (flights.h). A bio is counted where it is submitted first: what dm, md
 * and loop make of it below is part of it.
 *
 * The module marks what it polls, and no one else sets both flags at submission.
 * Its bios are followed as well, but count here only if the mark was lost on the
 * way: then an interrupt completed them, and forcepoll_complete does not fire.
 *
 * The programs run with preemption off. An interrupt in the middle of one may
 * come to another, of the same cell: counters are added to atomically, but for the
 * maximum, which one of two may miss. Or to the same program: the kernel leaves it
 * out then, and counts that. A completion left out leaves its flight behind: each
 * can give one wrong sample, should somebody not followed use the same bio later,
 * so there are no more wrong samples than lost ones, which the loader shows.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "map_targets.h"
#include "flights.h"
#include "slots.h"

char LICENSE[] SEC("license") = "GPL";

/* Given by the loader: no choice was made of processes, of devices. */
const volatile bool everybody, every_device;

/* Keys as of forcepoll.h's map "devices". */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_DEVICES);
	__type(key, __u32);
	__type(value, __u32);
} chosen_devices SEC(".maps");

/* The bio that a task submitted last, not inside another submission. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} submitting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LATENCY_NR_CELLS);
	__type(key, __u32);
	__type(value, struct latency_hist);
} hists SEC(".maps");

static __always_inline __u32 size_of(__u32 bytes)
{
#define X(most, text)        \
	if (bytes <= (most)) \
		return LATENCY_SIZE_##most;
	LATENCY_SIZES(X)
#undef X
	return LATENCY_NR_SIZES - 1;
}

static __always_inline void record(__u32 kind, __u32 origin, __u32 bytes,
				   __u64 ns)
{
	__u32 cell = LATENCY_CELL(kind, origin, size_of(bytes));
	struct latency_hist *h = bpf_map_lookup_elem(&hists, &cell);
	__u32 slot = slot_of(ns);

	if (!h || slot >= LATENCY_SLOTS)
		return;
	__sync_fetch_and_add(&h->count, 1);
	__sync_fetch_and_add(&h->sum_ns, ns);
	__sync_fetch_and_add(&h->slot[slot], 1);
	if (h->max_ns < ns)
		h->max_ns = ns;
}

/* The current process, and the disk that the bio is for. */
static __always_inline bool chosen(struct block_device *bdev)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct gendisk *disk = bdev->bd_disk;
	__u32 dev = disk->major << 20 | disk->first_minor;

	if (!everybody && !bpf_map_lookup_elem(&targets, &tgid))
		return false;
	return every_device || bpf_map_lookup_elem(&chosen_devices, &dev);
}

static __always_inline void landed(__u64 bio, const struct flight *f, __u64 ns)
{
	__u64 opf = BPF_CORE_READ((struct bio *)bio, bi_opf);
	bool polled = opf & FLAG(POLLED) || f->below;

	if (!polled || !f->marked)
		record(polled ? LATENCY_iopoll : LATENCY_unpolled, f->origin,
		       f->bytes, ns);
}

static __always_inline void polled_below(__u64 bio)
{
	struct flight *f = bpf_map_lookup_elem(&flights, &bio);

	if (f)
		f->below = true;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(on_queue, struct bio *bio)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = (__u64)bio, opf = bio->bi_opf;
	__u64 mark = FLAG(POLLED) | FLAG(NOMERGE);
	struct flight f = {};
	bool follow;
	__u64 *top;

	if (!transfers(bio))
		return 0;
	follow = !task->bio_list && chosen(bio->bi_bdev);
	top = bpf_task_storage_get(&submitting, task, 0,
				   follow ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (task->bio_list) { /* made of a bio that is being submitted */
		if (top && opf & FLAG(POLLED))
			polled_below(*top);
		return 0;
	}
	if (top)
		*top = key;
	if (!follow)
		return 0;

	f.origin = (opf & REQ_OP_MASK) == REQ_OP_WRITE ?
			   FORCEPOLL_ORIGIN_write :
			   FORCEPOLL_ORIGIN_read;
	f.marked = (opf & mark) == mark;
	take_off(bio, &f);
	return 0;
}

/* Loaded when the module is. */
SEC("tp_btf/forcepoll_complete")
int BPF_PROG(on_polled, struct bio *bio, __u32 bytes, __u32 origin,
	     __u64 wait_ns)
{
	/* Of a module's tracepoint the verifier believes that it may be NULL. */
	if (bio && origin < FORCEPOLL_NR_ORIGINS && chosen(bio->bi_bdev))
		record(LATENCY_polled, origin, bytes, wait_ns);
	return 0;
}
