// SPDX-License-Identifier: GPL-2.0
/*
 * Bios in flight that nobody waits for inside submit_bio(): asynchronous ones,
 * and several at once. They are marked REQ_POLLED and counted, and whoever waits
 * looks at the completion queues (wait.c); when nobody does, the backstop.
 *
 * A look needs no bio, only the hardware queue: a bio may be gone at any moment,
 * or be on its way to another drive (NVMe multipath). The memory of a device's
 * request_queue and block_device is held from its first marked bio until it is dead
 * or nothing is bound; that holds up neither its removal nor its driver's. A look
 * takes the pointers with preemption off, which dropping them waits for, and then a
 * queue reference, which is refused once the queue is dead. While it is held no
 * freeze ends, so the map from CPUs to hardware queues stays.
 *
 * Each request that carries a counted bio is on a poll queue, or has an interrupt
 * (merged into one that is not polled, split). So looking at all poll queues of
 * the device completes it, whatever became of the mark: no REQ_NOMERGE here.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>

#include "bio.h"
#include "compat.h"
#include "flight.h"
#include "hook.h"
#include "poll.h"
#include "stash.h"
#include "stats.h"
#include "trace.h"

static unsigned int backstop_us = 100;
module_param(backstop_us, uint, 0644);
MODULE_PARM_DESC(
	backstop_us,
	"look after bios that nobody has looked after for so long (100)");

/* By request_queue->id: small, and unique among those that are alive. */
#define MAX_DEVICES 1024
static struct forcepoll_device *devices[MAX_DEVICES];
static struct forcepoll_device *in_use[MAX_DEVICES];
static atomic_t nr_in_use = ATOMIC_INIT(0);

struct forcepoll_owner forcepoll_owners[1 << FORCEPOLL_OWNER_BITS];

/* One for each bio, from submission to completion. */
struct flight {
	struct bio *bio;
	struct forcepoll_bio was;
	struct forcepoll_device *device;
	struct forcepoll_owner *owner;
	u8 origin; /* enum forcepoll_origin */
	u32 tgid; /* of its submitter */
	u64 start;
	struct llist_node late;
};

/* Two: one's work may wait for the other's, and one thread may have to do both. */
static struct workqueue_struct *workers, *late_workers;

/*
 * In forcepoll_flight_complete(): 1, or since the first of ours that it found the
 * time, by local_clock(). 0 outside of it.
 */
static DEFINE_PER_CPU(u64, completing);

/* -- completion ---------------------------------------------------------------- */

/* Its device stays counted until the bio, which may point to it, is out of hand. */
static struct forcepoll_device *land(struct flight *f)
{
	struct forcepoll_device *d = f->device;

	atomic_dec(&f->owner->bios);
	forcepoll_stash_put(f);
	return d;
}

/* @polled: when it was found, or 0. */
static void count(const struct flight *f, u64 polled)
{
	unsigned int bytes = f->was.iter.bi_size;
	u64 ns = max_t(s64, polled - f->start, 0);

	if (!polled) {
		forcepoll_stats_count(FORCEPOLL_COUNT_unpolled);
		return;
	}
	forcepoll_stats_count(FORCEPOLL_COUNT_async);
	forcepoll_stats_polled(f->origin, bytes, 0, ns, 0);
	trace_forcepoll_reap(f->bio, bytes, f->origin, ns, f->tgid);
}

static u64 period_min(void)
{
	return max(READ_ONCE(backstop_us), 10u) * (u64)NSEC_PER_USEC;
}

/*
 * An owner that computes, or sleeps where nobody polls (epoll), does better with
 * interrupts. So when the backstop found a bio of it, it leaves some to them
 * before it tries again: twice as many each time, a quarter less after each one
 * that was looked after. The numbers may be torn between CPUs: they are hints.
 */
#define LEAVE_MAX 255

