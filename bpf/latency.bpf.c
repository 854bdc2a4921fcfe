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
 * completion. A bio is counted where it is submitted first: what dm, md and loop
 * make of it below is part of it. Its completion is told by the requests that it
 * went into, which may be several, when it was split: the pieces are linked to it
 * by bi_private, and it is complete when all its bytes are. block_bio_complete is
 * not traced for requests; it tells of bios that never became one.
 *
 * The module marks what it polls, and no one else sets both flags at submission.
 * Its bios are followed as well, but count here only if the mark was lost on the
 * way: then an interrupt completed them, and forcepoll_complete does not fire.
 *
 * The programs run with preemption off. An interrupt in the middle of one may
 * come to the same program: the kernel leaves it out then, and counts that. So
 * one program at a time writes a CPU's copy of a cell, and needs no atomics. A
 * completion left out leaves its flight behind: each can give one wrong sample,
 * should somebody not followed use the same bio later, so there are no more
 * wrong samples than lost ones, which the loader shows.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "map_targets.h"
#include "latency_hist.h"

#define REQ_OP_MASK 0xff
#define MAX_FLIGHTS 65536
#define MAX_MERGED 4096 /* bios in one request: more than any drive takes */

char LICENSE[] SEC("license") = "GPL";

/* Given by the loader: no choice was made of processes, of devices. */
const volatile bool everybody, every_device;

__u64 lost_full; /* bios that found no room in flights */

/* Keys as of forcepoll.h's map "devices". */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_DEVICES);
	__type(key, __u32);
	__type(value, __u32);
} chosen_devices SEC(".maps");

struct flight {
	__u64 since_ns;
	__u32 bytes;
	__u32 left; /* bytes not yet complete; 0: counted */
	__u8 origin;
	__u8 marked; /* by the module */
	__u8 below; /* what a stacked device made of it is polled */
	__u8 pad[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FLIGHTS);
	__type(key, __u64); /* address of the bio */
	__type(value, struct flight);
} flights SEC(".maps");

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

/* Flags have other places in other kernels. */
#define FLAG(name) \
	(1ull << bpf_core_enum_value(enum req_flag_bits, __REQ_##name))

static __always_inline __u32 log2(__u64 n)
{
	__u32 log = 0;

#pragma unroll
	for (int step = 32; step; step /= 2) {
		if (n >> step) {
			n >>= step;
			log += step;
		}
	}
	return log;
}

static __always_inline __u32 slot_of(__u64 ns)
{
	__u64 units = LATENCY_UNITS(ns);
	__u32 log;

	if (units < LATENCY_SUB)
		return units;
	log = log2(units);
	if (log > LATENCY_TOP)
		return LATENCY_SLOTS - 1;
	return (log - LATENCY_SUB_SHIFT + 1) * LATENCY_SUB +
	       ((units >> (log - LATENCY_SUB_SHIFT)) & (LATENCY_SUB - 1));
}

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
	h->count++;
	h->sum_ns += ns;
	if (h->max_ns < ns)
		h->max_ns = ns;
	h->slot[slot]++;
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

/* The flight @f of @bio has landed. */
static __always_inline void land(__u64 bio, struct flight *f)
{
	__u64 opf = BPF_CORE_READ((struct bio *)bio, bi_opf);
	bool polled = opf & FLAG(POLLED) || f->below;
	__u64 ns = bpf_ktime_get_ns() - f->since_ns;

	if (!polled || !f->marked)
		record(polled ? LATENCY_iopoll : LATENCY_unpolled, f->origin,
		       f->bytes, ns);
	/* First: deleting may fail, where another CPU is in the same bucket. */
	f->left = 0;
	bpf_map_delete_elem(&flights, &bio);
}

/* Where I/O ends before where it begins: no flight is left without its end. */
SEC("tp_btf/block_bio_complete")
int BPF_PROG(on_bio_complete, struct request_queue *q, struct bio *bio)
{
	__u64 key = (__u64)bio;
	struct flight *f = bpf_map_lookup_elem(&flights, &key);

	/* NVMe multipath tells of a request's bio, pieces of which may be due. */
	if (f && f->left && bio->__bi_remaining.counter <= 1)
		land(key, f);
	return 0;
}

struct walk {
	__u64 bio;
	__u32 left; /* bytes that are complete in it and those behind it */
};

static long complete_one(__u32 i, struct walk *w)
{
	struct bio *bio = (struct bio *)w->bio;
	__u32 bytes = BPF_CORE_READ(bio, bi_iter.bi_size);
	struct flight *f;
	__u64 key = w->bio;

	if (bytes > w->left)
		bytes = w->left;
	w->left -= bytes;
	w->bio = (__u64)BPF_CORE_READ(bio, bi_next);

	f = bpf_map_lookup_elem(&flights, &key);
	if (!f) {
		key = (__u64)BPF_CORE_READ(bio, bi_private);
		f = bpf_map_lookup_elem(&flights, &key);
	}
	/* Pieces of a bio may complete on several CPUs at once. */
	if (f && bytes && __sync_fetch_and_sub(&f->left, bytes) == bytes)
		land(key, f);
	return !w->bio || !w->left;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_rq_complete, struct request *rq, int error,
	     unsigned int nr_bytes)
{
	struct walk w = { .bio = (__u64)rq->bio, .left = nr_bytes };

	if (w.bio)
		bpf_loop(MAX_MERGED, complete_one, &w, 0);
	return 0;
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
	__u32 op = opf & REQ_OP_MASK, bytes = bio->bi_iter.bi_size;
	struct flight f = {};
	__u64 *top;

	if ((op != REQ_OP_READ && op != REQ_OP_WRITE) || !bytes)
		return 0;
	/* They end with a flush of the drive's cache, which is no transfer. */
	if (opf & (FLAG(PREFLUSH) | FLAG(FUA)))
		return 0;
	top = bpf_task_storage_get(&submitting, task, 0,
				   BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (task->bio_list) { /* made of a bio that is being submitted */
		if (top && opf & FLAG(POLLED))
			polled_below(*top);
		return 0;
	}
	if (top)
		*top = key;
	if (!chosen(bio->bi_bdev))
		return 0;

	f.since_ns = bpf_ktime_get_ns();
	f.bytes = bytes;
	f.left = bytes;
	f.origin = op == REQ_OP_WRITE ? FORCEPOLL_ORIGIN_write :
					FORCEPOLL_ORIGIN_read;
	f.marked = (opf & mark) == mark;
	if (bpf_map_update_elem(&flights, &key, &f, BPF_ANY))
		__sync_fetch_and_add(&lost_full, 1);
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
