// SPDX-License-Identifier: GPL-2.0
/*
 * The only caller of bio_poll(): the submitter waits for its bio by looking at
 * the completion queue instead of sleeping for an interrupt.
 *
 * The completion is deferred. While a bio is polled its bi_end_io is
 * poll_end_io(), which tells the submitter and touches nothing else; the
 * submitter, still inside submit_bio(), puts the bio back as it was and completes
 * it for good. So it does not matter who reaps it: another poller of the same
 * queue, the timeout handler, a reset. Nobody but the submitter runs the file
 * system's completion, in process context, with no lock held, and the bio, which
 * may live on the submitter's stack, is there for as long as it is polled.
 *
 * A bio marked REQ_POLLED has no interrupt to fall back on. Once it is submitted
 * the loop below polls until it is done, whatever happens: it yields at every
 * turn, and after a bound, or when another task wants the CPU, it sleeps between
 * polls, so that the worker that a retry or a reset needs always gets to run.
 */
#include <linux/bio.h>
#include <linux/blk-crypto.h>
#include <linux/blk-integrity.h>
#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>
#include <asm/syscall.h>

#include "bio.h"
#include "budget.h"
#include "compat.h"
#include "flight.h"
#include "hook.h"
#include "judge.h"
#include "policy.h"
#include "poll.h"
#include "readahead.h"
#include "split.h"
#include "stack.h"
#include "stats.h"
#include "target.h"
#include "trace.h"
#include "whose.h"

/*
 * Longer than a drive for which polling is of use takes for a small read, also
 * once in a thousand. A slow drive is not worth that: each wait that takes longer
 * halves the bound for the next one on this CPU, down to a sixteenth; each one
 * that does not doubles it again.
 */
static unsigned int spin_us = 2000;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us, "spin for one bio up to this long, then nap (2000)");

#define SPIN_SHIFT_MAX 4
static DEFINE_PER_CPU(unsigned int, spin_shift);

static bool skip_busy = true;
module_param(skip_busy, bool, 0644);
MODULE_PARM_DESC(skip_busy, "leave bios alone where polling would not pay");

bool forcepoll_poll_skip_busy(void)
{
	return READ_ONCE(skip_busy);
}

#define NAP_MIN_NS (20 * NSEC_PER_USEC) /* a timer and two switches: 5 us */
#define NAP_MAX_NS (10 * NSEC_PER_MSEC)

/* What the kernel's hung task detector waits before it tells, as it comes. */
#define WARN_NS (120 * (u64)NSEC_PER_SEC)

enum { SPINNING, NAPPING, DONE, DONE_BY_OTHER };

/* On the submitter's stack. */
struct poll_ctx {
	struct task_struct *task;
	int state;
	bool wanted; /* another task wanted the CPU meanwhile */
	u64 delay_ns; /* all that it had waited for a CPU, before */
	u64 slept_ns; /* before the first poll, see judge.h */
	u64 napped_ns; /* that, and naps */
	u64 parked_ns; /* after submission it was still not started, or not marked */
	unsigned int naps;
	unsigned int polls;
};

static bool is_done(struct poll_ctx *ctx)
{
	/* Pairs with the xchg() below: all that the reaper wrote is seen. */
	return smp_load_acquire(&ctx->state) >= DONE;
}

/*
 * R12: the exchange is the last access to ctx, and to the bio. The submitter may
 * return at once, so the task is looked at under RCU, which its memory outlives.
 */
static void poll_end_io(struct bio *bio)
{
	struct poll_ctx *ctx = bio->bi_private;
	struct task_struct *task = ctx->task;

	if (task == current && in_task()) { /* it polls, it does not nap */
		WRITE_ONCE(ctx->state, DONE);
		return;
	}
	rcu_read_lock();
	if (xchg(&ctx->state, DONE_BY_OTHER) == NAPPING)
		wake_up_process(task);
	rcu_read_unlock();
}

/* Sleep until somebody completes the bio, at most for @ns, or a second if that is 0. */
static void sleep_for(struct poll_ctx *ctx, u64 ns, u64 slack)
{
	ktime_t expires = ns_to_ktime(ns);
	u64 start = local_clock();

	set_current_state(TASK_UNINTERRUPTIBLE);
	if (cmpxchg(&ctx->state, SPINNING, NAPPING) == SPINNING) {
		if (ns)
			schedule_hrtimeout_range(&expires, slack,
						 HRTIMER_MODE_REL);
		else
			io_schedule_timeout(HZ); /* as in direct I/O's waits */
		cmpxchg(&ctx->state, NAPPING, SPINNING);
	}
	__set_current_state(TASK_RUNNING);
	ctx->napped_ns += forcepoll_poll_ns_since(start);
}

