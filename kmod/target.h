/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_TARGET_H
#define FORCEPOLL_TARGET_H

#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "forcepoll.h"

struct bpf_map;
struct forcepoll_stats;

/*
 * What the map says of a process is remembered for the rest of the jiffy: the
 * map's own lookup costs some 170 instructions, too many for every bio of
 * everybody else. Whoever writes the map, and however, is heard at the next tick
 * of the clock, 4 ms at HZ=250. The key names both, process and time, so that
 * nothing has to be invalidated.
 */
#define FORCEPOLL_SLOTS 64
DECLARE_PER_CPU(u64[FORCEPOLL_SLOTS], forcepoll_misses);

static __always_inline u64 forcepoll_target_key(void)
{
	return (u64)(u32)current->tgid << 32 | (u32)jiffies;
}

/* For certain not a target. One load and one compare. */
static __always_inline bool forcepoll_target_missed(u64 key)
{
	/* Preemptible: any CPU's answer is right, the key names its time. */
	return this_cpu_read(forcepoll_misses[(key >> 32) % FORCEPOLL_SLOTS]) ==
	       key;
}

/*
 * Is the current process a target? @key: forcepoll_target_key(), taken before.
 */
bool forcepoll_target_lookup(u64 key, struct forcepoll_target *target);

/* Is the disk with this dev one of the chosen ones? */
bool forcepoll_target_device(u32 dev);

/*
 * Publish the maps and take references; -EINVAL for a wrong type or size, 0 when
 * these are bound already, -EBUSY when others are. Serialised by the caller.
 */
int forcepoll_target_bind(struct bpf_map *targets, struct bpf_map *devices);

/* Unpublish, wait for readers, drop the references. -ENOENT: nothing bound. */
int forcepoll_target_unbind(void);

/* Fills in bound and the map ids. */
void forcepoll_target_describe(struct forcepoll_stats *stats);

#endif
