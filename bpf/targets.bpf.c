// SPDX-License-Identifier: GPL-2.0
/*
 * Who is polled: from events to the map "targets".
 *
 *   sched_process_fork --+
 *   sched_process_exec --+
 *   cgroup_attach_task --+--> targets (tgid -> flags, max_bytes) --> forcepoll.ko
 *   cgroup_rmdir ------->|
 *   sched_process_exit --+
 *   iter/task (once) ----+
 *
 * The key is the tgid: a process, with all its threads, those of io_uring
 * included (they are created without sched_process_fork, with the same tgid).
 *
 * Events first, iterator second: whoever is not seen by one is seen by the other.
 * What both see is added twice, which is the same as once. A process that exits
 * while it is added is caught by looking again after the map update: live drops
 * to 0 before sched_process_exit fires, so either the exit program finds the
 * entry, or add() finds live == 0. A tgid is not used again before that event of
 * its last thread, so no entry outlives its process.
 *
 * Task and cgroup pointers are followed directly: the programs' arguments are
 * typed, and a load through a pointer that is gone reads 0. But not from one ancestor
 * to the next: for each step the verifier looks through the types of the whole kernel,
 * which took most of a start.
 *
 * Every path that does nothing counts why, in the map "events".
 *
 * Known weaknesses: of a process's ancestors, and its cgroup's, MAX_DEPTH are looked at.
 * A process that was there before is missed where its leader exits in between that the
 * seed comes by a thread of a lower number, and by the leader. While a run is taken over
 * both runs' programs see an event, and count it twice.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "map_targets.h"

#define ESRCH 3
#define E2BIG 7
#define EBADF 9
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define MAX_DEPTH 4096
#define COMM_LEN 16

char LICENSE[] SEC("license") = "GPL";

/* Given by the loader for the time of its own start. */
const volatile bool have_comms, have_exes;

/* By ab, at any time: who becomes a target now is only observed; see observe_all. */
bool observe;

/*
 * The seed is on its way, by the process of this tgid: a parent that is to be followed may
 * not be found yet, or have what a run before wanted. 0: by nobody, or its loader has died.
 */
__u32 seeding;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_DEVICES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_CGROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct forcepoll_target);
} cgroups SEC(".maps");

struct comm {
	char name[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_NAMES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct comm);
	__type(value, struct forcepoll_target);
} comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_NAMES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct forcepoll_exe);
	__type(value, struct forcepoll_target);
} exes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FORCEPOLL_NR_EVENTS);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct forcepoll_state);
} state SEC(".maps");

