// SPDX-License-Identifier: GPL-2.0
/*
 * A bio for a stacked device (dm, md, NVMe multipath) is not marked itself: the driver
 * submits others for it, to the devices below, in this task, and those that may be
 * polled are in flight (flight.c) when submit_bio() has returned. So it does not matter
 * which driver it is, or that its tables change, and dm_poll_bio(), which needs its one
 * poller to the end, is never called.
 *
 * Who waits for the bio gains something only if it ends when those below have ended:
 * dm-crypt's workers have still to decrypt what was read. So some bios are watched, to
 * learn where they end. When that is elsewhere the device is left alone, but for one
 * bio now and then.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/major.h>
#include <linux/sched/clock.h>

#include "bio.h"
#include "flight.h"
#include "hook.h"
#include "poll.h"
#include "stack.h"
#include "stash.h"
#include "stats.h"

#define SCORE_MAX 8
#define SCORE_SURE 3 /* from here on only some bios are watched */
#define ELSEWHERE 4 /* what one that ends elsewhere takes from the score */
#define WATCH_EVERY 16
#define DULL 8u /* after so many with nothing below, too: a RAM disk */
/* Of those left alone; twice as many after each one that was in vain. */
#define TRY_EVERY 256
#define TRY_SHIFT_MAX 6

/*
 * One for each disk, which is not its number: that may be used again, and direction.
 * Some share one. Torn numbers are but hints.
 */
#define STACK_BITS 9
static struct stack {
	int score; /* > 0: bios end where those below are polled; < 0: elsewhere */
	unsigned int bios;
	unsigned int try_shift;
	unsigned int dull; /* watched in a row, with nothing below */
} stacks[1 << STACK_BITS];

/* The submitter and the end, in any order; the second one frees it. */
struct watch {
	struct forcepoll_bio was;
	struct stack *stack;
	bool below; /* something was in flight when submit_bio() returned */
	enum watch_state {
		RUNNING,
		LEFT,
		ENDED_LOOKING,
		ENDED_ELSEWHERE,
		ENDED_IN_PIECES
	} state;
};

static atomic_t alive = ATOMIC_INIT(0);

static struct stack *stack_of(const struct bio *bio)
{
	u64 disk = bio->bi_bdev->bd_disk->diskseq;

	return &stacks[hash_64(disk << 1 | op_is_write(bio_op(bio)),
			       STACK_BITS)];
}

/*
 * A late error of drbd's disk must stay one: it has told that the bio failed already,
 * and does not expect that it is submitted again (R11). Its own bio is seen before the
 * one that it makes of it, so where there is a drbd nothing is polled below anything.
 */
static bool have_drbd;

static void look_for_drbd(const struct bio *bio)
{
	if (MAJOR(disk_devt(bio->bi_bdev->bd_disk)) == DRBD_MAJOR)
		WRITE_ONCE(have_drbd, true);
}

static bool gains(struct stack *s)
{
	WRITE_ONCE(s->bios, READ_ONCE(s->bios) + 1);
	return READ_ONCE(s->score) >= 0 ||
	       !(READ_ONCE(s->bios) % (TRY_EVERY << READ_ONCE(s->try_shift)));
}

static void learn(const struct watch *w, enum watch_state ended)
{
	int score = READ_ONCE(w->stack->score);

	if (ended == ENDED_IN_PIECES)
		return;
	if (!w->below) {
		WRITE_ONCE(w->stack->dull,
			   min(READ_ONCE(w->stack->dull) + 1, DULL));
		return;
	}
	WRITE_ONCE(w->stack->dull, 0);
	if (ended != ENDED_ELSEWHERE) {
		if (score < SCORE_MAX)
			WRITE_ONCE(w->stack->score, score + 1);
		WRITE_ONCE(w->stack->try_shift, 0);
		return;
	}
	if (score < 0)
		WRITE_ONCE(w->stack->try_shift,
			   min(READ_ONCE(w->stack->try_shift) + 1,
			       TRY_SHIFT_MAX));
	WRITE_ONCE(w->stack->score, max(score - ELSEWHERE, -1));
}

/*
 * What the driver has cut ends with the last of the pieces, one of which is not
 * polled: where that is tells nothing. They have counted it down from 1 to 0.
 */
