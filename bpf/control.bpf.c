// SPDX-License-Identifier: GPL-2.0
/*
 * What the loader tells forcepoll.ko, and asks of it: one program a kfunc. They
 * are loaded for as long as a command of the loader takes, and hold the module
 * meanwhile. The loader loads only those whose kfunc the module has.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "forcepoll.h"
#include "map_targets.h"
#include "forcepoll_kfunc.h"

char LICENSE[] SEC("license") = "GPL";

/* Replaced by the loader with the pinned one; same layout as in targets.bpf.c. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_DEVICES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct forcepoll_stats stats;
struct forcepoll_classes classes;

SEC("syscall")
int control_bind(void *ctx)
{
	return forcepoll_bind((struct bpf_map *)&targets,
			      (struct bpf_map *)&devices);
}

struct forcepoll_fds {
	int targets;
	int devices;
};

SEC("syscall")
int control_bind_fd(struct forcepoll_fds *fds)
{
	return forcepoll_bind_fd(fds->targets, fds->devices);
}

SEC("syscall")
int control_release(void *ctx)
{
	return forcepoll_release();
}

SEC("syscall")
int control_stats(void *ctx)
{
	return forcepoll_stats_read(&stats);
}

SEC("syscall")
int control_classes(void *ctx)
{
	return forcepoll_classes_read(&classes, sizeof(classes));
}
