/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STATUS_H
#define STATUS_H

#include "control.h"
#include "forcepoll.h"
#include "shares.h"

struct options;

/* The status command. 0 or -errno, said. */
int status(const struct options *options);

/* A line of counters an interval, see --interval. */
struct status_lines {
	const struct options *options;
	struct control control;
	struct forcepoll_stats before;
	struct shares shares; /* with --per-target */
	double time;
	unsigned int printed;
};

int status_lines_open(struct status_lines *lines, const struct options *o);
int status_lines_print(struct status_lines *lines); /* -EPIPE: no reader */
void status_lines_close(struct status_lines *lines);

#endif
