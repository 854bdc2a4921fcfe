// SPDX-License-Identifier: GPL-2.0
/* "Is current a target?": the only reader of the maps that BPF fills. */
#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "target.h"

struct binding {
	struct bpf_map *targets;
	struct bpf_map *devices;
};

static struct binding __rcu *bound;

/* Needs no tool, no map and no loader: heard at the next tick, as the map is. */
static bool enabled = true;
module_param(enabled, bool, 0644);
MODULE_PARM_DESC(enabled, "N: poll for nobody, whatever the map says");

DEFINE_PER_CPU(u64[FORCEPOLL_SLOTS], forcepoll_misses);

DEFINE_PER_CPU(struct forcepoll_hit[FORCEPOLL_SLOTS], forcepoll_hits);

static void *lookup(struct bpf_map *map, u32 key)
{
	return map->ops->map_lookup_elem(map, &key);
}

static bool lookup_maps(u32 tgid, u64 *value)
{
	struct binding *b;
	u64 *found = NULL;

	if (!READ_ONCE(enabled))
		return false;
	rcu_read_lock();
	b = rcu_dereference(bound);
	if (b) {
		found = lookup(b->targets, tgid);
		if (!found)
			found = lookup(b->targets, 0); /* every process */
	}
	/*
	 * R24: one aligned load. A hash element may be reused for another key
	 * while it is read: then that key's limit is this process's until the
	 * next tick, which harms nothing; the value stands alone.
	 */
	if (found)
		*value = READ_ONCE(*found);
	rcu_read_unlock();
	return found;
}

bool forcepoll_target_find(u64 key, struct forcepoll_target *target)
{
	unsigned int slot = (key >> 32) % FORCEPOLL_SLOTS;
	struct forcepoll_hit hit = { .key = key };

	if (!lookup_maps(key >> 32, &hit.value)) {
		this_cpu_write(forcepoll_misses[slot], key);
		return false;
	}
	get_cpu_var(forcepoll_hits)[slot] = hit;
	put_cpu_var(forcepoll_hits);
	memcpy(target, &hit.value, sizeof(hit.value));
	return true;
}

bool forcepoll_target_device(u32 dev)
{
	struct binding *b;
	u32 *value = NULL;

	rcu_read_lock();
	b = rcu_dereference(bound);
	if (b)
		value = lookup(b->devices, dev);
	rcu_read_unlock();
	return value;
}

/* A hash and nothing else: an LRU writes on lookup, per-CPU values are pointers. */
static bool usable(const struct bpf_map *map, u32 value_size)
{
	return map->map_type == BPF_MAP_TYPE_HASH && !map->inner_map_meta &&
	       map->key_size == sizeof(u32) && map->value_size == value_size;
}

int forcepoll_target_bind(struct bpf_map *targets, struct bpf_map *devices)
{
	struct binding *b = rcu_dereference_protected(bound, true);

	if (b)
		return b->targets == targets && b->devices == devices ? 0 :
									-EBUSY;
	if (!usable(targets, sizeof(struct forcepoll_target)) ||
	    !usable(devices, sizeof(u32)))
		return -EINVAL;

	b = kmalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	/* A map within a map may be on its way out: the program keeps it by RCU only. */
	if (IS_ERR(bpf_map_inc_not_zero(targets))) {
		kfree(b);
		return -ENOENT;
	}
	if (IS_ERR(bpf_map_inc_not_zero(devices))) {
		bpf_map_put(targets);
		kfree(b);
		return -ENOENT;
	}
	b->targets = targets;
	b->devices = devices;
	rcu_assign_pointer(bound, b);
	return 0;
}

int forcepoll_target_unbind(void)
{
	struct binding *b = rcu_dereference_protected(bound, true);

	if (!b)
		return -ENOENT;
	RCU_INIT_POINTER(bound, NULL);
	synchronize_rcu();
	bpf_map_put(b->devices);
	bpf_map_put(b->targets);
	kfree(b);
	return 0;
}

bool forcepoll_target_bound(void)
{
	return rcu_access_pointer(bound);
}

/*
 * Programs in the kernel, pins and open files count, as bind() did. What is left with
 * one reference no one else can come by: who has none cannot look the map up but by its
 * id, which takes another one.
 */
bool forcepoll_target_abandoned(void)
{
	struct binding *b = rcu_dereference_protected(bound, true);

	return b && atomic64_read(&b->targets->refcnt) == 1;
}

void forcepoll_target_describe(struct forcepoll_stats *stats)
{
	struct binding *b;

	rcu_read_lock();
	b = rcu_dereference(bound);
	if (b) {
		stats->bound = 1;
		stats->targets_id = b->targets->id;
		stats->devices_id = b->devices->id;
	}
	rcu_read_unlock();
}
