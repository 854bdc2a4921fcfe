/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHARES_H
#define SHARES_H

#include <linux/types.h>
#include <stddef.h>

struct shares_bpf;

/* Poll time by process, as it goes on: see --per-target. */
struct shares {
	struct shares_bpf *bpf;
	struct process_share *before; /* by tgid */
	size_t nr_before;
};

/* The module must be loaded, and stays so until it is closed. 0, or -errno, said. */
int shares_open(struct shares *s, __u64 irq_ns);
void shares_close(struct shares *s);

/* Lines, or a JSON member, of the time since the last call, @sec ago. */
int shares_print(struct shares *s, __u64 irq_ns, double sec, int json);

#endif
