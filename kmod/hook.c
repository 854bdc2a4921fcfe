// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that knows how functions of the kernel are replaced: one
 * ftrace_ops with IPMODIFY, whose callback sends targets, and nobody else, to
 * the module's version, or does something before the function.
 *
 * R1   who is not a target pays the trampoline and one compare.
 * R2   every replacement counts itself in as its first and out as its last
 *      action, and does not sleep outside of that: see forcepoll_hook_drain().
 *      Not submit_bio(), which ends in submit_bio_noacct(): stacked drivers (dm,
 *      md, NVMe multipath) call the latter for what they pass on, in the task of
 *      whoever submitted to them.
 * R23  a replacement calls the original by name, through the same trampoline;
 *      the callback knows it by its return address, so no call may be a tail
 *      call.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/io_uring.h>
#include <linux/kprobes.h>
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
	submit_bio_noacct(bio);
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

static void replaced_submit(struct bio *bio)
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
	/*
	 * A short one is a pause: balance_dirty_pages() and retries for want of
	 * memory believe that the time has passed.
	 */
	if (timeout <= 5 * HZ || !forcepoll_wait_instead())
		timeout = original_io_schedule_timeout(timeout);
	else if (timeout != MAX_SCHEDULE_TIMEOUT)
		timeout -= min_t(unsigned long, timeout, jiffies - start);
	this_cpu_dec(inflight);
	return timeout;
}

static void before_getevents(struct ftrace_regs *fregs)
{
	forcepoll_wait_aio(fp_fregs_argument(fregs, 0),
			   fp_fregs_argument(fregs, 1),
			   (void *)fp_fregs_argument(fregs, 4));
}

static void before_cqring_wait(struct ftrace_regs *fregs)
{
	forcepoll_wait_uring((void *)fp_fregs_argument(fregs, 0),
			     fp_fregs_argument(fregs, 1),
			     fp_fregs_argument(fregs, 2) &
				     IORING_ENTER_EXT_ARG);
}

#define NO_WAIT FORCEPOLL_NR_WAITS

/*
 * R27: what is static nobody may call but its callers. So it is not replaced: the
 * callback itself polls, before it. That runs in the task, as the caller would, and
 * may be preempted; it does not sleep but where a driver's poll does.
 */
static struct hook {
	unsigned long ip; /* 0: not in this kernel */
	void *replacement;
	void (*before)(struct ftrace_regs *fregs);
	enum forcepoll_wait wait; /* which it is part of, or NO_WAIT */
	const char *name; /* of a static one */
} hooks[] = {
	/* Those that are called most first. */
	{ (unsigned long)submit_bio_noacct, replaced_submit, NULL, NO_WAIT },
	{ 0, NULL, before_getevents, FORCEPOLL_WAIT_aio, "do_io_getevents" },
	{ 0, NULL, before_cqring_wait, FORCEPOLL_WAIT_uring, "io_cqring_wait" },
	{ (unsigned long)io_schedule, replaced_io_schedule, NULL,
	  FORCEPOLL_WAIT_io_schedule },
	{ (unsigned long)io_schedule_timeout, replaced_io_schedule_timeout,
	  NULL, FORCEPOLL_WAIT_io_schedule },
	{ (unsigned long)page_cache_sync_ra, replaced_sync_ra, NULL, NO_WAIT },
	{ (unsigned long)page_cache_async_ra, replaced_async_ra, NULL,
	  NO_WAIT },
};

#define ENTRY_SIZE 16 /* bytes from a function to its call of ftrace */
static unsigned long text, text_size;
unsigned int forcepoll_hook_waits;

/*
 * Threads that submit nothing for us, the kernel's and io_uring's, do not wait. Nor do
 * those that have nothing in flight themselves, as they must sleep: that others of
 * their process have is no reason to run.
 */
static bool notrace in_flight(void)
{
	return atomic_read(&forcepoll_owner()->bios) &&
	       !(current->flags & FP_PF_WORKER) &&
	       !forcepoll_poll_time_counts();
}

