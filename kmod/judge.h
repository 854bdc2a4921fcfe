/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_JUDGE_H
#define FORCEPOLL_JUDGE_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "forcepoll.h"
#include "target.h"

struct forcepoll_class;

/* About one bio. To be kept with it, and given back when it is done. */
struct forcepoll_verdict {
	struct forcepoll_class *class; /* NULL: nothing is learned from it */
	u32 sleep_ns; /* before the first poll; 0: none */
	u16 trial; /* not 0: it is measured for that comparison */
	bool policy; /* a BPF policy has said so, and wants to know how long it takes */
	u8 mode; /* enum forcepoll_mode */
};

/*
 * What a CPU may do without asking: so many I/Os of one kind, of one process, for the
 * rest of the jiffy, as the targets are remembered. No more is said of them than that
 * they were. Used with preemption on: what another CPU writes meanwhile makes it one
 * more, or one in the mode of another kind, which harms nothing.
 */
struct forcepoll_lease {
	u64 key;
	const struct gendisk *disk; /* by name only: it may be gone */
	struct forcepoll_class *class;
	u8 mode; /* enum forcepoll_mode */
	u8 left, given; /* I/Os */
};

#define FORCEPOLL_LEASES (2 * FORCEPOLL_NR_ORIGINS)
DECLARE_PER_CPU(struct forcepoll_lease[FORCEPOLL_LEASES], forcepoll_leases);

/* 0: up to 4 KiB, and then in steps of 4. */
static __always_inline u8 forcepoll_size_class(unsigned int bytes)
{
	if (likely(bytes <= 4096))
		return 0;
	return min((ilog2(bytes - 1) - 12) / 2 + 1, FORCEPOLL_NR_SIZES - 1);
}

/* A PID has 22 bits. Origin and way of waiting are the lease's place. */
static __always_inline u64 forcepoll_lease_key(const struct bio *bio)
{
	return forcepoll_target_key() |
	       (u64)forcepoll_size_class(bio->bi_iter.bi_size) << 62;
}

static __always_inline struct forcepoll_lease *
forcepoll_lease_of(enum forcepoll_origin origin, bool alone)
{
	return raw_cpu_ptr(
		&forcepoll_leases[origin + alone * FORCEPOLL_NR_ORIGINS]);
}

/* forcepoll_judge(), where there is no lease. */
void forcepoll_judge_ask(const struct bio *bio,
			 const struct forcepoll_target *target,
			 enum forcepoll_origin origin, bool alone,
			 struct forcepoll_verdict *v);

/*
 * How is this bio of current, a target, to be waited for? It may be polled, and would
 * be: @alone in submit_bio(), or where its submitter waits. @v says to poll so far.
 */
static __always_inline void
forcepoll_judge(const struct bio *bio, const struct forcepoll_target *target,
		enum forcepoll_origin origin, bool alone,
		struct forcepoll_verdict *v)
{
	struct forcepoll_lease *l = forcepoll_lease_of(origin, alone);
	u8 left = READ_ONCE(l->left);

	if (!left || l->key != forcepoll_lease_key(bio) ||
	    l->disk != bio->bi_bdev->bd_disk) {
		forcepoll_judge_ask(bio, target, origin, alone, v);
		return;
	}
	WRITE_ONCE(l->left, left - 1);
	v->mode = l->mode;
}

/* Is there anything to find out? Parameter mode. */
extern bool forcepoll_judge_asked;

/*
 * It took @ns from its submission until its submitter went on (alone), or until it
 * was complete. May be called with interrupts off.
 */
void forcepoll_judge_learn(const struct forcepoll_verdict *v, u64 ns);

static inline void forcepoll_judge_done(const struct forcepoll_verdict *v,
					u64 ns)
{
	if (v->class)
		forcepoll_judge_learn(v, ns);
}

/* It slept for verdict.sleep_ns first. @late: it was complete by then. */
void forcepoll_judge_slept(const struct forcepoll_verdict *v, bool late);

/*
 * The bio is not waited for in submit_bio(): what becomes of it is seen when it
 * completes. To be called before it is marked or cut.
 */
void forcepoll_judge_watch(struct bio *bio, const struct forcepoll_verdict *v,
			   const struct forcepoll_target *target,
			   enum forcepoll_origin origin, bool alone);

/* Nobody can submit: wait for the last of those. */
void forcepoll_judge_drain(void);

/* The n classes that there are, in no order. */
void forcepoll_judge_describe(struct forcepoll_classes *classes);

#endif