/* @age: of the bio when it was found, ns. */
static void learn(struct forcepoll_owner *o, u64 age)
{
	unsigned int leave = READ_ONCE(o->leave);

	if (atomic_read(&o->waiting)) {
		if (leave)
			WRITE_ONCE(o->leave, leave - DIV_ROUND_UP(leave, 4));
	} else if (forcepoll_owner() == o ||
		   (!(current->flags & PF_WQ_WORKER) &&
		    age <= 8 * period_min())) {
		; /* in passing, or soon enough by one who waits for its own */
	} else if (!READ_ONCE(o->left)) {
		leave = min(2 * leave + 1, LEAVE_MAX);
		WRITE_ONCE(o->leave, leave);
		WRITE_ONCE(o->left, leave);
	}
}

static bool unattended(struct forcepoll_owner *o)
{
	unsigned int left = READ_ONCE(o->left);

	if (!left || !forcepoll_poll_skip_busy())
		return false;
	WRITE_ONCE(o->left, left - 1);
	return true;
}

static void complete_now(struct flight *f)
{
	struct bio *bio = f->bio;
	struct forcepoll_device *d;
	u64 looked = this_cpu_read(completing);

	if (looked == 1) { /* interrupts are off: one CPU */
		looked = local_clock();
		this_cpu_write(completing, looked);
	}
	/* Else an interrupt, of a request that it was merged into, or late. */
	count(f, looked);
	if (looked)
		learn(f->owner, max_t(s64, looked - f->start, 0));
	forcepoll_bio_give_back(bio, &f->was);
	d = land(f);
	bio_endio(bio);
	atomic_dec(&d->bios);
}

/*
 * A completion may take locks and look at its context, so it gets the one that it
 * knows: an interrupt, or as good as that, see forcepoll_flight_complete(). Errors
 * complete under the lock of the driver's queue, and other pollers (io_uring's
 * IOPOLL) in process context: those are completed by a worker.
 */
static void flight_end_io(struct bio *bio)
{
	struct flight *f = bio->bi_private;

	if (!bio->bi_status && (this_cpu_read(completing) || !in_task())) {
		complete_now(f);
		return;
	}
	if (llist_add(&f->late, &f->device->late))
		queue_work(late_workers, &f->device->late_work);
}

bool forcepoll_flight_looking(void)
{
	return this_cpu_read(completing);
}

void forcepoll_flight_complete(struct io_comp_batch *iob)
{
	unsigned long flags;

	if (!iob->complete)
		return;
	local_irq_save(flags);
	this_cpu_write(completing, 1);
	iob->complete(iob);
	this_cpu_write(completing, 0);
	local_irq_restore(flags);
}

/*
 * As in an interrupt, which a grace period waits for: whoever waits for the bio may see
 * that it is done, and be gone, before it is woken up (blk_wake_io_task()).
 */
static void complete_as_irq(struct flight *f)
{
	unsigned long flags;

	fp_look_begin();
	local_irq_save(flags);
	complete_now(f);
	local_irq_restore(flags);
	fp_look_end();
}

/*
 * R11, as in poll.c. Its cgroup is the worker's now: an error is rare enough. The
 * worker may wait, also for what the submitter must not wait for.
 */
static void submit_unmarked(struct flight *f)
{
	struct bio *bio = f->bio;
	struct forcepoll_device *d;

	/*
	 * A disk that nobody has open, a path of NVMe multipath, may be taken apart by
	 * now, and has no blkg to give then. It is marked before, and frozen in between,
	 * which is a grace period. The submission would end like this.
	 */
	rcu_read_lock();
	if (blk_queue_dying(bdev_get_queue(bio->bi_bdev))) {
		rcu_read_unlock();
		bio->bi_status = BLK_STS_IOERR;
		complete_as_irq(f);
		return;
	}
	forcepoll_bio_give_back(bio, &f->was);
	forcepoll_bio_rewind(bio, &f->was);
	rcu_read_unlock();
	forcepoll_stats_count(FORCEPOLL_COUNT_resubmitted);
	forcepoll_stats_count(FORCEPOLL_COUNT_unpolled);
	/* io_uring tries again by itself only in the task that submitted. */
	bio->bi_opf &= ~REQ_NOWAIT;
	d = land(f);
	submit_bio_noacct(bio);
	atomic_dec(&d->bios);
}

