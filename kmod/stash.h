/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_STASH_H
#define FORCEPOLL_STASH_H

/* What a bio carries along, of either kind, in FORCEPOLL_STASH_SIZE bytes. */
#define FORCEPOLL_STASH_SIZE 128

/* Any context. NULL: no memory, which is never waited for. */
void *forcepoll_stash_get(void);
void forcepoll_stash_put(void *object);

int forcepoll_stash_init(void);
void forcepoll_stash_uninit(void);

#endif
