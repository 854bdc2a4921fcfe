/* SPDX-License-Identifier: GPL-2.0 */
#ifndef USYMS_H
#define USYMS_H

#include <linux/types.h>
#include <stddef.h>

/*
 * Symbols of processes: what they have mapped, as it was when they were looked
 * at, and the function symbols of these files.
 */
struct usyms {
	struct uprocess *processes;
	size_t nr_processes;
	struct ufile *files;
	size_t nr_files;
};

/* Looks at a process that is not known yet, while it is there to look at. */
void usyms_learn(struct usyms *u, __u32 tgid);

/* "name (file)", "[file]" or "[unknown]", into @buf; returns it. */
const char *usyms_name(const struct usyms *u, __u32 tgid, __u64 address,
		       char *buf, size_t size);

void usyms_free(struct usyms *u);

#endif
