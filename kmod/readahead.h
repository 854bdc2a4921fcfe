/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_READAHEAD_H
#define FORCEPOLL_READAHEAD_H

#include <linux/list.h>

struct bio;
struct task_struct;

/* On the stack of the task that reads ahead, while it does. */
struct forcepoll_readahead {
	struct hlist_node node;
	const struct task_struct *task;
	bool sync;
};

void forcepoll_readahead_begin(struct forcepoll_readahead *mark, bool sync);
void forcepoll_readahead_end(struct forcepoll_readahead *mark);

/* Is the current task reading ahead, whatever it reads for that? */
bool forcepoll_readahead_within(void);

/*
 * Will the current task wait for just this REQ_RAHEAD bio? @fault: it is in a
 * page fault, not in a system call.
 */
bool forcepoll_readahead_awaited(const struct bio *bio, bool fault);

#endif
