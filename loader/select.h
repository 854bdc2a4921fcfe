/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SELECT_H
#define SELECT_H

#include <stdbool.h>

#include "forcepoll.h"

struct bpf_map;
struct device;
struct options;
struct target_entry;
struct targets_bpf;

/* An entry of a map before it was written to. */
struct entry_before {
	int map;
	bool was;
	unsigned char key[16];
	struct forcepoll_target value; /* or that of a device, which is shorter */
};

/* A process; its tgid alone may be another's by now. */
struct process_id {
	__u32 tgid; /* in the initial namespace */
	__u64 start; /* ns, of CLOCK_MONOTONIC */
};

/* What the words on the command line stand for. */
struct selection {
	__u64 *cgroups; /* ids */
	int *exes; /* open files */
	struct device *all; /* that there are */
	const struct device **devices; /* where to poll */
	int nr_all, nr_devices;
	char (*chosen)[32]; /* names of disks, as device.h has them */
	int nr_chosen;
	struct process_id *pids; /* by select_pids() */
	struct forcepoll_target target; /* what all of them get */
	struct entry_before *before; /* of what has been written, in this order */
	size_t nr_before;
	struct target_entry *kept; /* by select_keep(), in the order of tgids */
	__u32 nr_kept;
};

/*
 * Check every word against the machine as it is, and say the first that is
 * wrong. Changes nothing. The devices are a step of their own, select_devices().
 * PIDs need the BPF object: see select_pids().
 */
int select_check(struct selection *s, const struct options *o);
void select_free(struct selection *s, const struct options *o);

/* Which processes the PIDs are, in the numbers of the initial namespace. */
int select_pids(struct selection *s, const struct options *o,
		struct targets_bpf *bpf);

/* What the programs must know before they are loaded. */
void select_configure(const struct options *o, struct targets_bpf *bpf);

/* What is chosen by a rule, into cgroups, comms, exes and devices. */
int select_rules(struct selection *s, const struct options *o,
		 struct targets_bpf *bpf);

/* Who is chosen now: run the seed, add PIDs. After the programs are attached. */
int select_seed(struct selection *s, const struct options *o,
		struct targets_bpf *bpf);

/* Before these two: all targets of a run that may have to go on as it was. */
int select_keep(struct selection *s, struct targets_bpf *bpf);

/* What these two have written, and made others write, is as it was. */
void select_undo(struct selection *s, struct targets_bpf *bpf);

/*
 * Cgroups that were removed and made again, as those of a service that is restarted.
 * Says what it finds, and what goes wrong.
 */
void select_cgroups_again(struct selection *s, const struct options *o,
			  struct targets_bpf *bpf);

/*
 * From now on all targets are only observed, or polled. One that was being added at
 * that moment may be left out: to be called again when that is over.
 */
int select_observe(struct targets_bpf *bpf, bool observe);

/* Was there an entry before the loader wrote its own? */
bool select_had(const struct selection *s, const struct bpf_map *map,
		const void *key);

#endif
