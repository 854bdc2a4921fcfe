// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows how functions of the kernel are replaced: one
 * ftrace_ops with IPMODIFY, whose callback sends targets, and nobody else, to
 * the module's version.
 *
 * R1   who is not a target pays the trampoline and one compare.
 * R2   every replacement counts itself in as its first and out as its last
 *      action, and does not sleep outside of that: see forcepoll_hook_drain().
 * R23  a replacement calls the original by name, through the same trampoline;
 *      the callback knows it by its return address, so no call may be a tail
 *      call.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "flight.h"
#include "hook.h"
#include "poll.h"
#include "readahead.h"
#include "target.h"
#include "wait.h"

static DEFINE_PER_CPU(long, inflight);
static bool installed;

/*
 * The statement after each call keeps it from becoming a jump: then the return
 * address would be the caller's, and the callback would redirect for ever.
 */
noinline void forcepoll_hook_submit(struct bio *bio)
{
	submit_bio(bio);
	barrier();
}

static noinline void original_sync_ra(struct readahead_control *ractl,
				      unsigned long req_count)
{
	page_cache_sync_ra(ractl, req_count);
	barrier();
}

static noinline void original_async_ra(struct readahead_control *ractl,
				       struct folio *folio,
				       unsigned long req_count)
{
	page_cache_async_ra(ractl, folio, req_count);
	barrier();
}

static void replaced_submit_bio(struct bio *bio)
{
	struct forcepoll_target target;

	this_cpu_inc(inflight);
	if (forcepoll_target_lookup(forcepoll_target_key(), &target))
		forcepoll_poll_submit(bio, &target);
	else
		forcepoll_hook_submit(bio); /* ceased to be one just now */
	this_cpu_dec(inflight);
}

static void replaced_sync_ra(struct readahead_control *ractl,
			     unsigned long req_count)
{
	struct forcepoll_readahead mark;

	this_cpu_inc(inflight);
	forcepoll_readahead_begin(&mark, true);
	original_sync_ra(ractl, req_count);
	forcepoll_readahead_end(&mark);
	this_cpu_dec(inflight);
}

static void replaced_async_ra(struct readahead_control *ractl,
			      struct folio *folio, unsigned long req_count)
{
	struct forcepoll_readahead mark;

	this_cpu_inc(inflight);
	forcepoll_readahead_begin(&mark, false);
	original_async_ra(ractl, folio, req_count);
	forcepoll_readahead_end(&mark);
	this_cpu_dec(inflight);
}

static const struct {
	void *original;
	void *replacement;
} hooks[] = {
	{ submit_bio, replaced_submit_bio },
	{ page_cache_sync_ra, replaced_sync_ra },
	{ page_cache_async_ra, replaced_async_ra },
};

#define ENTRY_SIZE 16 /* bytes from a function to its call of ftrace */
static unsigned long text, text_size;

/* Out of line: the fast path of the callback then needs no stack frame. */
static noinline notrace void redirect_target(unsigned long ip, u64 key,
					     struct ftrace_regs *fregs)
{
	struct forcepoll_target target;
	int i;

	if (!forcepoll_target_lookup(key, &target))
		return;
	if (ip - (unsigned long)submit_bio < ENTRY_SIZE &&
	    forcepoll_poll_backs_off())
		return;
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		/* With IBT the traced address is behind the ENDBR. */
		if (ip - (unsigned long)hooks[i].original < ENTRY_SIZE) {
			fp_fregs_set_ip(fregs,
					(unsigned long)hooks[i].replacement);
			return;
		}
	}
}

/*
 * Runs at the entry of each of the functions, for every task. Nothing it calls
 * can reach one of them, so ftrace need not guard it against recursion (no
 * FTRACE_OPS_FL_RECURSION, which costs some 70 instructions), and preemption may
 * stay on.
 */