/* Out of line: the fast path of the callback then needs no stack frame. */
static noinline notrace void redirect_target(unsigned long ip,
					     unsigned long parent_ip, u64 key,
					     struct ftrace_regs *fregs)
{
	const struct hook *h = hooks;

	/* With IBT the traced address is behind the ENDBR. */
	while (ip - h->ip >= ENTRY_SIZE)
		if (++h == hooks + ARRAY_SIZE(hooks))
			return;
	if (h->wait != NO_WAIT &&
	    (!in_flight() || fp_module_address(parent_ip)))
		return;
	if (!forcepoll_target_is(key))
		return;
	if (h == hooks &&
	    forcepoll_poll_backs_off((void *)fp_fregs_argument(fregs, 0)))
		return;
	if (h->replacement) {
		fp_fregs_set_ip(fregs, (unsigned long)h->replacement);
		return;
	}
	this_cpu_inc(inflight);
	h->before(fregs);
	this_cpu_dec(inflight);
}

/*
 * Runs at the entry of each of the functions, for every task. What it calls
 * can reach one of them only by a completion that submits, and that is left alone
 * (skip_atomic). So ftrace need not guard it against recursion (no
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
	redirect_target(ip, parent_ip, key, fregs);
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

/*
 * The filter is made once for the life of the module: ftrace_free_filter() leaves
 * dangling pointers in the ops, which nobody may use again.
 */
static int filter(const struct hook *h, bool remove)
{
	return h->ip ? ftrace_set_filter_ip(&ops, h->ip, remove, 0) : 0;
}

/*
 * Where a static function is; nothing is probed. A kernel may have compiled it
 * away, or given it another name.
 */
static void __init find(struct hook *h)
{
	struct kprobe probe = { .symbol_name = h->name,
				.flags = KPROBE_FLAG_DISABLED };

	if (register_kprobe(&probe))
		return;
	h->ip = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
}

static void can_wait_in(const struct hook *h)
{
	if (h->ip && h->wait != NO_WAIT)
		WRITE_ONCE(forcepoll_hook_waits,
			   forcepoll_hook_waits | 1 << h->wait);
}

int __init forcepoll_hook_init(void)
{
	struct hook *h;
	int err = 0;

	text = fp_module_text(THIS_MODULE);
	text_size = fp_module_text_size(THIS_MODULE);
	for (h = hooks; h < hooks + ARRAY_SIZE(hooks) && !err; h++) {
		if (h->name)
			find(h);
		err = filter(h, false);
		if (err && h->name) {
			h->ip = 0;
			err = 0;
		}
		can_wait_in(h);
	}
	if (err)
		ftrace_free_filter(&ops);
	return err;
}

void forcepoll_hook_uninit(void)
{
	ftrace_free_filter(&ops);
}

static int install(void)
{
	int err;

	/* A BPF trampoline on the same function may have to step back: retry. */
	do {
		err = register_ftrace_function(&ops);
	} while (err == -EAGAIN);
	return err;
}

/* Those where tasks wait, all of them or none. */
static void filter_waits(bool in)
{
	struct hook *h;

	WRITE_ONCE(forcepoll_hook_waits, 0);
	for (h = hooks; h < hooks + ARRAY_SIZE(hooks); h++)
		if (h->wait != NO_WAIT && !filter(h, !in) && in)
			can_wait_in(h);
}

int forcepoll_hook_install(void)
{
	int err;

	/* Somebody replaced one of them the last time, and may be gone. */
	if (!forcepoll_hook_waits)
		filter_waits(true);
	err = install();
	/* Somebody replaces one of them. Where tasks wait we can do without. */
	if (err == -EBUSY) {
		filter_waits(false);
		err = install();
		if (err) /* or submit_bio_noacct: nothing is polled */
			filter_waits(true);
	}
	installed = !err;
	return err;
}

int forcepoll_hook_remove(void)
{
	int err;

	if (!installed)
		return 0;
	err = unregister_ftrace_function(&ops);
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
