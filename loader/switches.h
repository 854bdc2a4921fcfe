/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWITCHES_H
#define SWITCHES_H

#include <stdbool.h>
#include <stddef.h>

#include "causes.h"

struct bpf_link;
struct ksyms;
struct switches_bpf;

/* The programs of switches.bpf.c, attached. */
struct switches {
	struct switches_bpf *bpf;
	struct bpf_link **links; /* to software events, one for each CPU */
	size_t nr_links;
	char seen[512]; /* the sources that this kernel has */
	char missing[256]; /* what it has no source for; may be empty */
	bool exits; /* all returns are counted as one, too */
};

struct switches_options {
	int targets; /* descriptor of the map that says who, or -1: everybody */
	bool kernel_stacks, user_stacks;
	const char *pin_dir; /* where to pin the counters, or NULL */
	bool software; /* software events instead of tracepoints */
};

/* What was counted since the programs were attached, the CPUs summed. */
struct switches_sum {
	struct {
		__u32 cause;
		__u64 count;
	} * causes; /* most frequent first */
	size_t n;
	__u64 beside[FORCEPOLL_NR_BESIDES];
};

/* 0 or -errno, said. Call switches_close() in both cases. */
int switches_open(struct switches *s, const struct switches_options *o,
		  const struct ksyms *ksyms);
void switches_close(struct switches *s);

/* Counts no more, from this moment on. */
void switches_stop(struct switches *s);

/* 0 or -errno, said. @sum is the caller's to free, by switches_free(). */
int switches_read(const struct switches *s, struct switches_sum *sum);
int switches_copy(struct switches_sum *to, const struct switches_sum *from);
void switches_free(struct switches_sum *sum);

/* @sum less what @before had. */
void switches_since(struct switches_sum *sum,
		    const struct switches_sum *before);

/* All causes, those that are counted twice once. */
__u64 switches_total(const struct switches_sum *sum);

/* Of which kind, and which one of these. */
enum forcepoll_kind switches_kind(__u32 cause, __u32 *id);

/* What a cause is called: "page fault", and "write". */
const char *switches_title(__u32 cause);
const char *switches_name(__u32 cause, char *buf, size_t size);

#endif