static void complete_late(struct work_struct *work)
{
	struct forcepoll_device *d =
		container_of(work, struct forcepoll_device, late_work);
	struct llist_node *all = llist_reverse_order(llist_del_all(&d->late));
	struct llist_node *node, *next, *again = NULL;
	struct flight *f;

	for (node = all; node; node = next) {
		next = node->next;
		f = llist_entry(node, struct flight, late);
		forcepoll_stats_count(FORCEPOLL_COUNT_late);
		if (f->bio->bi_status &&
		    forcepoll_bio_maybe_ours(f->bio, &f->was)) {
			node->next = again;
			again = node;
		} else {
			complete_as_irq(f);
		}
	}
	/* Last: it may wait, for as long as a reset takes. */
	for (node = again; node; node = next) {
		next = node->next;
		submit_unmarked(llist_entry(node, struct flight, late));
	}
}

/* -- devices ------------------------------------------------------------------- */

static enum hrtimer_restart backstop(struct hrtimer *timer);
static void look_for_owner(struct work_struct *work);
static void forget_devices(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(forget_work, forget_devices);
static bool forget_all;

/* True when there is nothing to forget any more. */
static bool forget(struct forcepoll_device *d)
{
	struct request_queue *q;
	struct block_device *bdev;

	spin_lock(&d->lock);
	q = d->q;
	bdev = d->bdev;
	if (q && (READ_ONCE(forget_all) || blk_queue_dying(q))) {
		WRITE_ONCE(d->q, NULL);
		smp_mb(); /* pairs with the one in take_device() */
		if (atomic_read(&d->bios)) {
			WRITE_ONCE(d->q, q);
			q = NULL;
		}
	} else {
		q = NULL;
	}
	spin_unlock(&d->lock);
	if (!q)
		return !READ_ONCE(d->q);
	synchronize_rcu(); /* a look that has seen it */
	iput(fp_bdev_inode(bdev));
	blk_put_queue(q);
	return true;
}

/*
 * Once a second: a drive that has gone must not keep its number for long, or it would
 * come back with another one.
 */
static void forget_devices(struct work_struct *work)
{
	int i, n = atomic_read(&nr_in_use);
	bool all = true;

	for (i = 0; i < n; i++)
		if (READ_ONCE(in_use[i]))
			all &= forget(in_use[i]);
	if (!all)
		queue_delayed_work(workers, &forget_work, HZ);
}

/* Rare: the first marked bio of a device that was not known. */
static bool remember(struct forcepoll_device *d, struct request_queue *q,
		     struct block_device *bdev)
{
	spin_lock(&d->lock);
	/* An id is not used again before its queue is freed: only from NULL. */
	if (!d->q && blk_get_queue(q)) {
		ihold(fp_bdev_inode(bdev));
		d->bdev = bdev;
		/* Who sees q sees its bdev: look() acquires. */
		smp_store_release(&d->q, q);
		queue_delayed_work(workers, &forget_work, HZ);
	}
	spin_unlock(&d->lock);
	return READ_ONCE(d->q) == q;
}

void forcepoll_flight_hold(bool hold)
{
	WRITE_ONCE(forget_all, !hold);
	if (!hold)
		mod_delayed_work(workers, &forget_work, 0);
}

static struct forcepoll_device *make_device(unsigned int id)
{
	struct forcepoll_device *d;

	d = kzalloc(sizeof(*d), GFP_NOWAIT | __GFP_NOWARN);
	if (!d)
		return NULL;
	d->bit = id % BITS_PER_LONG;
	spin_lock_init(&d->lock);
	hrtimer_init(&d->backstop, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	d->backstop.function = backstop;
	INIT_WORK(&d->work, look_for_owner);
	INIT_WORK(&d->late_work, complete_late);
	if (cmpxchg(&devices[id], NULL, d)) {
		kfree(d);
		return devices[id];
	}
	WRITE_ONCE(in_use[atomic_inc_return(&nr_in_use) - 1], d);
	return d;
}

/* Of the bio, with one more counted. */
static struct forcepoll_device *take_device(struct bio *bio)
{
	struct block_device *bdev = bio->bi_bdev->bd_disk->part0;
	struct request_queue *q = bdev_get_queue(bdev);
	unsigned int id = q->id;
	struct forcepoll_device *d;

	if (id >= MAX_DEVICES)
		return NULL;
	d = READ_ONCE(devices[id]) ?: make_device(id);
	if (!d || (READ_ONCE(d->q) != q && !remember(d, q, bdev)))
		return NULL;
	/*
	 * Half of the tags stay: who waits for one may not poll. Of several namespaces
	 * each has a share of them: who waits there does so for the backstop.
	 */
	if (atomic_read(&d->bios) >= q->nr_requests / 2)
		return NULL;
	atomic_inc(&d->bios);
	smp_mb__after_atomic(); /* the count first, then who has been forgotten */
	if (READ_ONCE(d->q) != q) {
		atomic_dec(&d->bios);
		return NULL;
	}
	return d;
}

/* -- looking ------------------------------------------------------------------- */

/* A bio that says which hardware queue, for bio_poll(), which asks no more. */
static void look_at(struct block_device *bdev, unsigned int hctx,
		    struct io_comp_batch *iob)
{
	struct bio proxy;

	proxy.bi_bdev = bdev;
	proxy.bi_cookie = fp_poll_cookie(hctx);
	proxy.bi_opf = REQ_POLLED;
	bio_poll(&proxy, iob, FP_POLL_FLAGS);
}

/*
 * At the poll queues of d, whose queue is held: at all of them, or at that of this CPU,
 * and now and then at all. There may be as many as there are CPUs, and what this task
 * has submitted is elsewhere only if it has moved, or if another has submitted it.
 */
static void look_at_queues(struct forcepoll_device *d,
			   struct block_device *bdev,
			   const struct blk_mq_tag_set *set,
			   struct io_comp_batch *iob, bool all)
{
	const struct blk_mq_queue_map *map;
	unsigned int i, own;

	all |= !(++d->turns & 7);
	if (set->nr_maps > HCTX_TYPE_POLL) {
		map = &set->map[HCTX_TYPE_POLL];
		own = map->nr_queues ? map->mq_map[raw_smp_processor_id()] : 0;
		if (map->nr_queues)
			look_at(bdev, own, iob);
		for (i = 0; i < map->nr_queues && all; i++)
			if (map->queue_offset + i != own)
				look_at(bdev, map->queue_offset + i, iob);
		all |= map->nr_queues == 1;
	}
	if (all)
		WRITE_ONCE(d->looks, READ_ONCE(d->looks) + 1);
}

/*
 * Not while the queue is quiesced: then its driver takes care of all that it has,
 * and may have freed what it looks at to poll (virtblk_freeze()).
 */
static bool look(struct forcepoll_device *d, bool all)
{
	DEFINE_IO_COMP_BATCH(iob);
	struct block_device *bdev;
	struct request_queue *q;

	fp_look_begin();
	q = smp_load_acquire(&d->q); /* bdev was written before it */
	bdev = d->bdev;
	if (!q || !percpu_ref_tryget(&q->q_usage_counter))
		goto out;
	if (!blk_queue_quiesced(q))
		look_at_queues(d, bdev, q->tag_set, &iob, all);
	percpu_ref_put(&q->q_usage_counter);
	forcepoll_stats_count(FORCEPOLL_COUNT_looks);
	forcepoll_flight_complete(&iob);
out:
	fp_look_end();
	return iob.complete;
}

void forcepoll_flight_look_for(const struct bio *bio)
{
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	const struct blk_mq_queue_map *map;
	DEFINE_IO_COMP_BATCH(iob);
	unsigned int i;

	fp_look_begin();
	if (!percpu_ref_tryget(&q->q_usage_counter))
		goto out;
	if (q->tag_set->nr_maps > HCTX_TYPE_POLL && !blk_queue_quiesced(q)) {
		map = &q->tag_set->map[HCTX_TYPE_POLL];
		for (i = 0; i < map->nr_queues; i++)
			look_at(bio->bi_bdev, map->queue_offset + i, &iob);
	}
	percpu_ref_put(&q->q_usage_counter);
	forcepoll_flight_complete(&iob);
out:
	fp_look_end();
}

bool forcepoll_flight_look(const struct forcepoll_owner *owner)
{
	int i, n = atomic_read(&nr_in_use);
	bool found = false;

	for (i = 0; i < n; i++) {
		struct forcepoll_device *d = READ_ONCE(in_use[i]);

		if (d && test_bit(d->bit, &owner->devices) &&
		    atomic_read(&d->bios))
			found |= look(d, false);
	}
	return found;
}

/* -- backstop ------------------------------------------------------------------ */

/*
 * While somebody looks between one call of the timer and the next, the time to the
 * one after doubles: those who poll need no timer. When nobody did, not in the
 * shortest time either, the worker looks, every backstop_us or an eighth of the time
 * that it has been at it, until somebody else does.
 */
#define PERIODS_MAX 16
#define TURNS_MAX 64

static void look_for_owner(struct work_struct *work)
{
	struct forcepoll_device *d =
		container_of(work, struct forcepoll_device, work);
	unsigned long us = period_min() / NSEC_PER_USEC, nap;
	ktime_t start = ktime_get();
	unsigned int looks, turns = 0;

	WRITE_ONCE(d->working, true);
	do {
		forcepoll_stats_count(FORCEPOLL_COUNT_backstop);
		while (look(d, true) && atomic_read(&d->bios) &&
		       ++turns < TURNS_MAX) {
			start = ktime_get();
			cond_resched();
		}
		/*
		 * Not for ever: a single thread may have to do all works, and others'
		 * are found, too.
		 */
		if (++turns > TURNS_MAX) {
			queue_work(workers, work);
			break;
		}
		looks = READ_ONCE(d->looks);
		if (!atomic_read(&d->bios))
			break;
		nap = ktime_us_delta(ktime_get(), start) / 8;
		nap = clamp(nap, us, max(us, 10000ul));
		usleep_range(nap, nap + nap / 4);
	} while (READ_ONCE(d->looks) == looks);
	WRITE_ONCE(d->working, false);
}

static enum hrtimer_restart backstop(struct hrtimer *timer)
{
	struct forcepoll_device *d =
		container_of(timer, struct forcepoll_device, backstop);
	unsigned int looks = READ_ONCE(d->looks);
	unsigned int submits = READ_ONCE(d->submits);

	if (!atomic_read(&d->bios)) {
		WRITE_ONCE(d->armed, false);
		smp_mb(); /* pairs with the one in arm() */
		if (!atomic_read(&d->bios) || xchg(&d->armed, true))
			return HRTIMER_NORESTART;
	}
	if (READ_ONCE(d->looks_seen) != looks || READ_ONCE(d->working)) {
		d->period = min(2 * d->period, PERIODS_MAX * period_min());
	} else if (d->period > period_min()) {
		/* Or was it the host of this machine that stood still? */
		d->period = period_min();
	} else if (d->submits_seen == submits) { /* else it looks in passing */
		queue_work(workers, &d->work);
	}
	WRITE_ONCE(d->looks_seen, looks);
	d->submits_seen = submits;
	hrtimer_forward_now(timer, ns_to_ktime(d->period));
	return HRTIMER_RESTART;
}

static void arm(struct forcepoll_device *d)
{
	smp_mb__after_atomic(); /* the count first, then "armed" */
	if (READ_ONCE(d->armed))
		return;
	/* Others rely on the timer, who may have a CPU when this task has none. */
	preempt_disable();
	if (!xchg(&d->armed, true)) {
		WRITE_ONCE(d->looks_seen, READ_ONCE(d->looks));
		/* that of who arms it */
		d->submits_seen = READ_ONCE(d->submits) + 1;
		d->period = period_min();
		hrtimer_start(&d->backstop, ns_to_ktime(d->period),
			      HRTIMER_MODE_REL);
	}
	preempt_enable();
}

void forcepoll_flight_leave(const struct forcepoll_owner *owner)
{
	int i, n = atomic_read(&nr_in_use);

	for (i = 0; i < n; i++) {
		struct forcepoll_device *d = READ_ONCE(in_use[i]);

		/* While it works, too: it may be about to leave it to this one. */
		if (d && test_bit(d->bit, &owner->devices) &&
		    atomic_read(&d->bios))
			queue_work(workers, &d->work);
	}
}

/* -- submission ---------------------------------------------------------------- */

static struct flight *take_off(struct bio *bio, struct forcepoll_owner *owner,
			       enum forcepoll_origin origin)
{
	struct flight *f = forcepoll_stash_get();

	if (!f)
		return NULL;
	f->device = take_device(bio);
	if (!f->device) {
		forcepoll_stash_put(f);
		return NULL;
	}
	f->owner = owner;
	/* Never taken away: nothing is looked at that has none in flight. */
	if (!test_bit(f->device->bit, &owner->devices))
		set_bit(f->device->bit, &owner->devices);
	atomic_inc(&owner->bios);
	WRITE_ONCE(owner->flights, READ_ONCE(owner->flights) + 1);
	if (READ_ONCE(owner->origin) != origin)
		WRITE_ONCE(owner->origin, origin);
	f->bio = bio;
	f->origin = origin;
	f->tgid = current->tgid;
	f->start = local_clock();
	return f;
}

/*
 * Who submits one after the other for longer than the backstop's time looks in
 * between: that is cheaper than a worker, which would find them otherwise.
 */
static void look_in_passing(struct forcepoll_device *d, u64 now)
{
	unsigned int looks = READ_ONCE(d->looks);

	WRITE_ONCE(d->submits, READ_ONCE(d->submits) + 1);
	if (READ_ONCE(d->looks_submit) != looks) {
		WRITE_ONCE(d->looks_submit, looks);
		WRITE_ONCE(d->since, now);
	} else if ((s64)(now - READ_ONCE(d->since)) > (s64)period_min()) {
		look(d, true);
	}
}

void forcepoll_flight_pass(const struct forcepoll_owner *owner)
{
	int i, n = atomic_read(&nr_in_use);
	u64 now = local_clock();

	if (forcepoll_poll_plugged())
		return;
	for (i = 0; i < n; i++) {
		struct forcepoll_device *d = READ_ONCE(in_use[i]);

		if (d && test_bit(d->bit, &owner->devices) &&
		    atomic_read(&d->bios))
			look_in_passing(d, now);
	}
}

#define MIXED_LOOKS 64 /* the last with an interrupt may take as long to come */

static __always_inline sector_t first_sector(struct bio *bio)
{
	return bio->bi_iter.bi_sector + (bio_flagged(bio, BIO_REMAPPED) ?
						 0 :
						 bio->bi_bdev->bd_start_sect);
}

/*
 * R11: what is merged into a marked request shares its fate. Could this be, before a
 * marked one in the plug or behind it? It may be split yet, so any part of it. Nested,
 * others are before it that will be in the plug then.
 */
static __always_inline bool touches_marked(struct bio *bio,
					   const struct request_queue *q)
{
	sector_t start = first_sector(bio), end = start + bio_sectors(bio);
	struct request *rq;
	struct bio *other;

	rq_list_for_each(&current->plug->mq_list, rq)
		if (rq->q == q && rq->cmd_flags & REQ_POLLED &&
		    start <= blk_rq_pos(rq) + blk_rq_sectors(rq) &&
		    end >= blk_rq_pos(rq))
			return true;
	if (!current->bio_list)
		return false;
	bio_list_for_each(other, &current->bio_list[0])
		if (bdev_get_queue(other->bi_bdev) == q &&
		    other->bi_opf & REQ_POLLED &&
		    start <= first_sector(other) + bio_sectors(other) &&
		    end >= first_sector(other))
			return true;
	return false;
}

void notrace forcepoll_flight_beside(struct bio *bio)
{
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	struct forcepoll_owner *owner = forcepoll_owner();

	if (!atomic_read(&owner->bios) || !queue_is_mq(q))
		return;
	WRITE_ONCE(owner->mixed, MIXED_LOOKS);
	if (current->plug && touches_marked(bio, q))
		bio->bi_opf |=
			REQ_NOMERGE; /* for good: it has no end_io of ours */
}

bool forcepoll_flight_able(const struct gendisk *disk)
{
	return test_bit(GD_OWNS_QUEUE, &disk->state);
}

void forcepoll_flight_submit(struct bio *bio, enum forcepoll_origin origin)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	struct flight *f = NULL;

	if (unattended(owner)) {
		forcepoll_stats_count(FORCEPOLL_COUNT_skip_unattended);
	} else {
		f = take_off(bio, owner, origin);
		if (!f)
			forcepoll_stats_count(FORCEPOLL_COUNT_skip_full);
	}
	if (!f) {
		forcepoll_flight_beside(bio);
		forcepoll_hook_submit(bio);
		return;
	}
	forcepoll_bio_take(bio, &f->was, flight_end_io, f, REQ_POLLED);
	bio->bi_cookie = BLK_QC_T_NONE;
	arm(f->device);
	/* Nested: forcepoll_flight_pass(). */
	if (!forcepoll_poll_plugged() && !current->bio_list)
		look_in_passing(f->device, f->start);
	forcepoll_hook_submit(bio); /* may be gone when this returns */
}

/* -- life ---------------------------------------------------------------------- */

u64 forcepoll_flight_bios(void)
{
	u64 bios = 0;
	int i;

	for (i = 0; i < MAX_DEVICES; i++)
		if (READ_ONCE(devices[i]))
			bios += atomic_read(&devices[i]->bios);
	return bios;
}

int __init forcepoll_flight_init(void)
{
	BUILD_BUG_ON(sizeof(struct flight) > FORCEPOLL_STASH_SIZE);
	/* A reset or a retry may need it to free memory. */
	workers = alloc_workqueue("forcepoll",
				  WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_UNBOUND, 0);
	late_workers = alloc_workqueue(
		"forcepoll_late", WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_UNBOUND, 0);
	if (workers && late_workers)
		return 0;
	if (workers)
		destroy_workqueue(workers);
	if (late_workers)
		destroy_workqueue(late_workers);
	return -ENOMEM;
}

void forcepoll_flight_drain(void)
{
	while (forcepoll_flight_bios())
		msleep(20);
}

void forcepoll_flight_uninit(void)
{
	int i;

	for (i = 0; i < MAX_DEVICES; i++)
		if (devices[i])
			hrtimer_cancel(&devices[i]->backstop);
	/* Nothing is in flight: this forgets all, and is not queued again. */
	forcepoll_flight_hold(false);
	flush_delayed_work(&forget_work);
	destroy_workqueue(workers); /* after what is queued has run */
	destroy_workqueue(late_workers);
	for (i = 0; i < MAX_DEVICES; i++)
		kfree(devices[i]);
}
