// SPDX-License-Identifier: GPL-2.0
/*
 * All that BPF may call, see forcepoll_kfunc.h. Sleepable SYSCALL programs only:
 * bind patches the kernel's text and release waits for grace periods.
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "forcepoll.h"
#include "forcepoll_kfunc.h"
#include "flight.h"
#include "hook.h"
#include "judge.h"
#include "kfunc.h"
#include "policy.h"
#include "stats.h"
#include "target.h"

/* R25: one bind or release at a time. */
static DEFINE_MUTEX(lock);

/*
 * A BPF program runs with migration disabled. Sleeping so for ftrace, whose grace
 * period schedules work on each CPU under the hotplug lock, would deadlock with
 * taking this CPU offline, which waits for its pinned tasks. Nothing per CPU of
 * the program is live across a call, so it may move meanwhile.
 */
static void enter(void)
{
	migrate_enable();
	mutex_lock(&lock);
}

static void leave(void)
{
	mutex_unlock(&lock);
	migrate_disable();
}

/* Of what is bound, with the lock. */
static int release(void)
{
	int err = forcepoll_hook_remove();

	if (!err)
		err = forcepoll_target_unbind();
	if (!err) {
		forcepoll_flight_hold(false);
		module_put(THIS_MODULE);
	}
	return err;
}

/*
 * When the programs, the pins and all who had them open are gone, nobody tells any more
 * who is a target: a process that gets the number of one that was would be polled for
 * until the machine goes down. So the module looks once in a second if it is alone.
 */
static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(lookout, look);

static void look_again(void)
{
	queue_delayed_work(system_long_wq, &lookout, HZ);
}

static void look(struct work_struct *work)
{
	mutex_lock(&lock);
	if (forcepoll_target_abandoned() && !release())
		pr_notice(
			"forcepoll: nobody else has the targets any more: released\n");
	if (forcepoll_target_bound())
		look_again();
	mutex_unlock(&lock);
}

/* A program's timer may call, too, from an interrupt. */
static int permitted(void)
{
	if (!in_task())
		return -EBUSY;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/*
 * While bound the module holds a reference to itself: rmmod is refused instead
 * of taking a hook away from those who rely on it. The caller's program holds
 * another for as long as it can call in here.
 */
static int bind(struct bpf_map *targets, struct bpf_map *devices)
{
	bool was;
	int err = permitted();

	if (err)
		return err;
	enter();
	was = forcepoll_target_bound();
	err = forcepoll_target_bind(targets, devices);
	if (err || was)
		goto out;
	if (!try_module_get(THIS_MODULE)) {
		err = -ENODEV;
		goto err_unbind;
	}
	forcepoll_flight_hold(true);
	err = forcepoll_hook_install(); /* R26: last */
	if (!err) {
		look_again();
		goto out;
	}
	forcepoll_flight_hold(false);
	module_put(THIS_MODULE);
err_unbind:
	forcepoll_target_unbind();
out:
	leave();
	return err;
}

__bpf_kfunc_start_defs();

#ifdef FP_BIND_TAKES_MAPS
__bpf_kfunc int forcepoll_bind(struct bpf_map *targets, struct bpf_map *devices)
{
	return bind(targets, devices);
}
#else
__bpf_kfunc int forcepoll_bind_fd(int targets_fd, int devices_fd)
{
	struct bpf_map *targets, *devices;
	int err = permitted();

	if (err)
		return err;
	targets = bpf_map_get(targets_fd);
	if (IS_ERR(targets))
		return PTR_ERR(targets);
	devices = bpf_map_get(devices_fd);
	if (IS_ERR(devices)) {
		bpf_map_put(targets);
		return PTR_ERR(devices);
	}
	err = bind(targets, devices);
	bpf_map_put(devices);
	bpf_map_put(targets);
	return err;
}
#endif

__bpf_kfunc int forcepoll_release(void)
{
	int err = permitted();

	if (err)
		return err;
	enter();
	err = release();
	if (!err)
		cancel_delayed_work(&lookout); /* or it finds nothing bound */
	leave();
	return err;
}

__bpf_kfunc int forcepoll_stats_read(struct forcepoll_stats *stats)
{
	int err = permitted();

	if (err)
		return err;
	if (!stats) /* the verifier of v6.1 lets it pass */
		return -EINVAL;
	memset(stats, 0, sizeof(*stats));
	stats->abi = FORCEPOLL_ABI;
	forcepoll_target_describe(stats);
	stats->inflight = forcepoll_hook_inflight();
	stats->waits = READ_ONCE(forcepoll_hook_waits);
	stats->bios = forcepoll_flight_bios();
	forcepoll_policy_describe(stats->policy);
	stats->policy_disabled = forcepoll_policy_disabled();
	forcepoll_stats_sum(stats);
	return 0;
}

__bpf_kfunc int forcepoll_classes_read(void *classes, u32 classes__sz)
{
	int err = permitted();

	if (err)
		return err;
	if (!classes || classes__sz != sizeof(struct forcepoll_classes))
		return -EINVAL;
	forcepoll_judge_describe(classes);
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(ids)
#ifdef FP_BIND_TAKES_MAPS
BTF_ID_FLAGS(func, forcepoll_bind, FP_KF_FLAGS)
#else
BTF_ID_FLAGS(func, forcepoll_bind_fd, FP_KF_FLAGS)
#endif
BTF_ID_FLAGS(func, forcepoll_release, FP_KF_FLAGS)
BTF_ID_FLAGS(func, forcepoll_stats_read, FP_KF_FLAGS)
BTF_ID_FLAGS(func, forcepoll_classes_read, FP_KF_FLAGS)
BTF_KFUNCS_END(ids)

static const struct btf_kfunc_id_set set = {
	.owner = THIS_MODULE,
	.set = &ids,
};

int forcepoll_kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &set);
}

/* Nothing is bound; it may be on its way out of having seen to that. */
void forcepoll_kfunc_uninit(void)
{
	cancel_delayed_work_sync(&lookout);
}
