/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STACKS_H
#define STACKS_H

#include <stdbool.h>
#include <stdio.h>

#include "causes.h"
#include "usyms.h"

struct json;
struct ksyms;
struct switches;
struct switches_sum;

/* Where the causes came from: the stacks, with symbols. */
struct stacks {
	const struct switches *switches;
	const struct ksyms *ksyms;
	bool user;
	struct usyms usyms;
	struct stack_count *counts; /* most frequent first */
	size_t n;
	double learnt; /* when it was last looked for new processes */
};

void stacks_open(struct stacks *s, const struct switches *switches,
		 const struct ksyms *ksyms, bool user);
void stacks_close(struct stacks *s);

/* To be called now and then: symbols of processes that are still there. */
void stacks_learn(struct stacks *s);

/* All that was counted, into counts. 0 or -errno, said. */
int stacks_read(struct stacks *s);

/* For each cause in @sum its @most most frequent stacks. */
void stacks_table(const struct stacks *s, const struct switches_sum *sum,
		  unsigned int most);
void stacks_json(const struct stacks *s, struct json *j,
		 const struct switches_sum *sum, unsigned int most);

/* All of them: a line each, outermost frame first, then the count. */
void stacks_fold(const struct stacks *s, FILE *out);

#endif