static __always_inline void count(enum forcepoll_event event)
{
	__u32 key = event;
	__u64 *n = bpf_map_lookup_elem(&events, &key);

	if (n) /* iterators can be preempted by the other programs */
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct forcepoll_target *target_of(__u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline void del(__u32 tgid)
{
	bpf_map_delete_elem(&targets, &tgid);
}

static __always_inline bool gone(struct task_struct *task)
{
	return task->signal->live.counter == 0;
}

/* -ESRCH: it has exited, and is none. Or what the map says. */
static __always_inline int enter(struct task_struct *task,
				 const struct forcepoll_target *target)
{
	__u32 tgid = task->tgid;
	int err; /* until v6.4 the upper half of a helper's result is not defined */

	err = bpf_map_update_elem(&targets, &tgid, target, BPF_ANY);
	if (err || !gone(task))
		return err;
	del(tgid);
	return -ESRCH;
}

/* Counts @event when the process is a target afterwards. */
static __always_inline bool add(struct task_struct *task,
				const struct forcepoll_target *target,
				enum forcepoll_event event)
{
	struct forcepoll_target value = *target;
	int err;

	if (observe)
		value.flags |= FORCEPOLL_TARGET_OBSERVE;
	err = enter(task, &value);
	if (err == -ESRCH)
		count(FORCEPOLL_EVENT_gone);
	else if (err)
		count(err == -E2BIG ? FORCEPOLL_EVENT_full :
				      FORCEPOLL_EVENT_failed);
	else
		count(event);
	return !err;
}

static __always_inline bool has_flag(struct task_struct *task, __u32 flag)
{
	return task->flags & flag;
}

struct cgroup_walk {
	struct cgroup *at;
	__u64 found; /* its id, or 0 */
};

static long cgroup_step(__u32 i, struct cgroup_walk *walk)
{
	/* Not in the path: CO-RE would relocate walk, too. */
	struct cgroup *cgrp = walk->at;
	__u64 id = BPF_CORE_READ(cgrp, kn, id);

	if (bpf_map_lookup_elem(&cgroups, &id)) {
		walk->found = id;
		return 1;
	}
	walk->at = BPF_CORE_READ(cgrp, self.parent, cgroup);
	return !walk->at;
}

/* What the chosen cgroup at or around @cgrp says, or NULL: none is chosen. */
static __always_inline struct forcepoll_target *
choice_around(struct cgroup *cgrp)
{
	struct cgroup_walk walk = { .at = cgrp };
	struct forcepoll_target *choice;

	bpf_loop(MAX_DEPTH, cgroup_step, &walk, 0);
	if (!walk.found)
		return NULL;
	choice = bpf_map_lookup_elem(&cgroups, &walk.found);
	cgrp = walk.at;
	if (choice) /* Whoever finds it writes the same. */
		choice->flags |= BPF_CORE_READ(cgrp, level)
				 << FORCEPOLL_TARGET_LEVEL_SHIFT;
	return choice;
}

static __always_inline struct forcepoll_target *
cgroup_choice(struct task_struct *task)
{
	return choice_around(task->cgroups->dfl_cgrp);
}

/*
 * add() on the word of a cgroup. The task may have been moved since the word was
 * read, by somebody whose program found no entry to delete yet: look again.
 */
static __always_inline void add_member(struct task_struct *task,
				       const struct forcepoll_target *target,
				       enum forcepoll_event event)
{
	if (add(task, target, event) && !cgroup_choice(task))
		del(task->tgid);
}

/*
 * It is none any more. It may have been moved to where it is one since it was asked, by
 * somebody whose program found it as it was: look again.
 */
static __always_inline void leave(struct task_struct *task)
{
	struct forcepoll_target *choice;

	del(task->tgid);
	choice = cgroup_choice(task);
	if (choice)
		add_member(task, choice, FORCEPOLL_EVENT_cgroup_join);
}

/* What --comm or --exe says of the program that @task runs, or NULL. */
static __always_inline struct forcepoll_target *
name_choice(struct task_struct *task)
{
	struct forcepoll_target *choice = NULL;
	struct forcepoll_exe exe = {};
	struct comm comm = {};
	struct file *file;

	if (have_comms) {
		bpf_probe_read_kernel_str(comm.name, sizeof(comm.name),
					  task->comm);
		choice = bpf_map_lookup_elem(&comms, &comm);
	}
	if (!choice && have_exes) {
		file = task->mm->exe_file;
		exe.ino = file->f_inode->i_ino;
		exe.dev = file->f_inode->i_sb->s_dev;
		exe.generation = file->f_inode->i_generation;
		choice = bpf_map_lookup_elem(&exes, &exe);
	}
	return choice;
}

/* add() on the word of its name, likewise: it may have called exec meanwhile. */
static __always_inline void add_named(struct task_struct *task,
				      const struct forcepoll_target *target,
				      enum forcepoll_event event)
{
	if (add(task, target, event) && !name_choice(task))
		del(task->tgid);
}

static __always_inline bool inherited(__u32 flags)
{
	return flags & FORCEPOLL_TARGET_PID &&
	       !(flags & FORCEPOLL_TARGET_GIVEN);
}

struct parent_walk {
	struct task_struct *at;
	__u32 found; /* tgid of the nearest that is followed, or 0 */
	__u32 given; /* that of the nearest that is not so by inheritance */
};

static long parent_step(__u32 i, struct parent_walk *walk)
{
	struct task_struct *task = walk->at;
	struct forcepoll_target *target;
	__u32 tgid;

	task = BPF_CORE_READ(task, real_parent);
	tgid = BPF_CORE_READ(task, tgid);
	target = target_of(tgid);
	walk->at = task;
	if (tgid && target && target->flags & FORCEPOLL_TARGET_FOLLOW) {
		if (!walk->found)
			walk->found = tgid;
		if (!inherited(target->flags))
			walk->given = tgid;
	}
	return !tgid || walk->given;
}

/*
 * What a followed target among the living ancestors of @task says, or NULL. One that
 * was chosen itself knows better than those between: their entries may be of a run
 * before, until the seed has come by.
 */
static __always_inline struct forcepoll_target *
parent_choice(struct task_struct *task)
{
	struct parent_walk walk = { .at = task };

	bpf_loop(MAX_DEPTH, parent_step, &walk, 0);
	if (walk.given)
		return target_of(walk.given);
	return walk.found ? target_of(walk.found) : NULL;
}

/* add() for a child of one that says @choice: what is the parent's alone is not its own. */
static __always_inline void add_child(struct task_struct *task,
				      const struct forcepoll_target *choice,
				      enum forcepoll_event event)
{
	struct forcepoll_target target = *choice;

	target.flags &= FORCEPOLL_TARGET_FLAGS & ~FORCEPOLL_TARGET_CGROUP;
	add(task, &target, event);
}

static __always_inline bool choose_by_parent(struct task_struct *task,
					     enum forcepoll_event event)
{
	struct forcepoll_target *choice = parent_choice(task);

	if (choice)
		add_child(task, choice, event);
	return choice;
}

static __always_inline bool choose_by_name(struct task_struct *task,
					   enum forcepoll_event event)
{
	struct forcepoll_target *choice = name_choice(task), target;

	if (!choice)
		return false;
	target = *choice;
	add_named(task, &target, event);
	return true;
}

/*
 * What is chosen for a process that has come to be without our seeing it, for what it is
 * now: false, nothing.
 */
static __always_inline bool choose(struct task_struct *task,
				   enum forcepoll_event event,
				   enum forcepoll_event by_name)
{
	struct forcepoll_target *choice, target;

	if (choose_by_parent(task, event))
		return true;
	choice = cgroup_choice(task);
	if (choice) {
		target = *choice;
		add_member(task, &target, event);
		return true;
	}
	return choose_by_name(task, by_name);
}

/* Before the child runs. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct forcepoll_target *choice, *of_parent, target;
	__u32 tgid = child->tgid;

	if (child->pid != tgid) {
		count(FORCEPOLL_EVENT_fork_thread);
		return 0;
	}
	if (has_flag(child, PF_KTHREAD)) {
		count(FORCEPOLL_EVENT_fork_other);
		return 0;
	}
	/* Before its cgroup, whose entry would go when it leaves that. */
	of_parent = target_of(parent->tgid);
	choice = seeding ? parent_choice(child) : NULL;
	if (!choice && of_parent && of_parent->flags & FORCEPOLL_TARGET_FOLLOW)
		choice = of_parent;
	if (choice) {
		add_child(child, choice, FORCEPOLL_EVENT_fork_follow);
		return 0;
	}
	choice = cgroup_choice(child);
	if (choice) {
		target = *choice;
		add_member(child, &target, FORCEPOLL_EVENT_fork_cgroup);
		return 0;
	}
	/* It runs the same program, whatever that calls itself by now. */
	if (of_parent && of_parent->flags & FORCEPOLL_TARGET_NAME)
		choice = of_parent;
	else
		choice = name_choice(child);
	if (choice) {
		target = *choice;
		add(child, &target, FORCEPOLL_EVENT_fork_name);
		return 0;
	}
	count(FORCEPOLL_EVENT_fork_other);
	return 0;
}

/*
 * The tgid stays, whichever thread calls exec: so does the entry, but for one by the
 * name of the program that was.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid)
{
	struct forcepoll_target *now;

	now = target_of(task->tgid);
	if (now && now->flags & FORCEPOLL_TARGET_CGROUP &&
	    !cgroup_choice(task)) {
		del(task->tgid);
		count(FORCEPOLL_EVENT_cgroup_leave);
		now = NULL;
	}
	if (now && !(now->flags & FORCEPOLL_TARGET_NAME)) {
		count(FORCEPOLL_EVENT_exec_keep);
		return 0;
	}
	/*
	 * For what it is now. Of one that was no target: by a thread it may have gone by
	 * the seed, which had passed its leader, or have left the leader's cgroup. It has
	 * the leader's place now.
	 */
	if (choose(task,
		   now ? FORCEPOLL_EVENT_exec_keep : FORCEPOLL_EVENT_seed_add,
		   now ? FORCEPOLL_EVENT_exec_keep : FORCEPOLL_EVENT_exec_name))
		return 0;
	count(now ? FORCEPOLL_EVENT_exec_leave : FORCEPOLL_EVENT_exec_other);
	if (now)
		leave(task);
	return 0;
}

