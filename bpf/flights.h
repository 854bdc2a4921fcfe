/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For BPF programs: bios from their submission to their completion, see
 * latency.bpf.c. Whoever includes this calls take_off() and says what to do with one
 * that has landed.
 *
 * Completion is told by the requests that a bio went into, which may be several, when
 * it was split: the pieces are linked to it by bi_private, and it is complete when
 * all its bytes are. block_bio_complete is not traced for requests; it tells of bios
 * that never became one. What the module cuts itself is linked by "whole", as it needs
 * bi_private.
 */
#ifndef FORCEPOLL_FLIGHTS_H
#define FORCEPOLL_FLIGHTS_H

#define REQ_OP_MASK 0xff
#define MAX_FLIGHTS 65536
#define BLK_STS_AGAIN \
	12 /* no tag, and it may not wait: it is submitted again */
#define MAX_MERGED 4096 /* bios in one request: more than any drive takes */

/* Flags have other places in other kernels. */
#define FLAG(name) \
	(1ull << bpf_core_enum_value(enum req_flag_bits, __REQ_##name))

struct flight {
	__u64 since_ns;
	__u64 whole; /* address of the bio that this is a piece of, or 0 */
	__u32 bytes;
	__u32 left; /* bytes not yet complete; 0: counted */
	/* Its owner's: */
	__u8 origin;
	__u8 marked; /* by the module */
	__u8 below; /* what a stacked device made of it is polled */
	__u8 arm; /* of ab.bpf.c */
	__u8 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FLIGHTS);
	__type(key, __u64); /* address of the bio */
	__type(value, struct flight);
} flights SEC(".maps");

__u64 lost_full; /* bios that found no room in flights */

/* Reads and writes with data; those with a flush end with one, which is no transfer. */
static __always_inline bool transfers(const struct bio *bio)
{
	__u64 opf = bio->bi_opf;
	__u32 op = opf & REQ_OP_MASK;

	return (op == REQ_OP_READ || op == REQ_OP_WRITE) &&
	       bio->bi_iter.bi_size && !(opf & (FLAG(PREFLUSH) | FLAG(FUA)));
}

static __always_inline void take_off(const struct bio *bio, struct flight *f)
{
	__u64 key = (__u64)bio;

	f->since_ns = bpf_ktime_get_ns();
	f->bytes = bio->bi_iter.bi_size;
	f->left = f->bytes;
	if (bpf_map_update_elem(&flights, &key, f, BPF_ANY))
		__sync_fetch_and_add(&lost_full, 1);
}

static __always_inline void landed(__u64 bio, const struct flight *f, __u64 ns);

static __always_inline void drop(__u64 bio, struct flight *f)
{
	/* First: deleting may fail, where another CPU is in the same bucket. */
	f->left = 0;
	bpf_map_delete_elem(&flights, &bio);
}

static __always_inline void land(__u64 bio, struct flight *f)
{
	landed(bio, f, bpf_ktime_get_ns() - f->since_ns);
	drop(bio, f);
}

/* Where I/O ends before where it begins: no flight is left without its end. */
SEC("tp_btf/block_bio_complete")
int BPF_PROG(on_bio_complete, struct request_queue *q, struct bio *bio)
{
	__u64 key = (__u64)bio;
	struct flight *f = bpf_map_lookup_elem(&flights, &key);

	/* NVMe multipath tells of a request's bio, pieces of which may be due. */
	if (!f || !f->left || bio->__bi_remaining.counter > 1)
		return 0;
	if (bio->bi_status == BLK_STS_AGAIN || f->whole)
		drop(key, f);
	else
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
	if (f && f->whole) {
		__u64 whole = f->whole;

		/* Of several requests, should it have been split again. */
		if (__sync_fetch_and_sub(&f->left, bytes) == bytes)
			drop(key, f);
		key = whole;
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

#endif
