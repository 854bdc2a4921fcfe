/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DISKS_H
#define DISKS_H

struct disks_bpf;
struct ring_buffer;

/* Hears of disks that come or go, or are made of others than before. */
struct disks {
	struct disks_bpf *bpf;
	struct ring_buffer *news;
};

/* 0 or -errno, said. Call disks_close() in both cases. */
int disks_open(struct disks *d);
void disks_close(struct disks *d);

/* Readable when something has changed, until disks_heard(); -1 when not open. */
int disks_fd(const struct disks *d);
void disks_heard(struct disks *d);

#endif
