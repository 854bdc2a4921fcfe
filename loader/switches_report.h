/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SWITCHES_REPORT_H
#define SWITCHES_REPORT_H

#include <stdbool.h>

struct json;
struct switches;
struct switches_sum;

/* What was counted in so many seconds: a table, or members of an object. */
void switches_table(const struct switches *s, const struct switches_sum *sum,
		    double seconds);
void switches_json(struct json *j, const struct switches *s,
		   const struct switches_sum *sum, double seconds);

/* Rates by kind in one line, for people or as an object. */
void switches_line(const struct switches_sum *sum, double seconds, bool json);

/* By what it was counted, and what this kernel does not show. */
void switches_sources(const struct switches *s);

#endif