static void notrace callback(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	u64 key = forcepoll_target_key();

	if (forcepoll_target_missed(key))
		return;
	if (parent_ip - text < text_size)
		return; /* the module itself, calling the original */
	redirect_target(ip, key, fregs);
}

/* -- where tasks wait ----------------------------------------------------------- */

static noinline void original_io_schedule(void)
{
	io_schedule();
	barrier();
}

static noinline long original_io_schedule_timeout(long timeout)
{
	timeout = io_schedule_timeout(timeout);
	barrier();
	return timeout;
}

static void replaced_io_schedule(void)
{
	this_cpu_inc(inflight);
	if (!forcepoll_wait_instead())
		original_io_schedule();
	this_cpu_dec(inflight);
}

static long replaced_io_schedule_timeout(long timeout)
{
	unsigned long start = jiffies;

	this_cpu_inc(inflight);
	if (!forcepoll_wait_instead())
		timeout = original_io_schedule_timeout(timeout);
	else if (timeout != MAX_SCHEDULE_TIMEOUT)
		timeout -= min_t(unsigned long, timeout, jiffies - start);
	this_cpu_dec(inflight);
	return timeout;
}

/* Everybody who sleeps for I/O comes here: it costs them a load and a compare. */
static void notrace wait_callback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	if (likely(!atomic_read(&forcepoll_owner()->bios)))
		return;
	if (parent_ip - text < text_size)
		return;
	if (ip - (unsigned long)io_schedule < ENTRY_SIZE)
		fp_fregs_set_ip(fregs, (unsigned long)replaced_io_schedule);
	else
		fp_fregs_set_ip(fregs,
				(unsigned long)replaced_io_schedule_timeout);
}

/*
 * R27: these are static, nobody may call them but their callers. So they are not
 * replaced: the callback itself polls, before them. It runs in the task, as its
 * caller would, and may be preempted; it does not sleep but where a driver's poll
 * does, and counts itself in for that.
 */
static noinline void notrace poll_aio(struct ftrace_regs *fregs)
{
	this_cpu_inc(inflight);
	forcepoll_wait_aio(fp_fregs_argument(fregs, 0),
			   fp_fregs_argument(fregs, 1),
			   (struct timespec64 *)fp_fregs_argument(fregs, 4));
	this_cpu_dec(inflight);
}

static void notrace aio_callback(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	if (atomic_read(&forcepoll_owner()->bios))
		poll_aio(fregs);
}

static noinline void notrace poll_uring(struct ftrace_regs *fregs)
{
	this_cpu_inc(inflight);
	forcepoll_wait_uring((struct io_ring_ctx *)fp_fregs_argument(fregs, 0),
			     fp_fregs_argument(fregs, 1));
	this_cpu_dec(inflight);
}

static void notrace uring_callback(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops,
				   struct ftrace_regs *fregs)
{
	if (atomic_read(&forcepoll_owner()->bios))
		poll_uring(fregs);
}

/*
 * PERMANENT: while bound, kernel.ftrace_enabled cannot be set to 0, which would
 * turn polling off without a word.
 */
static struct ftrace_ops ops = {
	.func = callback,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
		 FP_FTRACE_SAVE_REGS,
};

static struct ftrace_ops wait_ops = {
	.func = wait_callback,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
		 FP_FTRACE_SAVE_REGS,
};

static struct ftrace_ops aio_ops = {
	.func = aio_callback,
	.flags = FTRACE_OPS_FL_PERMANENT | FP_FTRACE_SAVE_REGS,
};

static struct ftrace_ops uring_ops = {
	.func = uring_callback,
	.flags = FTRACE_OPS_FL_PERMANENT | FP_FTRACE_SAVE_REGS,
};

/* A kernel may have compiled the function away, or another may replace it. */
static struct wait_hook {
	struct ftrace_ops *ops;
	char *function; /* NULL: those of io_schedule() */
	bool there, installed;
} wait_hooks[] = {
	[FORCEPOLL_WAIT_io_schedule] = { &wait_ops },
	[FORCEPOLL_WAIT_aio] = { &aio_ops, "do_io_getevents" },
	[FORCEPOLL_WAIT_uring] = { &uring_ops, "io_cqring_wait" },
};

