/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_HOOK_H
#define FORCEPOLL_HOOK_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "forcepoll.h"

struct bio;

/* Where tasks poll on this kernel, as 1 << enum forcepoll_wait. */
extern unsigned int forcepoll_hook_waits;

static inline bool forcepoll_hook_waits_in(enum forcepoll_wait wait)
{
	return READ_ONCE(forcepoll_hook_waits) >> wait & 1;
}

/* -EINVAL: this kernel does not let one of the functions be replaced. */
int forcepoll_hook_init(void);
void forcepoll_hook_uninit(void);

/* -EBUSY: somebody else replaces one of the functions, or ftrace is off. */
int forcepoll_hook_install(void);
int forcepoll_hook_remove(void);

/* Tasks between the first and the last instruction of a replacement. */
u64 forcepoll_hook_inflight(void);

/*
 * For module exit, after forcepoll_hook_remove(). The first returns when no task is
 * inside a replacement, which takes as long as its I/O; the second, when nothing is
 * in flight either, when nothing executes the module's text, or will return to it.
 */
void forcepoll_hook_drain(void);
void forcepoll_hook_leave_text(void);

/* The kernel's submit_bio(), not the replacement. May sleep. */
void forcepoll_hook_submit(struct bio *bio);

#endif
