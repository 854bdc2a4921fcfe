/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CPU_TIME_H
#define CPU_TIME_H

struct words;

/* Seconds of CPU time so far, for differences; NAN when it cannot be read. */

/*
 * That no CPU was idle: with interrupts, which are no cgroup's. By the idle time, as
 * the kernel measures that, and only samples what is busy.
 */
double cpu_time_machine(void);

/* Of the cgroups; NAN when there are none. */
double cpu_time_cgroups(const struct words *paths);

#endif
