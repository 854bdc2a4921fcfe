/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which devices stand on which, and who of them passes bios on in the task that
 * submitted them: only these can the module poll, at the devices below. Drivers
 * that hand them to workers or threads leave nothing to poll for that task.
 */
#ifndef STACK_H
#define STACK_H

struct device;

/* Fills in what devices of the list have below, passes_on, and why. -errno. */
int stack_read(struct device *all, int n);

/* How many of those right below can be polled. */
int stack_pollable_below(const struct device *d);

#endif