static void nap(struct poll_ctx *ctx, u64 ns)
{
	sleep_for(ctx, ns, ns / 8);
	ctx->naps++;
}

/*
 * A task that polls alone completes its bio itself, as it waits for it: until then its
 * page stays locked, and others may want that page. So should it be kept from a CPU, by
 * cpu.max or by a task of a higher class, while interrupts would have completed it, the
 * process polls where it waits for some time, twice as long each time: there others
 * complete what it does not (flight.c).
 *
 * So it does when a buffered read has not got to the drive for so long, by io.max or in
 * a reset. It is submitted under the file's invalidate_lock, which whoever truncates the
 * file waits for, and behind that whoever reads it; it is waited for without.
 */
#define HELD_NS (10 * NSEC_PER_MSEC)
#define HELD_FOR (10 * HZ)
#define HELD_SHIFT_MAX 4
static unsigned long held_until; /* jiffies: the last one of all */

static bool kept_from_cpu(const struct poll_ctx *ctx)
{
	return fp_task_delay_ns(current) - ctx->delay_ns > HELD_NS;
}

static void hold_off(void)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	unsigned int shift = READ_ONCE(owner->held_shift);
	unsigned long until = jiffies + (HELD_FOR << shift);

	forcepoll_stats_count(FORCEPOLL_COUNT_held);
	WRITE_ONCE(owner->held_shift, min(shift + 1, HELD_SHIFT_MAX));
	WRITE_ONCE(owner->held, until | 1); /* 0: never */
	if (!held_until || time_after(until, READ_ONCE(held_until)))
		WRITE_ONCE(held_until, until | 1);
}

static bool held_lately(void)
{
	unsigned long until = READ_ONCE(held_until);

	if (likely(!until))
		return false;
	if (time_after(jiffies, until)) {
		WRITE_ONCE(held_until, 0);
		return false;
	}
	until = READ_ONCE(forcepoll_owner()->held);
	return until && time_before(jiffies, until);
}

/* Somebody else could use this CPU: KVM's halt polling asks the same. */
bool forcepoll_poll_cpu_wanted(void)
{
	return need_resched() || !single_task_running();
}

/*
 * With more tasks than CPUs interrupts do better, and one look at a quiet moment
 * does not tell. So a CPU that was wanted, at submission or while it polled,
 * leaves some bios to interrupts before it tries again: twice as many each time,
 * a quarter less after each bio that it polled undisturbed. A task that wakes up
 * now and then costs a bio or two. These bios are not looked at, whether they
 * could be polled or not: it is then that each instruction is missed elsewhere.
 */
#define BACKOFF_MAX 255
static DEFINE_PER_CPU(
	struct backoff {
		unsigned int bios; /* to leave alone after the next time */
		unsigned int left; /* of the last time */
	},
	backoff);

void forcepoll_poll_back_off(bool wanted)
{
	struct backoff *b = get_cpu_ptr(&backoff);

	if (wanted) {
		b->bios = min(2 * b->bios + 1, BACKOFF_MAX);
		b->left = b->bios;
	} else {
		b->bios -= DIV_ROUND_UP(b->bios, 4);
	}
	put_cpu_ptr(&backoff);
}

bool notrace forcepoll_poll_backs_off(struct bio *bio)
{
	struct forcepoll_target target;
	bool left_alone;

	if (!this_cpu_read(backoff.left) || !READ_ONCE(skip_busy))
		return false;
	/* It is for those who are polled: who is observed takes none of it. */
	if (forcepoll_target_lookup(forcepoll_target_key(), &target) &&
	    target.flags & FORCEPOLL_TARGET_OBSERVE)
		return false;
	/* Those below come one by one, and some must not be polled: stack.c. */
	if (!queue_is_mq(bdev_get_queue(bio->bi_bdev)))
		return false;
	preempt_disable();
	left_alone = this_cpu_read(backoff.left);
	if (left_alone) {
		this_cpu_dec(backoff.left);
		forcepoll_stats_count(FORCEPOLL_COUNT_submitted);
		forcepoll_stats_count(FORCEPOLL_COUNT_skip_busy);
	}
	preempt_enable();
	if (left_alone)
		forcepoll_flight_beside(bio);
	return left_alone;
}

