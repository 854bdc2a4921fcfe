/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONTROL_H
#define CONTROL_H

struct forcepoll_classes;
struct forcepoll_stats;
struct control_bpf;

/*
 * Calls into forcepoll.ko, through BPF programs that call its kfuncs. Holds the
 * module while open. All return 0 or -errno, and say what failed.
 */
struct control {
	struct control_bpf *bpf;
};

/* With the two maps to bind, or -1, -1 for the other calls only. */
int control_open(struct control *c, int targets_fd, int devices_fd);
/* The latter, but says nothing; control_refused() does, and returns @err. */
int control_try(struct control *c);
int control_refused(int err);
void control_close(struct control *c);

int control_bind(struct control *c);
int control_release(struct control *c);
/* -EPROTO: of a module of another version; the second takes that as well. */
int control_stats(struct control *c, struct forcepoll_stats *stats);
int control_stats_of_any(struct control *c, struct forcepoll_stats *stats);
int control_classes(struct control *c, struct forcepoll_classes *classes);

#endif
