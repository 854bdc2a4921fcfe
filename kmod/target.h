/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_TARGET_H
#define FORCEPOLL_TARGET_H

#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>

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

/* Key and value: read with preemption off, so that they go together. */
struct forcepoll_hit {
	u64 key;
	u64 value; /* struct forcepoll_target */
};
DECLARE_PER_CPU(struct forcepoll_hit[FORCEPOLL_SLOTS], forcepoll_hits);

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

/* What is remembered in neither. */
bool forcepoll_target_find(u64 key, struct forcepoll_target *target);

/*
 * Is the current process a target? @key: forcepoll_target_key(), taken before.
 */
static __always_inline bool
forcepoll_target_lookup(u64 key, struct forcepoll_target *target)
{
	struct forcepoll_hit hit;

	BUILD_BUG_ON(sizeof(*target) != sizeof(hit.value));

	preempt_disable();
	hit = *this_cpu_ptr(&forcepoll_hits[(key >> 32) % FORCEPOLL_SLOTS]);
	preempt_enable();
	if (hit.key != key)
		return forcepoll_target_find(key, target);
	memcpy(target, &hit.value, sizeof(hit.value));
	return true;
}

static __always_inline bool forcepoll_target_is(u64 key)
{
	struct forcepoll_target target;

	return this_cpu_read(
		       forcepoll_hits[(key >> 32) % FORCEPOLL_SLOTS].key) ==
		       key ||
	       forcepoll_target_find(key, &target);
}

/* Is the disk with this dev one of the chosen ones? */
bool forcepoll_target_device(u32 dev);

/*
 * Publish the maps and take references; -EINVAL for a wrong type or size, 0 when
 * these are bound already, -EBUSY when others are. Serialised by the caller.
 */
int forcepoll_target_bind(struct bpf_map *targets, struct bpf_map *devices);

/* Unpublish, wait for readers, drop the references. -ENOENT: nothing bound. */
int forcepoll_target_unbind(void);

bool forcepoll_target_bound(void);

/* Bound to a map that nobody else has: its targets are never written again. */
bool forcepoll_target_abandoned(void);

/* Fills in bound and the map ids. */
void forcepoll_target_describe(struct forcepoll_stats *stats);

#endif
