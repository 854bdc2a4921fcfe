/* SPDX-License-Identifier: GPL-2.0 */
#ifndef USYMS_H
#define USYMS_H

#include <linux/types.h>
#include <stddef.h>

/*
 * Symbols of processes: what they have mapped, whenever they were looked at, and the
 * function symbols of these files. Of two that were mapped at one address, one after
 * the other, the later names all. What does not fit into 512 MiB has no names.
 */
struct usyms {
	struct uprocess *processes;
	size_t nr_processes;
	struct ufile *files;
	size_t nr_files;
	unsigned long long used; /* bytes, of a limited room */
};

/*
 * Looks at a process, while it is there to look at: one that is not known, or runs
 * another program than before, or was last looked at a second before @time (seconds, of
 * any clock).
 */
void usyms_learn(struct usyms *u, __u32 tgid, double time);

/* "name (file)", "[file]" or "[unknown]", into @buf, printable; returns it. */
const char *usyms_name(const struct usyms *u, __u32 tgid, __u64 address,
		       char *buf, size_t size);

void usyms_free(struct usyms *u);

#endif