/*
 * Once for every thread, after live was decremented. Two last threads may both
 * read 0 and both delete: the tgid is not free before both are through.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (!gone(task)) {
		count(FORCEPOLL_EVENT_exit_thread);
		return 0;
	}
	if (tgid == seeding)
		seeding = 0;
	if (!bpf_map_delete_elem(&targets, &tgid))
		count(FORCEPOLL_EVENT_exit_target);
	else
		count(FORCEPOLL_EVENT_exit_other);
	return 0;
}

/*
 * Fires after the move, for every hierarchy, v1 included, and only for the
 * leader when a whole process moves. So the event only says "look": what counts
 * is the cgroup2 that the process is in now. A leader that has exited before its
 * threads stays where it was: then the destination is the answer.
 *
 * An entry made by hand, by PID or by name is not the cgroup's to change.
 */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_attach, struct cgroup *dst, const char *path,
	     struct task_struct *task, bool threadgroup)
{
	__u32 tgid = task->tgid;
	struct forcepoll_target *choice, *now, target;
	bool dead_leader = threadgroup && has_flag(task, PF_EXITING);

	if (task->pid != tgid) {
		count(FORCEPOLL_EVENT_cgroup_thread);
		return 0;
	}
	if (has_flag(task, PF_KTHREAD) ||
	    (dead_leader && dst->root->hierarchy_id)) {
		count(FORCEPOLL_EVENT_cgroup_stay);
		return 0;
	}
	choice = dead_leader ? choice_around(dst) : cgroup_choice(task);
	now = target_of(tgid);
	if (now && !(now->flags & FORCEPOLL_TARGET_CGROUP)) {
		count(FORCEPOLL_EVENT_cgroup_stay);
	} else if (choice) {
		/* From one chosen cgroup to another: the new one's limits. */
		target = *choice;
		add(task, &target,
		    now ? FORCEPOLL_EVENT_cgroup_stay :
			  FORCEPOLL_EVENT_cgroup_join);
	} else if (now) {
		del(tgid);
		count(FORCEPOLL_EVENT_cgroup_leave);
		choose_by_name(task, FORCEPOLL_EVENT_exec_name);
	} else {
		count(FORCEPOLL_EVENT_cgroup_stay);
	}
	return 0;
}