bool forcepoll_hook_waits(enum forcepoll_wait wait)
{
	return READ_ONCE(wait_hooks[wait].installed);
}

static int filter_wait(struct wait_hook *h)
{
	if (h->function)
		return ftrace_set_filter(h->ops, h->function,
					 strlen(h->function), 0);
	return ftrace_set_filter_ip(h->ops, (unsigned long)io_schedule, 0, 0) ?:
		       ftrace_set_filter_ip(h->ops,
					    (unsigned long)io_schedule_timeout,
					    0, 0);
}

static int install(struct ftrace_ops *ops)
{
	int err;

	/* A BPF trampoline on the same function may have to step back: retry. */
	do {
		err = register_ftrace_function(ops);
	} while (err == -EAGAIN);
	return err;
}

/* Without one of them its bios keep their interrupts: no reason to fail. */
static void install_waits(void)
{
	struct wait_hook *h;

	for (h = wait_hooks; h < wait_hooks + FORCEPOLL_NR_WAITS; h++)
		WRITE_ONCE(h->installed, h->there && !install(h->ops));
}

static int remove_waits(void)
{
	struct wait_hook *h;
	int err = 0;

	for (h = wait_hooks; h < wait_hooks + FORCEPOLL_NR_WAITS; h++) {
		if (!h->installed)
			continue;
		WRITE_ONCE(h->installed, false);
		err = unregister_ftrace_function(h->ops) ?: err;
	}
	return err;
}

/*
 * The filter is made once for the life of the module: ftrace_free_filter() leaves
 * dangling pointers in the ops, which nobody may use again.
 */
int __init forcepoll_hook_init(void)
{
	int i, err = 0;

	text = fp_module_text(THIS_MODULE);
	text_size = fp_module_text_size(THIS_MODULE);
	for (i = 0; i < ARRAY_SIZE(hooks) && !err; i++)
		err = ftrace_set_filter_ip(
			&ops, (unsigned long)hooks[i].original, 0, 0);
	if (err) {
		ftrace_free_filter(&ops);
		return err;
	}
	for (i = 0; i < FORCEPOLL_NR_WAITS; i++)
		wait_hooks[i].there = !filter_wait(&wait_hooks[i]);
	return 0;
}

void forcepoll_hook_uninit(void)
{
	int i;

	ftrace_free_filter(&ops);
	for (i = 0; i < FORCEPOLL_NR_WAITS; i++)
		ftrace_free_filter(wait_hooks[i].ops);
}

int forcepoll_hook_install(void)
{
	int err = install(&ops);

	installed = !err;
	if (installed)
		install_waits();
	return err;
}

int forcepoll_hook_remove(void)
{
	int err;

	if (!installed)
		return 0;
	err = unregister_ftrace_function(&ops) ?: remove_waits();
	if (WARN_ON_ONCE(err))
		return err; /* the text stays referenced, the module loaded */
	installed = false;
	return 0;
}

/*
 * Exact once nobody can enter: from then on every change is a decrement, so a
 * sum of 0 taken CPU by CPU means 0.
 */
u64 forcepoll_hook_inflight(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(inflight, cpu));
	return max(sum, 0L);
}

void forcepoll_hook_drain(void)
{
	/*
	 * unregister_ftrace_function() waited for tasks preempted between the
	 * callback and the first instruction of a replacement. Inside, a task
	 * may sleep, which is a quiescent state to RCU tasks: hence the count.
	 */
	while (forcepoll_hook_inflight())
		msleep(20);
}

void forcepoll_hook_leave_text(void)
{
	/* Tasks preempted between their last count and their return... */
	synchronize_rcu_tasks();
	/* ... and completions in the last instructions of an end_io. */
	synchronize_rcu();
}