/*
 * One look at the completion queue of the bio, if its driver does not have that to
 * itself (look() in flight.c). The queue reference is taken
 * before the bio is seen in flight: until it is dropped no freeze can end, so
 * the hardware queue that the cookie names is the one the request is on. That
 * needs bios that are in flight as long as their request is: see BIO_CHAIN and
 * integrity below.
 *
 * R17: with a batch, requests are completed here and not under the queue's lock.
 * Some may be of others, who are not to wait until this task has a CPU again.
 */
static void poll_once(struct bio *bio, struct poll_ctx *ctx)
{
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	DEFINE_IO_COMP_BATCH(iob);

	fp_look_begin();
	if (!percpu_ref_tryget(&q->q_usage_counter))
		goto out;
	if (!is_done(ctx) && !blk_queue_quiesced(q)) {
		ctx->polls++;
		bio_poll(bio, &iob, FP_POLL_FLAGS);
	}
	percpu_ref_put(&q->q_usage_counter);
	forcepoll_flight_complete(&iob);
out:
	fp_look_end();
}

/*
 * R16: not marked any more (split), or not started (throttled, requeued, in a
 * reset): polling cannot help, sleeping can.
 */
static bool pollable_now(const struct bio *bio)
{
	return READ_ONCE(bio->bi_opf) & REQ_POLLED &&
	       READ_ONCE(bio->bi_cookie) != BLK_QC_T_NONE;
}

static u64 spin_max_ns(void)
{
	return READ_ONCE(spin_us) * (u64)NSEC_PER_USEC;
}

u64 forcepoll_poll_spin_ns(void)
{
	return spin_max_ns() >> this_cpu_read(spin_shift);
}

void forcepoll_poll_adapt_spin(bool in_time)
{
	unsigned int shift = this_cpu_read(spin_shift);

	if (!in_time && shift < SPIN_SHIFT_MAX)
		this_cpu_write(spin_shift, shift + 1);
	else if (in_time && shift)
		this_cpu_write(spin_shift, shift - 1);
}

void forcepoll_poll_spun(const struct forcepoll_owner *owner,
			 enum forcepoll_origin origin, u64 ns)
{
	forcepoll_stats_spun(origin, ns);
	trace_forcepoll_spin(origin, ns);
	if (forcepoll_budget_is_set())
		forcepoll_budget_charge(READ_ONCE(owner->whose), ns);
}

/*
 * Who wakes up at times is no hung task to the kernel, which sees it run: it is told
 * here, when it has waited for @warn_ns, and for twice as long each time.
 */
static void warn_of_wait(const struct bio *bio, u64 ns, u64 *warn_ns)
{
	if (likely(ns <= *warn_ns))
		return;
	*warn_ns *= 2;
	pr_warn_ratelimited(
		"forcepoll: %s[%d] has waited for %pg for %llu seconds\n",
		current->comm, current->pid, bio->bi_bdev,
		div_u64(ns, NSEC_PER_SEC));
}

/*
 * R18: never gives up, never returns before the bio is done. @start: when it was
 * submitted, by local_clock().
 *
 * No cpu_relax(): a turn is some hundred instructions, no tight loop on one line
 * of memory, and in a virtual machine it may stop the CPU, and its drive with it.
 * io_uring's IOPOLL does without it, too.
 */
static void wait_until_done(struct bio *bio, struct poll_ctx *ctx, u64 start)
{
	u64 spin_ns = forcepoll_poll_spin_ns(), warn_ns = WARN_NS;

	while (!is_done(ctx)) {
		bool pollable = pollable_now(bio), wanted;
		u64 ns;

		if (pollable) {
			poll_once(bio, ctx);
			if (is_done(ctx))
				break;
		}
		ns = forcepoll_poll_ns_since(start);
		if (!pollable) {
			ctx->parked_ns = ns;
			if (ns > spin_ns && READ_ONCE(bio->bi_opf) & REQ_POLLED)
				forcepoll_flight_look_for(bio);
		}
		wanted = forcepoll_poll_cpu_wanted();
		ctx->wanted |= wanted;
		/* An eighth of the time gone: a late nap costs an eighth. */
		if (!pollable || ns - ctx->slept_ns > spin_ns || wanted)
			nap(ctx, clamp_t(u64, ns / 8, NAP_MIN_NS, NAP_MAX_NS));
		warn_of_wait(bio, ns, &warn_ns);
		cond_resched();
	}
}

/*
 * What is read into the page cache is locked until it is; a file system's metadata is
 * the device's own. Other pages are the caller's.
 */
bool forcepoll_poll_is_direct(const struct bio *bio)
{
	struct folio *folio = page_folio(bio->bi_io_vec->bv_page);

	return op_is_write(bio_op(bio)) ||
	       !(bio->bi_opf & REQ_META || folio_test_locked(folio) ||
		 READ_ONCE(folio->mapping) ==
			 fp_bdev_inode(bio->bi_bdev)->i_mapping);
}

