/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_WHOSE_H
#define FORCEPOLL_WHOSE_H

#include <linux/cgroup.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "forcepoll.h"

/*
 * As whose is current, a target, judged? As its cgroup, if that is why it
 * is one: the processes of a database, which come and go. Else for itself.
 */
static inline u64 forcepoll_whose(const struct forcepoll_target *target)
{
	u64 id;

	if (!(target->flags & FORCEPOLL_TARGET_CGROUP))
		return current->tgid;
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	return id;
}

/* As the cgroup that was chosen: those below it share its limit. */
static inline u64 forcepoll_whose_choice(const struct forcepoll_target *target)
{
	int level = target->flags >> FORCEPOLL_TARGET_LEVEL_SHIFT;
	struct cgroup *cgrp;
	u64 id;

	if (!(target->flags & FORCEPOLL_TARGET_CGROUP))
		return current->tgid;
	rcu_read_lock();
	cgrp = task_dfl_cgroup(current);
	cgrp = cgroup_ancestor(cgrp, level) ?: cgrp; /* moved, just now */
	id = cgroup_id(cgrp);
	rcu_read_unlock();
	return id;
}

#endif
