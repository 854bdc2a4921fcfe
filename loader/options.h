/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "forcepoll.h"

/* An option that may be given more than once. */
struct words {
	const char **word;
	size_t n;
};

/* What the command line says. */
struct options {
	enum { CMD_RUN, CMD_STATUS, CMD_STOP, CMD_DOCTOR } command;
	struct words cgroups, pids, comms, exes, devices;
	bool all, follow, observe, background, json, dry_run;
	bool count_switches, per_target;
	bool explain;
	__u32 max_bytes;
	const char *mode; /* auto, hybrid or poll */
	__u32 max_poll_cpu, max_poll_cpu_total; /* percent; 0: any */
	double interval; /* seconds; 0: none */
	const char *pin_dir;
	const char *policy; /* file, or NULL */
	const char *module; /* file, or NULL: modprobe */
};

#endif