/*
 * R15: a request in the caller's plug is not started. Started it must be, and
 * the plug stays the caller's. blk_finish_plug() takes it away only after the
 * flush, so nothing sleeps while it is hidden.
 *
 * With @direct it stays in there that one was waited for, see in_pieces(): nr_ios says how
 * many requests are allocated at once, which is 1 from the first one on, and 0 is as good.
 */
void forcepoll_poll_flush_plug(bool direct)
{
	struct blk_plug *plug = current->plug;

	if (plug) {
		blk_finish_plug(plug);
		current->plug = plug;
		if (direct)
			plug->nr_ios = 0;
	}
}

/* With this bio of ours in it, or without one. */
static void flush_plug_with(const struct bio *bio)
{
	if (current->plug)
		forcepoll_poll_flush_plug(forcepoll_poll_is_direct(bio));
}

/* It has an interrupt. */
static void wait_for_interrupt(const struct bio *bio, struct poll_ctx *ctx,
			       u64 start)
{
	u64 warn_ns = WARN_NS;

	while (!is_done(ctx)) {
		warn_of_wait(bio, forcepoll_poll_ns_since(start), &warn_ns);
		/* Only the last time that it wakes up something is done. */
		ctx->delay_ns = fp_task_delay_ns(current);
		sleep_for(ctx, 0, 0);
	}
}

static void submit_unmarked(struct bio *bio, struct poll_ctx *ctx,
			    const struct forcepoll_bio *was, u64 start)
{
	forcepoll_stats_count(FORCEPOLL_COUNT_resubmitted);
	forcepoll_bio_rewind(bio, was);
	WRITE_ONCE(ctx->state, SPINNING);
	submit_bio_noacct(bio);
	flush_plug_with(bio);
	wait_for_interrupt(bio, ctx, start);
}

/* With the bio as it was completed, before anybody is told. */
static void count(const struct bio *bio, const struct poll_ctx *ctx,
		  enum forcepoll_origin origin, unsigned int size, bool polled,
		  u64 ns)
{
	u64 spin_ns = ns - min(ns, ctx->napped_ns);

	forcepoll_poll_adapt_spin(ns - ctx->slept_ns <= spin_max_ns());
	if (forcepoll_budget_is_set())
		forcepoll_budget_charge(forcepoll_owner()->whose, spin_ns);
	if (!polled) {
		forcepoll_stats_count(FORCEPOLL_COUNT_unpolled);
		return;
	}
	forcepoll_stats_polled(origin, size, ctx->polls, ns, spin_ns);
	trace_forcepoll_complete(bio, size, origin, ns, spin_ns, ctx->polls,
				 ctx->naps);
	if (ctx->state == DONE_BY_OTHER)
		forcepoll_stats_count(FORCEPOLL_COUNT_by_other);
	if (ctx->naps) {
		forcepoll_stats_count(FORCEPOLL_COUNT_napped);
		this_cpu_add(forcepoll_stats->count[FORCEPOLL_COUNT_naps],
			     ctx->naps);
	}
}

/* R14: after bio_endio() the bio may be anything. */
static void poll_to_completion(struct bio *bio,
			       const struct forcepoll_target *target,
			       enum forcepoll_origin origin,
			       const struct forcepoll_verdict *v)
{
	struct poll_ctx ctx = { .task = current,
				.delay_ns = fp_task_delay_ns(current) };
	u64 start = local_clock(), ns;
	struct forcepoll_bio was;
	bool polled;

	/*
	 * NOWAIT: for a tag of the poll queue, which a ring with IOPOLL may have that
	 * looks no more. maybe_ours() makes it good.
	 */
	forcepoll_bio_take(bio, &was, poll_end_io, &ctx,
			   REQ_POLLED | REQ_NOMERGE | REQ_NOWAIT);
	bio->bi_cookie = BLK_QC_T_NONE; /* bio_reset() leaves 0, a queue's */
	forcepoll_hook_submit(bio);
	flush_plug_with(bio);
	if (v->sleep_ns && !is_done(&ctx)) {
		sleep_for(&ctx, v->sleep_ns, 0);
		ctx.slept_ns = ctx.napped_ns;
	}
	wait_until_done(bio, &ctx, start);
	if (v->sleep_ns && !ctx.parked_ns) /* the first look has found it */
		forcepoll_judge_slept(v, ctx.polls <= 1);
	if (unlikely(bio->bi_status) && forcepoll_bio_maybe_ours(bio, &was))
		submit_unmarked(bio, &ctx, &was, start);

	forcepoll_poll_back_off(ctx.wanted);
	polled = bio->bi_opf & REQ_POLLED;
	forcepoll_bio_give_back(bio, &was);
	ns = forcepoll_poll_ns_since(start);
	if (unlikely(kept_from_cpu(&ctx) ||
		     (ctx.parked_ns > HELD_NS && bio->bi_opf & REQ_RAHEAD)))
		hold_off();
	count(bio, &ctx, origin, was.iter.bi_size, polled, ns);
	if (polled)
		forcepoll_judge_done(v, ns);
	if (v->policy)
		forcepoll_policy_complete(bio, origin, true,
					  forcepoll_whose(target),
					  was.iter.bi_size, ns, true);
	bio_endio(bio);
}

