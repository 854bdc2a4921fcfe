/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STEPS_H
#define STEPS_H

/*
 * Called after each change that a loader makes outside of itself, when it starts and
 * when it stops: so that tests can look at what is left of one that was killed there.
 * With FORCEPOLL_STEPS=list in the environment it says "step: NAME" on stderr; with
 * FORCEPOLL_DIE_AT=NAME it kills itself there, with NAME:N at the Nth of that name.
 * Where nobody sees the change but this process, there is no step.
 */
void step(const char *name);

#endif
