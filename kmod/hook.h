/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_HOOK_H
#define FORCEPOLL_HOOK_H

#include <linux/types.h>

struct bio;

/* -EINVAL: this kernel does not let one of the functions be replaced. */
int forcepoll_hook_init(void);
void forcepoll_hook_uninit(void);

/* -EBUSY: somebody else replaces one of the functions, or ftrace is off. */
int forcepoll_hook_install(void);
int forcepoll_hook_remove(void);

/* Tasks between the first and the last instruction of a replacement. */
u64 forcepoll_hook_inflight(void);

/*
 * For module exit, after forcepoll_hook_remove(): returns when no task executes,
 * or will return to, the module's text. Waits for as long as I/O takes.
 */
void forcepoll_hook_drain(void);

/* The kernel's submit_bio(), not the replacement. May sleep. */
void forcepoll_hook_submit(struct bio *bio);

#endif
