/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_POLICY_H
#define FORCEPOLL_POLICY_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include "forcepoll.h"

struct bio;
struct forcepoll_verdict;

/* What a policy is made of, see bpf/forcepoll.h. Its BTF is all that is known of it. */
struct forcepoll_policy_ops {
	__u64 (*select)(const struct forcepoll_policy_ctx *ctx);
	void (*complete)(const struct forcepoll_policy_ctx *ctx, __u64 ns);
	char name[16];
};

/* There is one, and it is asked: test it before the calls below. */
DECLARE_STATIC_KEY_FALSE(forcepoll_policy_loaded);

/*
 * How is this bio of current, which may be polled, to be waited for? Fills in mode and
 * sleep_ns. False: no policy, or it wants the default. Any context but NMI, as the
 * submitter of the bio.
 */
bool forcepoll_policy_select(const struct bio *bio,
			     enum forcepoll_origin origin, bool alone,
			     u64 whose, struct forcepoll_verdict *v);

/*
 * The bio, of @bytes when it was submitted, took @ns. Before its own completion is
 * called, as then it may be gone. By its @submitter, or in any context but NMI, also
 * with interrupts off: the program cannot sleep, and no call of it is left out because
 * it interrupts another (bpf_prog_check_recur()).
 */
void forcepoll_policy_complete(const struct bio *bio,
			       enum forcepoll_origin origin, bool alone,
			       u64 whose, unsigned int bytes, u64 ns,
			       bool submitter);

/* Its name, or "". */
void forcepoll_policy_describe(char name[16]);

/* It was too slow, and is not asked any more. */
bool forcepoll_policy_disabled(void);

/*
 * Without it nobody can load a policy, which is no reason not to poll: no error. A
 * policy holds the module, so there is none left at exit.
 */
void forcepoll_policy_init(void);
void forcepoll_policy_uninit(void);

#endif
