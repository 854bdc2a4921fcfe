/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TRACK_H
#define TRACK_H

#include "select.h"

struct options;

/*
 * The tracking programs for a command that only watches: a map of targets of its
 * own, filled by the same rules as forcepoll's, pinned nowhere, gone with it.
 */
struct track {
	const struct options *options;
	struct selection selection;
	struct targets_bpf *bpf;
};

/* 0 or -errno, said. Call track_close() in both cases. */
int track_check(struct track *t, const struct options *o); /* the words only */
int track_open(struct track *t); /* attached, filled */
void track_again(struct track *t); /* cgroups that were made again */
int track_targets(const struct track *t); /* descriptor of the map */
void track_close(struct track *t);

#endif
