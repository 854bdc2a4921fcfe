// SPDX-License-Identifier: GPL-2.0
/*
 * forcepoll: polled completions for the processes in a BPF map.
 *
 *   map --kfunc.c--> target.c <--asks-- hook.c --> poll.c --> stats.c --kfunc.c-->
 *                                    BPF --policy.c--^
 *
 * Loaded and unbound the module does nothing: no hook, no timer, no thread.
 */
#include <linux/module.h>

#include "cost.h"
#include "flight.h"
#include "hook.h"
#include "judge.h"
#include "kfunc.h"
#include "policy.h"
#include "split.h"
#include "stack.h"
#include "stash.h"
#include "stats.h"

static int __init forcepoll_init(void)
{
	int err;

	/*
	 * Completions run here with interrupts or preemption off, and take locks that
	 * are no spinlocks there: a page's waiters, the driver's queue.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		pr_err("forcepoll: not for a kernel with PREEMPT_RT\n");
		return -EOPNOTSUPP;
	}
	forcepoll_cost_init();
	err = forcepoll_stats_init();
	if (err)
		return err;
	err = forcepoll_stash_init();
	if (err)
		goto err_stats;
	err = forcepoll_flight_init();
	if (err)
		goto err_stash;
	err = forcepoll_split_init();
	if (err)
		goto err_flight;
	err = forcepoll_hook_init();
	if (err)
		goto err_split;
	err = forcepoll_kfunc_init();
	if (err)
		goto err_hook;
	forcepoll_policy_init();
	return 0;

err_hook:
	forcepoll_hook_uninit();
err_split:
	forcepoll_split_uninit();
err_flight:
	forcepoll_flight_uninit();
err_stash:
	forcepoll_stash_uninit();
err_stats:
	forcepoll_stats_uninit();
	return err;
}

/*
 * Not reached while bound (kfunc.c holds a reference), nor while there is a policy (its
 * map does), so the hook is gone; the kfuncs and the struct_ops go with the module's
 * BTF.
 */
static void __exit forcepoll_exit(void)
{
	forcepoll_kfunc_uninit();
	forcepoll_policy_uninit();
	forcepoll_hook_drain();
	forcepoll_flight_drain();
	forcepoll_split_drain();
	forcepoll_stack_drain();
	forcepoll_judge_drain();
	forcepoll_hook_leave_text();
	forcepoll_hook_uninit();
	forcepoll_flight_uninit();
	forcepoll_split_uninit();
	forcepoll_stash_uninit();
	forcepoll_stats_uninit();
}

module_init(forcepoll_init);
module_exit(forcepoll_exit);

MODULE_DESCRIPTION("Polled block I/O completions for chosen processes");
MODULE_LICENSE("GPL");
