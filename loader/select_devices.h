/* SPDX-License-Identifier: GPL-2.0 */
/* Where to poll: the part of select.h that is about --device. */
#ifndef SELECT_DEVICES_H
#define SELECT_DEVICES_H

struct options;
struct selection;
struct targets_bpf;

/*
 * Check the words against the devices that there are, and say the first that is
 * wrong. A step of its own: who only watches needs none that can poll.
 */
int select_devices(struct selection *s, const struct options *o);
void select_free_devices(struct selection *s);

/* All that were found into the map. */
int select_put_devices(const struct selection *s, struct targets_bpf *bpf);

/*
 * Look again what the chosen disks are made of, and have the map say so. They are the
 * disks that have the names that were theirs at the start; one may be gone for a time.
 */
int select_devices_again(struct selection *s, struct targets_bpf *bpf);

#endif
