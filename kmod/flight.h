/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FORCEPOLL_FLIGHT_H
#define FORCEPOLL_FLIGHT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "forcepoll.h"

struct bio;
struct block_device;
struct gendisk;
struct io_comp_batch;
struct request_queue;

/*
 * How many bios of a process are in flight, marked and not waited for inside
 * submit_bio(). Found by tgid, so that one thread may submit and another wait.
 * Processes that share a slot may poll for each other, which harms neither; so
 * slots need no making, no freeing and no lock.
 */
#define FORCEPOLL_OWNER_BITS 10
struct forcepoll_owner {
	atomic_t bios;
	atomic_t waiting; /* threads that are looking where they wait */
	unsigned long devices; /* that it has used: their bits */
	unsigned int flights; /* so far */
	atomic_t leaving; /* threads inside a stacked device that is left alone */
	enum forcepoll_origin origin; /* of the last one */
	u64 whose; /* budget, while there is a limit */
	unsigned int leave,
		left; /* bios to leave to interrupts: next time, now */
	unsigned int mixed; /* looks to come that find others with interrupts */
	unsigned long held; /* jiffies: nothing alone until then, see poll.c */
	unsigned int held_shift; /* for how long the next time */
} ____cacheline_aligned_in_smp;
extern struct forcepoll_owner forcepoll_owners[1 << FORCEPOLL_OWNER_BITS];

static __always_inline struct forcepoll_owner *forcepoll_owner(void)
{
	return &forcepoll_owners[hash_32(current->tgid, FORCEPOLL_OWNER_BITS)];
}

/* A device with poll queues. Made at its first marked bio, there until exit. */
struct forcepoll_device {
	spinlock_t lock; /* of changes to the next two */
	struct request_queue *q; /* NULL: nothing is known here; held */
	struct block_device *bdev; /* the whole disk, held while q is set */
	atomic_t bios; /* in flight */
	unsigned int bit; /* in forcepoll_owner.devices; some share one */
	bool armed;
	unsigned int turns; /* of looking */
	unsigned int looks; /* at all its poll queues; some may be missed */
	unsigned int looks_seen; /* by the backstop */
	u64 period; /* of the backstop, ns */
	unsigned int submits, submits_seen; /* likewise */
	unsigned int looks_submit; /* seen by a submission */
	u64 since; /* when it was the first to see them, by local_clock() */
	struct hrtimer backstop;
	struct work_struct work;
	bool working;
	struct llist_head late; /* to be completed by late_work */
	struct work_struct late_work;
};

int forcepoll_flight_init(void);
/* Keep what is known of devices, or let go of it, but for those with bios. */
void forcepoll_flight_hold(bool hold);
/* Nobody can submit: wait until the last has landed. */
void forcepoll_flight_drain(void);
void forcepoll_flight_uninit(void);

/*
 * A disk that owns its queue, as of NVMe, virtio and null_blk. Not SCSI's, whose
 * drivers complete without a batch.
 */
bool forcepoll_flight_able(const struct gendisk *disk);

/*
 * Submit a bio whose submitter goes on: marked, if there is room and memory for
 * it. Its completion finds @bio as it was.
 */
void forcepoll_flight_submit(struct bio *bio, enum forcepoll_origin origin);

/*
 * A bio of current keeps its interrupt, beside those in flight. It must not be merged
 * into a request of the plug that is polled: it would lose the interrupt, and nobody
 * would submit it again where a reset takes the poll queues away (R11).
 */
void forcepoll_flight_beside(struct bio *bio);

/*
 * current has submitted to a stacked device: one look, if it is time for one, which
 * was not done when those below were only queued.
 */
void forcepoll_flight_pass(const struct forcepoll_owner *owner);

/* Does a bio that ends now do so within a look? */
bool forcepoll_flight_looking(void);

/*
 * One look at the completion queues of each device that @owner uses and that has
 * any in flight. Whatever was found is completed when this returns: true if there
 * was anything.
 */
bool forcepoll_flight_look(const struct forcepoll_owner *owner);

/*
 * One look at all poll queues of the device of a bio that is not started: so full may
 * one be, of what nobody looks after, that its driver takes no more (virtio_blk).
 */
void forcepoll_flight_look_for(const struct bio *bio);

/* Completion runs here, with no lock held and interrupts off, as a driver's. */
void forcepoll_flight_complete(struct io_comp_batch *iob);

/* Who has bios in flight goes to sleep without looking after them. */
void forcepoll_flight_leave(const struct forcepoll_owner *owner);

u64 forcepoll_flight_bios(void);

#endif
