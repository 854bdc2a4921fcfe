/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_JUDGE_H
#define FORCEPOLL_JUDGE_H

#include <linux/types.h>

#include "forcepoll.h"

struct bio;
struct forcepoll_class;
struct forcepoll_target;

/* About one bio. To be kept with it, and given back when it is done. */
struct forcepoll_verdict {
	struct forcepoll_class *class; /* NULL: nothing is learned from it */
	u32 sleep_ns; /* before the first poll; 0: none */
	u16 trial; /* not 0: it is measured for that comparison */
	bool policy; /* a BPF policy has said so, and wants to know how long it takes */
	u8 mode; /* enum forcepoll_mode */
};

/*
 * How is this bio of current, a target, to be waited for? It may be polled, and would
 * be: @alone in submit_bio(), or where its submitter waits.
 */
struct forcepoll_verdict forcepoll_judge(const struct bio *bio,
					 const struct forcepoll_target *target,
					 enum forcepoll_origin origin,
					 bool alone);

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
