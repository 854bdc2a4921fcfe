/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KSYMS_H
#define KSYMS_H

#include <linux/types.h>
#include <stddef.h>

/* The kernel's symbols, by address. */
struct ksyms {
	struct ksym {
		__u64 address;
		char *name; /* in text */
	} * sym;
	size_t n;
	char *text;
};

/* 0 or -errno, said. */
int ksyms_read(struct ksyms *k);
void ksyms_free(struct ksyms *k);

/* Whose text @address is in, or NULL. */
const struct ksym *ksyms_find(const struct ksyms *k, __u64 address);

/* From where to where; 0 and 0 when there is no such symbol. */
void ksyms_range(const struct ksyms *k, const char *name, __u64 *start,
		 __u64 *end);

#endif
