/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>

#include "forcepoll.h"

struct targets_bpf;

/* The pin directory, held against other loaders while open. */
struct pins {
	const char *dir;
	int lock; /* -1: not held */
	bool found; /* there were pins of an earlier run: it is adopted */
};

/*
 * Check @dir, and say what is wrong with it: not on bpffs, open to others than root,
 * somebody else's pins. Creates nothing. It is the one from now on; whether it is held
 * stays as it is.
 */
int pins_check(struct pins *pins, const char *dir);

/* Create @dir where needed and hold it. -EBUSY, said, when another does. */
int pins_lock(struct pins *pins);
void pins_unlock(struct pins *pins);

/* The one that is held has been removed: what there is by its name is another's. */
bool pins_gone(const struct pins *pins);

/* Another process holds the directory. */
bool pins_held(const struct pins *pins);

/* None does: 0, or -EBUSY, said. */
int pins_free(const struct pins *pins);

/* Have libbpf reuse the maps that are pinned, and pin those that are not. */
int pins_prepare(const struct pins *pins, struct targets_bpf *bpf);

/* Pin the attached links in place of an earlier run's, which then detach. */
int pins_links(const struct pins *pins, struct targets_bpf *bpf);

/* A descriptor of what is pinned by that name, or -errno. Says nothing. */
int pins_map(const struct pins *pins, const char *name);

/* The map of that name is pinned, and has an entry. */
bool pins_filled(const struct pins *pins, const char *name);

/* Pin it, in place of what was, with no moment that has neither. Says nothing. */
int pins_put(const struct pins *pins, const char *name, int fd);

/* The kernel's id of the pinned map of targets; 0 when there is none. */
__u32 pins_targets_id(const struct pins *pins);

/* Counters of mode switches are pinned. */
bool pins_counted(const struct pins *pins);

/* Remove these, or all that forcepoll pins but the state. */
int pins_remove_counters(const struct pins *pins);
int pins_remove(const struct pins *pins);

/* Remove the state, and the directory if it is empty: then it is held no more. */
int pins_rmdir(const struct pins *pins);

/*
 * What a later loader must know, written before the module is loaded: @load, that
 * it will be; @background, that no loader is expected.
 */
int pins_write_state(const struct pins *pins, bool load, bool background);

/* -errno when there is none. */
int pins_state(const struct pins *pins, struct forcepoll_state *state);

#endif