/* For the judge to compare: measured in the same way, to where its waiter goes on. */
static void wait_to_completion(struct bio *bio,
			       const struct forcepoll_verdict *v)
{
	struct poll_ctx ctx = { .task = current,
				.delay_ns = fp_task_delay_ns(current) };
	u64 start = local_clock();
	struct forcepoll_bio was;

	forcepoll_bio_take(bio, &was, poll_end_io, &ctx, 0);
	forcepoll_hook_submit(bio);
	flush_plug_with(bio);
	wait_for_interrupt(bio, &ctx, start);
	forcepoll_bio_give_back(bio, &was);
	/* Its page was locked for as long as if it had been polled. */
	if (unlikely(kept_from_cpu(&ctx)))
		hold_off();
	forcepoll_judge_done(v, forcepoll_poll_ns_since(start));
	bio_endio(bio);
}

/*
 * R9: the maps of the tag set may be looked at with a live reference only. The
 * answer is remembered for the rest of the jiffy, as the targets are: should the
 * queues go away meanwhile, maybe_ours() makes it good.
 */
static DEFINE_PER_CPU(
	struct pollable {
		const struct request_queue *q;
		unsigned long jiffy;
	},
	pollable);

static bool queue_can_poll(struct request_queue *q)
{
	struct pollable known;

	known = get_cpu_var(pollable);
	put_cpu_var(pollable);
	if (known.q == q && known.jiffy == jiffies)
		return true;

	known = (struct pollable){ .q = q, .jiffy = jiffies };
	if (!percpu_ref_tryget_live(&q->q_usage_counter))
		return false; /* frozen or dying: not now */
	if (!fp_queue_can_poll(q))
		known.q = NULL;
	percpu_ref_put(&q->q_usage_counter);
	get_cpu_var(pollable) = known;
	put_cpu_var(pollable);
	return known.q;
}

/*
 * Why not, and why not alone: a bio that must not be polled keeps its interrupt;
 * one that others are in flight with, or that nobody waits for yet, is polled
 * where its submitter waits (wait.c). 0 = FORCEPOLL_COUNT_submitted.
 */

/* Reasons in the kind of I/O, R4 R8 R10. */
static enum forcepoll_count bio_reason(struct bio *bio, u32 max_bytes)
{
	const blk_opf_t opf = bio->bi_opf;

	if (bio_op(bio) != REQ_OP_READ && bio_op(bio) != REQ_OP_WRITE)
		return FORCEPOLL_COUNT_skip_op;
	if (opf & (REQ_PREFLUSH | REQ_FUA))
		return FORCEPOLL_COUNT_skip_flush;
	if (opf & REQ_POLLED)
		return FORCEPOLL_COUNT_skip_polled;
	if (opf & (FP_REQ_SWAP | FP_REQ_PUNT) || !bio->bi_iter.bi_size)
		return FORCEPOLL_COUNT_skip_op;
	/* Nested it is NVMe multipath's: a bio that may change its device. */
	if (opf & REQ_DRV && !current->bio_list)
		return FORCEPOLL_COUNT_skip_op;
	if (max_bytes && bio->bi_iter.bi_size > max_bytes)
		return FORCEPOLL_COUNT_skip_large;
	/*
	 * It completes with its children, which its submitter may be about to
	 * make: gfs2_chain_bio() submits the parent first.
	 */
	if (bio_flagged(bio, BIO_CHAIN))
		return FORCEPOLL_COUNT_skip_batched;
	if (bio_has_crypt_ctx(bio))
		return FORCEPOLL_COUNT_skip_crypt;
	return 0;
}

/*
 * A single direct I/O gains more in here than at its wait, up to 256 KiB at least
 * (tests/bench/run --only sizes). But of a file in many extents each has a bio of its
 * own, the larger the I/O the more, and they would come one after the other.
 */
