/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LATENCY_READ_H
#define LATENCY_READ_H

struct latency_bpf;
struct latency_report;

/* The cells, summed over the CPUs, to be freed, and what was lost. 0 or -errno. */
int latency_read(const struct latency_bpf *bpf, struct latency_report *r);

#endif
