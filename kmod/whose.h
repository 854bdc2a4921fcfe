/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_WHOSE_H
#define FORCEPOLL_WHOSE_H

#include <linux/cgroup.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "forcepoll.h"

/*
 * Who current, a target, is: its cgroup at @level, if a cgroup is why it is one: the
 * processes of a database, which come and go. Else the process.
 */
static inline u64 forcepoll_whose_at(const struct forcepoll_target *target,
				     int level)
{
	struct cgroup *cgrp;
	u64 id;

	if (!(target->flags & FORCEPOLL_TARGET_CGROUP))
		return current->tgid;
	rcu_read_lock();
	cgrp = task_dfl_cgroup(current);
	id = cgroup_id(cgroup_ancestor(cgrp, level) ?: cgrp);
	rcu_read_unlock();
	return id;
}

/* As whose is it judged? As the cgroup's that it is in, which has no such ancestor. */
static inline u64 forcepoll_whose(const struct forcepoll_target *target)
{
	return forcepoll_whose_at(target, INT_MAX);
}

/* And limited? As the cgroup's that was chosen, unless it was moved just now. */
static inline u64 forcepoll_whose_choice(const struct forcepoll_target *target)
{
	return forcepoll_whose_at(target, target->flags >>
						  FORCEPOLL_TARGET_LEVEL_SHIFT);
}

#endif
