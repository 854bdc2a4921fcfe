/* SPDX-License-Identifier: GPL-2.0 */
#ifndef POLICY_H
#define POLICY_H

struct pins;

/*
 * A BPF object whose programs decide how the module waits: see bpf/forcepoll.h. All
 * return 0 or -errno, said.
 */

/* Is @file one, and does this kernel have such? Loads nothing. */
int policy_check(const char *file);

/*
 * Into the module, which is loaded, in place of the one that an earlier run has pinned.
 * This process keeps nothing open: it lives as long as its pin.
 */
int policy_load(const struct pins *pins, const char *file);

#endif
