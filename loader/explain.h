/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

struct explain_bpf;
struct ring_buffer;

/* --explain: a line on stderr for each change of mind of the module's judge. */
struct explain {
	struct explain_bpf *bpf;
	struct ring_buffer *news;
	unsigned long long unread; /* left out, as nobody reads stderr */
};

/* The module is loaded. 0, or -errno, said. Holds the module until it is closed. */
int explain_open(struct explain *e);
void explain_close(struct explain *e);

/* Readable when there is something; -1: not open. */
int explain_fd(const struct explain *e);
void explain_heard(struct explain *e);

#endif