static unsigned int alone_bytes = 32768;
module_param(alone_bytes, uint, 0644);
MODULE_PARM_DESC(alone_bytes,
		 "larger I/O is polled where its submitter waits (32768)");

/* R3. A journal's writes are waited for by other tasks than its own. */
static enum forcepoll_count bio_reason_alone(struct bio *bio)
{
	const blk_opf_t opf = bio->bi_opf;
	const blk_opf_t direct = REQ_SYNC | REQ_IDLE;

	if (opf & REQ_NOWAIT)
		return FORCEPOLL_COUNT_skip_nowait;
	/* btrfs reads metadata ahead with nothing but REQ_META to tell. */
	if (!op_is_write(bio_op(bio)) &&
	    (opf & (REQ_META | REQ_PRIO | REQ_SYNC)) == REQ_META)
		return FORCEPOLL_COUNT_skip_readahead;
	/* fsync() writes many pages at once, with REQ_SYNC but not REQ_IDLE. */
	if (op_is_write(bio_op(bio)) &&
	    ((opf & direct) != direct || (opf & REQ_META)))
		return FORCEPOLL_COUNT_skip_writeback;
	if (bio->bi_iter.bi_size > READ_ONCE(alone_bytes) ||
	    forcepoll_split_needed(bio))
		return FORCEPOLL_COUNT_skip_large;
	return 0;
}

static bool swap_in(const struct bio *bio)
{
	return folio_test_swapcache(page_folio(bio->bi_io_vec->bv_page));
}

/* Real-time tasks, while nothing limits them, poll alone, and sleep for one in four. */
static DEFINE_PER_CPU(unsigned int, rt_turns);

static bool must_sleep(const struct bio *bio)
{
	if (likely(!forcepoll_poll_time_counts()))
		return false;
	return dl_task(current) || rlimit(RLIMIT_CPU) != RLIM_INFINITY ||
	       rlimit(RLIMIT_RTTIME) != RLIM_INFINITY || current->bio_list ||
	       !queue_is_mq(bdev_get_queue(bio->bi_bdev)) ||
	       !(this_cpu_inc_return(rt_turns) & 3);
}

/* Reasons in the submitter, R6 and hazard 2.9. */
static enum forcepoll_count task_reason(const struct bio *bio)
{
	if (current->flags & FP_PF_WORKER)
		return FORCEPOLL_COUNT_skip_worker;
	if (current->flags & PF_MEMALLOC)
		return FORCEPOLL_COUNT_skip_reclaim;
	if (!in_task() || in_atomic() || irqs_disabled() ||
	    READ_ONCE(current->__state) != TASK_RUNNING)
		return FORCEPOLL_COUNT_skip_atomic;
	if (must_sleep(bio))
		return FORCEPOLL_COUNT_skip_sched;
	return 0;
}

/* R5 R7. */
static enum forcepoll_count task_reason_alone(struct bio *bio, int nr)
{
	const struct blk_plug *plug = current->plug;

	if (current->bio_list) /* only queued until we return: a deadlock */
		return FORCEPOLL_COUNT_skip_nested;
	/* One of several, as for the drives of a mirror; md's come late, in a plug. */
	if (bio_flagged(bio, BIO_CLONED))
		return FORCEPOLL_COUNT_skip_batched;
	if (fp_syscall_is_io_submit(nr))
		return FORCEPOLL_COUNT_skip_aio;
	if (fp_syscall_is_io_uring(nr))
		return FORCEPOLL_COUNT_skip_uring;
	if (bio->bi_opf & REQ_RAHEAD &&
	    !forcepoll_readahead_awaited(bio, nr == -1))
		return FORCEPOLL_COUNT_skip_readahead;
	/*
	 * Swap is read ahead without a flag; and what is not is read under the lock of
	 * the mapping, which is dropped before it is waited for.
	 */
	if ((plug && plug->rq_count) ||
	    (!op_is_write(bio_op(bio)) && swap_in(bio)))
		return FORCEPOLL_COUNT_skip_batched;
	return 0;
}

/* Reasons in the device, R8 R9, and the user's choice of devices. */
static enum forcepoll_count device_reason(struct bio *bio, u32 flags)
{
	struct block_device *bdev = bio->bi_bdev;
	struct request_queue *q = bdev_get_queue(bdev);

