// SPDX-License-Identifier: GPL-2.0
/*
 * bindings N: N times, binds maps of its own to the module, as the loader does, with
 * everybody a target; waits until something was polled, and releases them.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../bpf/forcepoll.h"
#include "../../loader/control.h"

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static __u64 polled(struct control *c)
{
	struct forcepoll_stats stats;

	return control_stats(c, &stats) ? 0 :
					  stats.count[FORCEPOLL_COUNT_polled];
}

static int is_bound(struct control *c, __u64 wanted)
{
	struct forcepoll_stats stats;

	return !control_stats(c, &stats) && stats.bound == wanted;
}

/* 20 seconds, where nobody polls. */
static int wait_for_more(struct control *c, __u64 than)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < 20000; i++) {
		if (polled(c) > than)
			return 0;
		nanosleep(&pause, NULL);
	}
	fputs("nothing is polled\n", stderr);
	return 1;
}

static int cycle(struct control *c)
{
	__u64 before = polled(c);

	if (control_bind(c) || !is_bound(c, 1) || wait_for_more(c, before))
		return 1;
	return control_release(c) || !is_bound(c, 0);
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_map_create_opts, lazy, .map_flags = BPF_F_NO_PREALLOC);
	int n = argc == 2 ? atoi(argv[1]) : 0, i = 0, targets, devices, err;
	struct forcepoll_target target = {};
	__u32 everybody = 0;
	struct control control;

	if (n < 1)
		return 2;
	targets = bpf_map_create(BPF_MAP_TYPE_HASH, "targets", sizeof(__u32),
				 sizeof(target), FORCEPOLL_MAX_TARGETS, NULL);
	devices = bpf_map_create(BPF_MAP_TYPE_HASH, "devices", sizeof(__u32),
				 sizeof(__u32), FORCEPOLL_MAX_DEVICES, &lazy);
	if (targets < 0 || devices < 0)
		return failed("map");
	if (bpf_map_update_elem(targets, &everybody, &target, BPF_ANY))
		return failed("map targets");
	if (control_open(&control, targets, devices))
		return 1;
	do
		err = cycle(&control);
	while (!err && ++i < n);
	control_close(&control);
	if (err)
		fprintf(stderr, "failed after %d times\n", i);
	return err;
}
