/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AB_WINDOW_H
#define AB_WINDOW_H

#include <stdbool.h>

#include "ab_cells.h"
#include "forcepoll.h"

#include "control.h"

struct ab_bpf;
struct words;

/* What was seen in one window, or in several together. */
struct ab_window {
	double seconds;
	double machine_s, cgroups_s; /* CPU time; NAN: not known */
	__u64 count[FORCEPOLL_NR_COUNTS]; /* of the module */
	struct ab_cell cell[AB_NR_KINDS];
};

/* @sum with @w added. */
void ab_window_add(struct ab_window *sum, const struct ab_window *w);

/* What windows are measured with: the programs attached, the module's counters. */
struct ab_probe {
	struct ab_bpf *bpf;
	struct control control;
	const struct words *cgroups;
	struct ab_cell *percpu; /* room to read one into */
	struct ab_cell cell[AB_NR_CELLS]; /* all so far */
	struct ab_window begun;
};

/* All return 0 or -errno, said. @targets: descriptor of the map. */
int ab_probe_open(struct ab_probe *p, int targets, const struct words *cgroups);
void ab_probe_close(struct ab_probe *p);

int ab_window_begin(struct ab_probe *p, enum ab_arm arm);
int ab_window_end(struct ab_probe *p, enum ab_arm arm, struct ab_window *w);

/* Events that found no room, and those that the kernel left out. */
__u64 ab_probe_lost(const struct ab_probe *p);

#endif
