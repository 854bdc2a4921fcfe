/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_KFUNC_INTERNAL_H
#define FORCEPOLL_KFUNC_INTERNAL_H

/* Make the kfuncs of forcepoll_kfunc.h known to the verifier. */
int forcepoll_kfunc_init(void);

void forcepoll_kfunc_uninit(void);

#endif