static enum watch_state where_it_ends(struct bio *bio)
{
	if (!atomic_read(&bio->__bi_remaining))
		return ENDED_IN_PIECES;
	return forcepoll_flight_looking() ? ENDED_LOOKING : ENDED_ELSEWHERE;
}

static void watch_end_io(struct bio *bio)
{
	struct watch *w = bio->bi_private;
	enum watch_state ended = where_it_ends(bio);

	forcepoll_bio_give_back(bio, &w->was);
	if (cmpxchg(&w->state, RUNNING, ended) == LEFT) {
		learn(w, ended);
		forcepoll_stash_put(w);
	}
	bio_endio(bio);
	atomic_dec(&alive);
}

static struct watch *watch(struct bio *bio, struct stack *s)
{
	struct watch *w = forcepoll_stash_get();

	BUILD_BUG_ON(sizeof(*w) > FORCEPOLL_STASH_SIZE);
	if (!w)
		return NULL;
	*w = (struct watch){ .stack = s, .state = RUNNING };
	forcepoll_bio_take(bio, &w->was, watch_end_io, w, 0);
	atomic_inc(&alive);
	return w;
}

/*
 * For as long as one spins for a bio, and only while something of this process is in
 * flight. Then the submitter goes on, to wait as it would without us: where it can be
 * killed, and where it polls again (wait.c).
 */
static void wait_for(struct watch *w, struct forcepoll_owner *owner,
		     enum forcepoll_origin origin, bool direct)
{
	u64 spin_ns = forcepoll_poll_spin_ns(), start = local_clock(), ns = 0;
	bool wanted = false;

	forcepoll_poll_flush_plug(direct);
	atomic_inc(&owner->waiting);
	while (READ_ONCE(w->state) == RUNNING && atomic_read(&owner->bios)) {
		forcepoll_flight_look(owner);
		ns = forcepoll_poll_ns_since(start);
		wanted = forcepoll_poll_cpu_wanted();
		if (ns > spin_ns || wanted)
			break;
	}
	atomic_dec(&owner->waiting);
	if (READ_ONCE(w->state) != RUNNING)
		forcepoll_poll_adapt_spin(true);
	else if (ns > spin_ns)
		forcepoll_poll_adapt_spin(false);
	forcepoll_poll_back_off(wanted);
	forcepoll_poll_spun(owner, origin, ns);
}

bool forcepoll_stack_leaves(const struct bio *bio)
{
	look_for_drbd(bio);
	return READ_ONCE(have_drbd) || !gains(stack_of(bio));
}

bool forcepoll_stack_left(const struct bio *bio)
{
	look_for_drbd(bio);
	return READ_ONCE(have_drbd) || atomic_read(&forcepoll_owner()->leaving);
}

void forcepoll_stack_leave(struct bio *bio)
{
	struct forcepoll_owner *owner = forcepoll_owner();

	atomic_inc(&owner->leaving);
	forcepoll_hook_submit(bio);
	atomic_dec(&owner->leaving);
}

void forcepoll_stack_submit(struct bio *bio, enum forcepoll_origin origin,
			    bool alone)
{
	struct forcepoll_owner *owner = forcepoll_owner();
	unsigned int flights = READ_ONCE(owner->flights);
	struct stack *s = stack_of(bio);
	int score = READ_ONCE(s->score);
	enum watch_state state;
	struct watch *w = NULL;
	bool direct;

	alone = alone && score > 0;
	direct = alone && forcepoll_poll_is_direct(bio);
	if (alone || (score < SCORE_SURE && READ_ONCE(s->dull) < DULL) ||
	    !(READ_ONCE(s->bios) % WATCH_EVERY))
		w = watch(bio, s);
	forcepoll_hook_submit(bio);
	if (!w || !alone)
		forcepoll_flight_pass(owner);
	if (!w)
		return;
	/* Perhaps another thread's: a hint. */
	w->below = READ_ONCE(owner->flights) != flights;
	if (alone && w->below)
		wait_for(w, owner, origin, direct);
	state = cmpxchg(&w->state, RUNNING, LEFT);
	if (state != RUNNING) {
		learn(w, state);
		forcepoll_stash_put(w);
	}
}

void forcepoll_stack_drain(void)
{
	while (atomic_read(&alive))
		msleep(20);
}