/*
 * Its processes left before. An id is not used again, but a slot may be. Each hierarchy
 * of v1 counts its own ids, from 1.
 */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_rmdir, struct cgroup *cgrp, const char *path)
{
	__u64 id = cgrp->kn->id;

	if (!cgrp->root->hierarchy_id && !bpf_map_delete_elem(&cgroups, &id))
		count(FORCEPOLL_EVENT_cgroup_rmdir);
	return 0;
}

/*
 * One from before gets what is wanted now, by the same rule, or by its parent's; one
 * that was chosen itself, or by hand, has it.
 */
static __always_inline void again(struct task_struct *task, __u32 flags)
{
	const bool named = flags & FORCEPOLL_TARGET_NAME;

	if ((named || inherited(flags)) &&
	    choose_by_parent(task, FORCEPOLL_EVENT_seed_known))
		return;
	if (named && choose_by_name(task, FORCEPOLL_EVENT_seed_known))
		return;
	count(FORCEPOLL_EVENT_seed_known);
}

/*
 * Who is inside already. Run by the loader, once, after the programs above. Of
 * each process its leader is asked, or any thread that outlived its leader.
 */
SEC("iter/task")
int seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct forcepoll_target *now;
	enum forcepoll_event event;

	if (!task || has_flag(task, PF_KTHREAD | PF_EXITING) ||
	    (task->pid != task->tgid &&
	     !(task->group_leader->flags & PF_EXITING)))
		return 0;
	now = target_of(task->tgid);
	if (now && !(now->flags & FORCEPOLL_TARGET_CGROUP)) {
		again(task, now->flags);
		return 0;
	}
	event = now ? FORCEPOLL_EVENT_seed_known : FORCEPOLL_EVENT_seed_add;
	if (choose(task, event, event))
		return 0;
	/* Of a run that is not: it has left what was chosen meanwhile. */
	count(now ? FORCEPOLL_EVENT_cgroup_leave : FORCEPOLL_EVENT_seed_other);
	if (now)
		leave(task);
	return 0;
}