	if (!queue_is_mq(q))
		return FORCEPOLL_COUNT_skip_bio_based;
	if (flags & FORCEPOLL_TARGET_DEVICES &&
	    !forcepoll_target_device(disk_devt(bdev->bd_disk)))
		return FORCEPOLL_COUNT_skip_device;
	/* It would be split, and then has interrupts: to poll would be in vain. */
	if (forcepoll_split_needed(bio) && !forcepoll_split_allowed(bio))
		return FORCEPOLL_COUNT_skip_large;
	/* A worker verifies what was read, when the request is gone already. */
	if (blk_get_integrity(bdev->bd_disk))
		return FORCEPOLL_COUNT_skip_integrity;
	if (op_is_write(bio_op(bio)) && bdev_is_zoned(bdev))
		return FORCEPOLL_COUNT_skip_zoned;
	if (q->elevator)
		return FORCEPOLL_COUNT_skip_elevator;
	if (!queue_can_poll(q))
		return FORCEPOLL_COUNT_skip_no_queue;
	return 0;
}

static enum forcepoll_origin origin_of(const struct bio *bio, int nr)
{
	if (op_is_write(bio_op(bio)))
		return FORCEPOLL_ORIGIN_write;
	if (nr != -1)
		return FORCEPOLL_ORIGIN_read;
	return swap_in(bio) ? FORCEPOLL_ORIGIN_swap : FORCEPOLL_ORIGIN_fault;
}

/* Is there a place where this one's submitter will look after it? */
static bool waits_elsewhere(const struct bio *bio, int nr,
			    enum forcepoll_count alone)
{
	if (queue_is_mq(bdev_get_queue(bio->bi_bdev)) &&
	    !forcepoll_flight_able(bio->bi_bdev->bd_disk))
		return false;
	/* It may go to sleep, and the worker not get a CPU before it. */
	if (rt_task(current))
		return false;
	if (fp_syscall_is_io_submit(nr))
		return forcepoll_hook_waits_in(FORCEPOLL_WAIT_aio);
	if (fp_syscall_is_io_uring(nr))
		return forcepoll_hook_waits_in(FORCEPOLL_WAIT_uring);
	/* Must not wait, and not asked by a ring: nobody will. */
	if (alone == FORCEPOLL_COUNT_skip_nowait)
		return false;
	/* XFS waits for its buffers, and its log, in a plain schedule(). */
	if (bio->bi_opf & REQ_META && (op_is_write(bio_op(bio)) ||
				       !(bio->bi_opf & (REQ_PRIO | REQ_SYNC))))
		return false;
	return forcepoll_hook_waits_in(FORCEPOLL_WAIT_io_schedule);
}

/*
 * Of a file in many extents direct I/O has a bio for each, all under one plug: who waited
 * for each in here would have them one after the other. So the second one of a plug is
 * not waited for, nor is the first of the next plugs on this CPU (a hint: it may migrate).
 */
#define IN_PIECES 32
static DEFINE_PER_CPU(unsigned int, pieces);

static bool in_pieces(const struct bio *bio, int nr)
{
	const struct blk_plug *plug = current->plug;
	unsigned int left = this_cpu_read(pieces);

	if (!plug || (likely(plug->nr_ios) && likely(!left)))
		return false;
	if (!forcepoll_poll_is_direct(bio) || !waits_elsewhere(bio, nr, 0))
		return false;
	/* squashfs reads into pages of its own, and waits for them under the plug. */
	if (nr == -1 || forcepoll_readahead_within())
		return false;
	this_cpu_write(pieces, plug->nr_ios ? left - 1 : IN_PIECES);
	return true;
}

static enum forcepoll_count reason_alone(struct bio *bio, int nr)
{
	enum forcepoll_count why = bio_reason_alone(bio);

	/* Of the pieces that are too large for it, too, the first would come alone. */
	if (why == FORCEPOLL_COUNT_skip_large && current->plug &&
	    !current->plug->nr_ios)
		in_pieces(bio, nr);
	if (!why)
		why = task_reason_alone(bio, nr);
	if (!why && in_pieces(bio, nr))
		why = FORCEPOLL_COUNT_skip_batched;
	if (!why && held_lately() && waits_elsewhere(bio, nr, 0))
		why = FORCEPOLL_COUNT_held;
	return why;
}

/*
 * What must not be polled, and what is waited for where we do not look, must not be
 * below either. Its flags may be lost on the way, as REQ_META is in md.
 */
