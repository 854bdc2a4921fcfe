/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_TARGETS_H
#define DM_TARGETS_H

#include <stddef.h>

/*
 * The types of the targets in the table of a dm device, each one once: linear, or
 * linear+striped. "" where that cannot be seen: not root, no dm, no table.
 */
void dm_targets(unsigned int major, unsigned int minor, char *buf, size_t size);

#endif
