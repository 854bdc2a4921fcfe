/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AB_VERDICT_H
#define AB_VERDICT_H

struct ab_result;

/* Fills in the verdict and its sentence, from all else. */
void ab_verdict(struct ab_result *r);

#endif