static void submit_stacked(struct bio *bio, int nr, enum forcepoll_count why,
			   bool observe)
{
	enum forcepoll_count alone = 0;

	if (why == FORCEPOLL_COUNT_skip_bio_based) {
		alone = reason_alone(bio, nr);
		if (!alone || waits_elsewhere(bio, nr, alone))
			why = 0;
	}
	if (why)
		forcepoll_stack_leave(bio);
	else if (observe)
		forcepoll_hook_submit(bio); /* those below are observed, too */
	else
		forcepoll_stack_submit(bio, origin_of(bio, nr),
				       !alone &&
					       !(READ_ONCE(skip_busy) &&
						 forcepoll_poll_cpu_wanted()));
}

/* May it be polled in the time that is left for that? */
static bool over_budget(const struct forcepoll_target *target)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	u64 whose = forcepoll_budget_whose(target);

	if (READ_ONCE(owner->whose) != whose)
		WRITE_ONCE(owner->whose, whose);
	return forcepoll_budget_over(whose);
}

/* It can be polled. */
static void submit_judged(struct bio *bio,
			  const struct forcepoll_target *target,
			  enum forcepoll_origin origin, bool alone)
{
	struct forcepoll_verdict v = { .mode = FORCEPOLL_MODE_poll };
	enum forcepoll_count why = FORCEPOLL_COUNT_skip_judge;

	if (forcepoll_budget_is_set() && over_budget(target)) {
		v.mode = FORCEPOLL_MODE_interrupt;
		why = FORCEPOLL_COUNT_skip_budget;
	} else if (static_branch_unlikely(&forcepoll_policy_loaded) &&
		   forcepoll_policy_select(bio, origin, alone,
					   forcepoll_whose(target), &v)) {
		v.policy = true;
	} else if (READ_ONCE(forcepoll_judge_asked)) {
		forcepoll_judge(bio, target, origin, alone, &v);
	}
	if ((v.trial && !alone) ||
	    (v.policy && !(alone && v.mode != FORCEPOLL_MODE_interrupt)))
		forcepoll_judge_watch(bio, &v, target, origin, alone);
	if (v.mode == FORCEPOLL_MODE_interrupt) {
		forcepoll_stats_count(why);
		forcepoll_flight_beside(bio);
		if (v.trial && alone)
			wait_to_completion(bio, &v);
		else
			forcepoll_hook_submit(bio);
	} else if (alone) {
		poll_to_completion(bio, target, origin, &v);
	} else if (forcepoll_split_needed(bio) &&
		   forcepoll_split_allowed(bio)) { /* limits may have changed */
		forcepoll_split_submit(bio, origin);
	} else {
		forcepoll_flight_submit(bio, origin);
	}
}

void forcepoll_poll_submit(struct bio *bio,
			   const struct forcepoll_target *target)
{
	const bool observe = target->flags & FORCEPOLL_TARGET_OBSERVE;
	const bool stacked = !current->bio_list &&
			     !queue_is_mq(bdev_get_queue(bio->bi_bdev));
	int nr = syscall_get_nr(current, task_pt_regs(current));
	enum forcepoll_count why, alone = 0;

	forcepoll_stats_count(FORCEPOLL_COUNT_submitted);
	/* Decided already: no reason is looked for. */
	if (stacked && !observe && forcepoll_stack_leaves(bio)) {
		forcepoll_stats_count(FORCEPOLL_COUNT_skip_bio_based);
		forcepoll_stack_leave(bio);
		return;
	}
	if (current->bio_list && forcepoll_stack_left(bio)) {
		forcepoll_stats_count(FORCEPOLL_COUNT_skip_nested);
		forcepoll_flight_beside(bio);
		forcepoll_hook_submit(bio);
		return;
	}
	why = bio_reason(bio, target->max_bytes);
	if (!why)
		why = task_reason(bio);
	if (!why)
		why = device_reason(bio, target->flags);
	if (!why) {
		alone = reason_alone(bio, nr);
		if (alone && !waits_elsewhere(bio, nr, alone))
			why = alone;
	}
	if (stacked) {
		forcepoll_stats_count(why);
		submit_stacked(bio, nr, why, observe);
		return;
	}
	/* Last: it changes from one moment to the next. */
	if (!why && READ_ONCE(skip_busy) && forcepoll_poll_cpu_wanted()) {
		if (!observe)
			forcepoll_poll_back_off(true);
		why = FORCEPOLL_COUNT_skip_busy;
	}
	if (!why && observe) {
		forcepoll_stats_observed(origin_of(bio, nr),
					 bio->bi_iter.bi_size);
		why = FORCEPOLL_COUNT_observed;
	}
	if (why) {
		forcepoll_stats_count(why);
		forcepoll_flight_beside(bio);
		forcepoll_hook_submit(bio);
	} else {
		submit_judged(bio, target, origin_of(bio, nr), !alone);
	}
}
