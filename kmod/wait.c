// SPDX-License-Identifier: GPL-2.0
/*
 * Polling where a task would go to sleep: the last moment before it does, when all
 * that it wanted to have in flight is.
 */
#include <linux/blkdev.h>
#include <linux/io_uring_types.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "flight.h"
#include "poll.h"
#include "stats.h"
#include "wait.h"

/*
 * A look at the caller's condition costs less than this. It bounds how late a task
 * hears of a wake-up that was no completion: once TASK_RUNNING it cannot tell.
 */
#define SLICE_NS (20 * NSEC_PER_USEC)

/* The caller of io_schedule() comes back; for how long has it been at it? */
static DEFINE_PER_CPU(
	struct spell {
		const struct task_struct *task;
		u64 start;
		u64 last;
	},
	spell);

/* Preemptible: what another CPU's spell says makes it sleep early or late. */
static bool spell_goes_on(u64 now)
{
	struct spell *s = get_cpu_ptr(&spell);
	bool on = true;

	if (s->task != current || now - s->last > 2 * SLICE_NS) {
		s->task = current;
		s->start = now;
	} else if (now - s->start > forcepoll_poll_spin_ns()) {
		forcepoll_poll_adapt_spin(false);
		s->task = NULL;
		on = false;
	}
	s->last = now;
	put_cpu_ptr(&spell);
	return on;
}

static u64 spell_pauses(void)
{
	struct spell *s = get_cpu_ptr(&spell);
	u64 now = local_clock();

	s->last = now;
	put_cpu_ptr(&spell);
	return now;
}

bool forcepoll_wait_instead(void)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	int bios = atomic_read(&owner->bios);
	u64 start = local_clock(), now;

	if (!bios)
		return false;
	/* R15: to flush a plug may sleep, which the task's state forbids. */
	if (forcepoll_poll_plugged() || forcepoll_poll_cpu_wanted() ||
	    !spell_goes_on(start)) {
		forcepoll_flight_leave(owner);
		return false;
	}

	/* No wake-up is lost: the caller looks again before it sleeps. */
	__set_current_state(TASK_RUNNING);
	atomic_inc(&owner->waiting);
	do {
		if (forcepoll_flight_look(owner) ||
		    atomic_read(&owner->bios) != bios) {
			forcepoll_poll_adapt_spin(true);
			break;
		}
		if (forcepoll_poll_cpu_wanted())
			break;
	} while (forcepoll_poll_ns_since(start) < SLICE_NS);
	atomic_dec(&owner->waiting);
	now = spell_pauses();
	forcepoll_poll_spun(owner, owner->origin, now - min(now, start));
	return true;
}

static void look_once(struct forcepoll_owner *owner)
{
	atomic_inc(&owner->waiting);
	forcepoll_flight_look(owner);
	atomic_dec(&owner->waiting);
}

/*
 * For those that ask for events, in a running state. @enough: there are as many
 * as they want, or something to do for them.
 */
static u64 look_until(bool (*enough)(void *arg, long min), void *arg, long min,
		      u64 limit)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	u64 spin_ns = forcepoll_poll_spin_ns(), start, ns = 0;
	unsigned int mixed = READ_ONCE(owner->mixed);

	/* Atomic: another tracer of the same function. */
	if (in_atomic() || irqs_disabled())
		return 0;
	if (enough(arg, min)) {
		/* By interrupts, while nobody looks after the others? */
		if (mixed) {
			WRITE_ONCE(owner->mixed, mixed - 1);
			look_once(owner);
		}
		return 0;
	}
	start = local_clock();
	atomic_inc(&owner->waiting);
	while (atomic_read(&owner->bios)) {
		forcepoll_flight_look(owner);
		ns = forcepoll_poll_ns_since(start);
		if (enough(arg, min)) { /* by an interrupt, too: they may mix */
			forcepoll_poll_adapt_spin(true);
			goto out;
		}
		if (ns >= spin_ns) {
			forcepoll_poll_adapt_spin(false);
			break;
		}
		if (ns >= limit || task_sigpending(current) ||
		    forcepoll_poll_cpu_wanted())
			break;
	}
	if (atomic_read(&owner->bios))
		forcepoll_flight_leave(owner);
out:
	atomic_dec(&owner->waiting);
	forcepoll_poll_spun(owner, owner->origin, ns);
	return ns;
}

/* The part of its ring that libaio's users know, as the kernel maps it to them. */
struct aio_head {
	u32 id;
	u32 nr;
	u32 head;
	u32 tail;
};

/*
 * Whatever the user writes there, it is only how long to wait; when it cannot be
 * read the kernel will say so.
 */
static bool enough_aio(void *ring, long min)
{
	const struct aio_head __user *h = (void __user *)ring;
	u32 nr, head, tail, ready;

	pagefault_disable();
	if (!user_read_access_begin(h, sizeof(*h)))
		goto unreadable;
	unsafe_get_user(nr, &h->nr, fault);
	unsafe_get_user(head, &h->head, fault);
	unsafe_get_user(tail, &h->tail, fault);
	user_read_access_end();
	pagefault_enable();

	ready = tail - head;
	if (tail < head)
		ready += nr;
	return ready >= min;

fault:
	user_read_access_end();
unreadable:
	pagefault_enable();
	return true;
}

void forcepoll_wait_aio(unsigned long ring, long min,
			struct timespec64 *timeout)
{
	u64 ns, left = U64_MAX;

	/* It does not want to wait, and sees what one look finds. */
	if (min <= 0 || (timeout && !timespec64_to_ns(timeout))) {
		if (!in_atomic() && !irqs_disabled())
			look_once(forcepoll_owner());
		return;
	}
	if (timeout) {
		if (!timespec64_valid(timeout))
			return;
		left = timespec64_to_ns(timeout);
	}
	ns = look_until(enough_aio, (void *)ring, min, left);
	if (timeout)
		*timeout = ns_to_timespec64(left - min(left, ns));
}

static long count_works(const struct llist_head *list, long max)
{
	const struct llist_node *node;
	long n = 0;

	for (node = READ_ONCE(list->first); node && n < max; node = node->next)
		n++;
	return n;
}

/*
 * Completions are task work first, and events when the task has run that. Only the
 * task itself takes them off these lists, and it is here.
 */
static bool enough_uring(void *arg, long min)
{
	struct io_ring_ctx *ctx = arg;

	min -= (int)(READ_ONCE(ctx->rings->cq.tail) -
		     READ_ONCE(ctx->rings->cq.head));
	if (min > 0 && ctx->submitter_task == current)
		min -= count_works(&ctx->work_llist, min);
	if (min > 0 && current->io_uring)
		min -= count_works(&current->io_uring->task_list, min);
	return min <= 0;
}

void forcepoll_wait_uring(struct io_ring_ctx *ctx, int min, bool timeout)
{
	if (ctx->flags & IORING_SETUP_IOPOLL || min <= 0)
		return;
	/* Its time begins when we are done, and how long it is we cannot see. */
	look_until(enough_uring, ctx, min, timeout ? SLICE_NS : U64_MAX);
}
