// SPDX-License-Identifier: GPL-2.0
/*
 * Small objects. Some are kept per CPU: with what kernels are hardened by, a
 * kmem_cache costs several times what this does.
 */
#include <linux/irqflags.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "stash.h"

#define STASH_MAX 64
static DEFINE_PER_CPU(
	struct stash {
		struct llist_node *first; /* in the object itself */
		unsigned int nr;
	},
	stash);
static struct kmem_cache *cache;

void *forcepoll_stash_get(void)
{
	struct llist_node *node;
	unsigned long flags;
	struct stash *s;

	local_irq_save(flags);
	s = this_cpu_ptr(&stash);
	node = s->first;
	if (node) {
		s->first = node->next;
		s->nr--;
	}
	local_irq_restore(flags);
	return node ?: kmem_cache_alloc(cache, GFP_NOWAIT | __GFP_NOWARN);
}

void forcepoll_stash_put(void *object)
{
	struct llist_node *node = object;
	unsigned long flags;
	struct stash *s;
	bool kept;

	local_irq_save(flags);
	s = this_cpu_ptr(&stash);
	kept = s->nr < STASH_MAX;
	if (kept) {
		node->next = s->first;
		s->first = node;
		s->nr++;
	}
	local_irq_restore(flags);
	if (!kept)
		kmem_cache_free(cache, object);
}

int __init forcepoll_stash_init(void)
{
	cache = kmem_cache_create("forcepoll", FORCEPOLL_STASH_SIZE, 0,
				  SLAB_HWCACHE_ALIGN, NULL);
	return cache ? 0 : -ENOMEM;
}

void forcepoll_stash_uninit(void)
{
	struct llist_node *node, *next;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (node = per_cpu(stash, cpu).first; node; node = next) {
			next = node->next;
			kmem_cache_free(cache, node);
		}
	}
	kmem_cache_destroy(cache);
}