/*
 * For the loader: which process is PID, and which file is an open descriptor?
 * Only the kernel knows both for certain: a PID in another namespace has another
 * number, and stat() shows made-up device numbers on btrfs and overlayfs.
 */
struct forcepoll_identity {
	__u32 fd; /* in: a descriptor of the caller */
	__u32 pad;
	struct forcepoll_exe exe; /* out */
};

SEC("syscall")
int identify_file(struct forcepoll_identity *id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file **fds = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), fds + id->fd);
	if (!file)
		return -EBADF;
	id->exe.ino = BPF_CORE_READ(file, f_inode, i_ino);
	id->exe.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	id->exe.generation = BPF_CORE_READ(file, f_inode, i_generation);
	return 0;
}

/*
 * Which living process, in the initial namespace, is the thread iterated over? Its tgid is
 * another's after it, never with the same start: exec by another thread takes that over.
 */
__u32 identified_tgid, identified_flags;
__u64 identified_start; /* ns, of CLOCK_MONOTONIC */

SEC("iter/task")
int identify_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task || gone(task))
		return 0;
	identified_tgid = task->tgid;
	identified_flags = task->flags;
	identified_start = task->group_leader->start_time;
	return 0;
}

/* The thread iterated over gets "given" if its process is the one identified. */
struct forcepoll_target given;
int given_err; /* in: -ESRCH, for when it is another; out: as enter() has it */

SEC("iter/task")
int give_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct forcepoll_target target = given;

	if (!task || task->tgid != identified_tgid ||
	    task->group_leader->start_time != identified_start)
		return 0;
	if (target.flags & FORCEPOLL_TARGET_FOLLOW)
		seeding = bpf_get_current_pid_tgid() >> 32; /* the loader's */
	given_err = enter(task, &target);
	return 0;
}

/*
 * For ab: all that are targets now follow "observe". Bit by bit, as an entry may be
 * deleted meanwhile and its memory be another's: that one's bit is to be the same.
 */
SEC("iter/bpf_map_elem")
int observe_all(struct bpf_iter__bpf_map_elem *ctx)
{
	struct forcepoll_target *target = ctx->value;

	if (!target)
		return 0;
	if (observe)
		__sync_fetch_and_or(&target->flags, FORCEPOLL_TARGET_OBSERVE);
	else
		__sync_fetch_and_and(&target->flags, ~FORCEPOLL_TARGET_OBSERVE);
	return 0;
}
