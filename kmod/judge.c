// SPDX-License-Identifier: GPL-2.0
/*
 * Polling or interrupts? What does better depends on the drive, on the load, and on
 * what else the machine does, so it is measured: I/O of a kind, a class, is waited for
 * in the mode that did better lately, and now and then some in the other mode.
 *
 *   REST -> WARM -> FIRST -> WARM -> SECOND -> SETTLE -> REST
 *
 * A trial compares a window of I/O in one mode with the window after it in the other,
 * all of the class at once, as they get in each other's way: who polls takes a CPU that
 * others may want. Which comes first alternates, so that a drift cancels out. Only who
 * wins clearly and again takes over. At most one I/O in a hundred is in the losing mode,
 * but for what is on credit: a new class, or one whose times have changed, is judged by
 * some trials in a row, which longer rests pay for. A trial that the other mode has won
 * costs nothing.
 *
 * Several CPUs may do this to one class: numbers may be lost, which a comparison
 * survives, as it does the I/O that is of the wrong window. While it rests a CPU asks
 * for some I/Os at once: they cost few instructions, and touch no memory that other
 * CPUs write.
 */
#include <linux/bio.h>
#include <linux/bitops.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/threads.h>

#include "bio.h"
#include "cost.h"
#include "flight.h"
#include "judge.h"
#include "policy.h"
#include "stash.h"
#include "stats.h"
#include "target.h"
#include "trace.h"
#include "whose.h"

/* -- parameter mode ------------------------------------------------------------ */

enum { MODE_auto, MODE_poll, MODE_hybrid };
static const char *const mode_names[] = { "auto", "poll", "hybrid" };
static int mode = MODE_auto;
bool forcepoll_judge_asked = true;

static int set_mode(const char *word, const struct kernel_param *param)
{
	int i = sysfs_match_string(mode_names, word);

	if (i < 0)
		return i;
	WRITE_ONCE(mode, i);
	WRITE_ONCE(forcepoll_judge_asked, i != MODE_poll);
	return 0;
}

static int get_mode(char *buf, const struct kernel_param *param)
{
	return sysfs_emit(buf, "%s\n", mode_names[READ_ONCE(mode)]);
}

static const struct kernel_param_ops mode_ops = { .set = set_mode,
						  .get = get_mode };
module_param_cb(mode, &mode_ops, NULL, 0644);
MODULE_PARM_DESC(mode,
		 "poll, hybrid (sleep, then poll), or what is best (auto)");

/* -- classes ------------------------------------------------------------------- */

enum { INTERRUPTS, POLLS, NR_ARMS }; /* by polling, also if it sleeps first */
enum phase { REST, WARM_FIRST, FIRST, WARM_SECOND, SECOND, SETTLE };

/* I/Os at the least; for some in flight together four times as many as those. */
#define WINDOW 32
#define WINDOW_MAX 256
/* And for so long: some turns of a scheduler, or who waits for a CPU is not seen. */
#define WINDOW_NS (8 * NSEC_PER_MSEC)
#define WARM(window) ((window) / 4) /* in flight when the mode changes */
#define REST_FACTOR 100
/* Of the last trial's: what is on credit is paid for over several rests. */
#define REST_MAX 125
#define CREDIT 8 /* trials in a row */
#define SCORE_MIN (-2)
#define SCORE_CHANGE 4
#define SCORE_NEW 1 /* in doubt */
#define CONFIRM 3 /* more trials when the other mode has won one */
#define CLEAR 102 /* percent: less is no difference */
#define STRONG 125
/* Times the mean: the drive, or the host, stood still. What is often is no outlier. */
#define OUTLIER 64
#define OUTLIER_RECENT 4

/* Sleep first where the wait is so many times what a sleep costs. */
#define HYBRID_ON 4
#define HYBRID_OFF 3
#define RECENT 16 /* I/Os, of those that are looked at */
#define LONGER(a, b) (2 * (u64)(a) > 3 * (u64)(b)) /* by half */
#define CHANGED(a, b) (LONGER(a, b) || LONGER(b, a)) /* another load */
#define CHUNK 64 /* I/Os of a rest, for their pace */

union class_key {
	struct forcepoll_class_key is;
	u64 words[2];
};

struct forcepoll_class {
	union class_key key;
	/* Read for each I/O. */
	s32 left; /* I/Os until the phase, or a chunk of the rest, ends */
	u16 measuring; /* the trial's number in FIRST and SECOND, else 0 */
	u8 arm; /* now */
	bool hybrid;
	u32 sleep_ns;
	u64 ios;
	unsigned long used; /* jiffies */

	/* Polled lately, by those who wait for it alone. */
	u64 recent_ns;
	u32 recent;
	u32 mean_ns;

	unsigned long busy; /* bit 0: somebody is changing what follows */
	u8 champion; /* enum: the arm that did better */
	u8 reason;
	u8 quick; /* trials to come without much of a rest */
	s8 score; /* of the other arm */
	enum phase phase;
	u16 trial;
	u32 window, depth;
	u32 tried; /* I/Os in the other mode, in this trial */
	u32 last; /* and in the one before */
	s32 rest, rested, chunk, debt; /* I/Os */
	/* From one I/O to the next, ns: lately, and before. */
	u32 rest_pace, usual_pace;
	u64 began;
	u32 size[NR_ARMS]; /* of the windows, I/Os */
	u64 took[NR_ARMS]; /* ns for a window, by the clock on the wall */
	struct {
		u64 ns;
		u32 n;
	} sum[NR_ARMS];
	u32 ns[NR_ARMS], pace[NR_ARMS]; /* of the last trial */
	u64 explored, trials, changes;
} ____cacheline_aligned_in_smp;

#define CLASS_BITS ilog2(FORCEPOLL_MAX_CLASSES)
#define PROBES 8
static struct forcepoll_class classes[FORCEPOLL_MAX_CLASSES];
static DEFINE_SPINLOCK(making);

#define FORGET (10 * HZ) /* its place may be taken when it has not been used */

/* A chunk of what is left of the rest. */
static void rest_on(struct forcepoll_class *c, u64 now)
{
	c->began = now;
	c->chunk = min(c->rest - c->rested, CHUNK);
	c->left = c->chunk - 1;
}

static void rest_for(struct forcepoll_class *c, s32 ios)
{
	c->phase = REST;
	c->rest = ios;
	c->rested = 0;
	c->rest_pace = 0;
	rest_on(c, local_clock());
}

static void start(struct forcepoll_class *c)
{
	c->champion = POLLS;
	c->arm = POLLS;
	c->reason = FORCEPOLL_REASON_new;
	c->quick = CREDIT;
	c->score = SCORE_NEW;
	rest_for(c, WINDOW);
}

static bool same(const union class_key *a, const union class_key *b)
{
	return READ_ONCE(a->words[0]) == b->words[0] &&
	       READ_ONCE(a->words[1]) == b->words[1];
}

/* Rare. A class may be found by its old key still: its numbers are but numbers. */
static struct forcepoll_class *make(const union class_key *like,
				    unsigned int at)
{
	struct forcepoll_class *c = NULL, *other;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&making, flags);
	for (i = 0; i < PROBES; i++) {
		other = &classes[(at + i) % ARRAY_SIZE(classes)];
		if (same(&other->key, like)) {
			c = other; /* by somebody else, just now */
			goto out;
		}
		if (!c && (!other->key.words[1] ||
			   time_after(jiffies, other->used + FORGET)))
			c = other;
	}
	if (c) {
		memset(c, 0, sizeof(*c));
		start(c);
		c->used = jiffies;
		WRITE_ONCE(c->key.words[0], like->words[0]);
		WRITE_ONCE(c->key.words[1], like->words[1]);
	}
out:
	spin_unlock_irqrestore(&making, flags);
	return c;
}

static struct forcepoll_class *find(const union class_key *like)
{
	unsigned int at =
		hash_64(like->words[0] ^ (like->words[1] << 7), CLASS_BITS);
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct forcepoll_class *c =
			&classes[(at + i) % ARRAY_SIZE(classes)];

		if (same(&c->key, like))
			return c;
	}
	return make(like, at);
}

/* -- trials -------------------------------------------------------------------- */

static enum forcepoll_mode mode_of(const struct forcepoll_class *c, int arm)
{
	return arm == INTERRUPTS ? FORCEPOLL_MODE_interrupt :
	       c->hybrid	 ? FORCEPOLL_MODE_hybrid :
				   FORCEPOLL_MODE_poll;
}

static void changed(struct forcepoll_class *c, enum forcepoll_mode from,
		    enum forcepoll_reason why)
{
	c->reason = why;
	c->changes++;
	trace_forcepoll_judge(&c->key.is, from, mode_of(c, c->champion), why,
			      c->ns[INTERRUPTS], c->ns[POLLS]);
}

static bool clearly_less(u64 a, u64 b, unsigned int percent)
{
	return a * percent < b * 100;
}

/* Who has won, and how well: > 0 for polling. */
static int compare(u64 interrupts, u64 polls)
{
	if (clearly_less(polls, interrupts, CLEAR))
		return clearly_less(polls, interrupts, STRONG) ? 2 : 1;
	if (clearly_less(interrupts, polls, CLEAR))
		return clearly_less(interrupts, polls, STRONG) ? -2 : -1;
	return 0;
}

/*
 * One that is waited for alone is measured until its waiter goes on. What that does
 * then takes longer where it has lost its CPU for having polled on it, which shows in
 * how many there are in a time: if one is in flight for half of it, with interrupts,
 * so that it is not the load that decides on it. Where the two contradict each other
 * interrupts do better, if not clearly: I/O that is left alone for tasks that want the
 * CPU is missing in the number of what is polled.
 */
static int verdict_alone(const struct forcepoll_class *c)
{
	int waits = compare(c->ns[INTERRUPTS], c->ns[POLLS]);
	int pace = compare(c->pace[INTERRUPTS], c->pace[POLLS]);

	if (2ull * c->ns[INTERRUPTS] < c->pace[INTERRUPTS])
		return waits;
	return waits * pace < 0 ? -1 : waits ?: pace;
}

/*
 * For several there is what they take, until they are complete, and how many there are
 * in a time. Who keeps some in flight gets on as fast as these come back to it, which
 * the time of each does not tell; who starts them at its own pace, as many as it
 * wants, and cares for their time. So interrupts must be better in both.
 */
static int verdict(const struct forcepoll_class *c)
{
	u64 interrupts = c->ns[INTERRUPTS], polls = c->ns[POLLS];
	int pace;

	if (c->key.is.alone)
		return verdict_alone(c);
	pace = compare(c->pace[INTERRUPTS], c->pace[POLLS]);
	interrupts += READ_ONCE(forcepoll_cost_irq_ns) / max(c->depth, 1u);
	if (pace < 0)
		return interrupts < polls ? pace : 0;
	return pace ?: max(compare(interrupts, polls), 0);
}

/* Has the other mode won? > 0: so it has. */
static int evaluate(struct forcepoll_class *c)
{
	int arm, won;

	for (arm = 0; arm < NR_ARMS; arm++) {
		/* 0 only where the class is made anew meanwhile. */
		c->ns[arm] = div_u64(c->sum[arm].ns,
				     max(READ_ONCE(c->sum[arm].n), 1u));
		c->pace[arm] =
			div_u64(c->took[arm], max(READ_ONCE(c->size[arm]), 1u));
	}
	c->mean_ns = c->mean_ns ? (3 * (u64)c->mean_ns + c->ns[POLLS]) / 4 :
				  c->ns[POLLS];
	c->trials++;
	won = verdict(c);
	if (c->champion == POLLS)
		won = -won; /* the other one */
	if (won > 0 && c->quick < CONFIRM)
		c->quick = CONFIRM;
	c->score = clamp(c->score + won, SCORE_MIN, SCORE_CHANGE);
	if (c->score == SCORE_MIN) /* clear: what is on credit may be needed */
		c->quick = 0;
	if (c->score >= SCORE_CHANGE) {
		c->score = 0;
		c->champion = !c->champion;
		c->usual_pace = 0;
		changed(c, mode_of(c, !c->champion), FORCEPOLL_REASON_faster);
	} else if (won < 0) {
		c->reason = FORCEPOLL_REASON_faster;
	}
	return won;
}

/* Of several, as many as are in flight at the end may be missing. */
static bool all_back(const struct forcepoll_class *c)
{
	int arm;

	for (arm = 0; arm < NR_ARMS; arm++)
		if (c->sum[arm].n < c->size[arm] - c->size[arm] / 4)
			return false;
	return true;
}

/* In I/Os: there may be another trial soon. */
static bool owes_little(const struct forcepoll_class *c)
{
	return c->debt <= CREDIT * REST_FACTOR * (s32)max(c->last, c->window);
}

static void rest(struct forcepoll_class *c, int won)
{
	bool soon;

	c->last = c->tried;
	if (won <= 0) {
		c->explored += c->tried;
		c->debt += REST_FACTOR * c->tried;
	}
	soon = won > 0 || (c->quick && owes_little(c));
	c->tried = 0;
	c->arm = c->champion;
	c->measuring = 0;
	rest_for(c, soon ? c->window :
			   clamp_t(s32, c->debt, c->window,
				   REST_MAX * max(c->last, c->window)));
}

/*
 * What won by another load may not win by this one. But who polls alone, and waits
 * less than before, may look at the end of its rest.
 */
static void load_changed(struct forcepoll_class *c, bool longer)
{
	if (c->phase != REST ||
	    (c->key.is.alone && c->champion == POLLS && !longer))
		return;
	if (c->quick < CONFIRM) {
		c->quick = CONFIRM;
		c->score = max(c->score, 0);
	}
	if (owes_little(c))
		c->rest = 0;
}

/*
 * Polling takes longer than interrupts did. Where no trial may tell whether they still
 * do better they are not made worse: the trial then is one of polling.
 */
static void retreat(struct forcepoll_class *c)
{
	if (c->phase != REST || c->champion != POLLS)
		return;
	load_changed(c, true);
	if (owes_little(c))
		return;
	c->champion = INTERRUPTS;
	c->arm = INTERRUPTS;
	c->score = 0;
	c->rest_pace = 0;
	c->usual_pace = 0;
	changed(c, mode_of(c, POLLS), FORCEPOLL_REASON_slower);
}

/* A chunk is over. Does the rest go on? */
static bool rests_on(struct forcepoll_class *c, u64 now)
{
	s32 ios = c->chunk - 1 - c->left;
	u64 pace = div_u64(max_t(s64, now - c->began, 0), max(ios, 1));

	pace = min_t(u64, pace, U32_MAX);
	c->rested += ios;
	if (!c->rest_pace) { /* the first one: what the trial left in flight */
		c->rest_pace = pace;
	} else {
		c->rest_pace = (3 * (u64)c->rest_pace + pace) / 4;
		if (c->usual_pace && CHANGED(c->rest_pace, c->usual_pace)) {
			load_changed(c, c->rest_pace > c->usual_pace);
			c->usual_pace = 0;
		}
		if (!c->usual_pace)
			c->usual_pace = c->rest_pace;
	}
	if (c->rested >= c->rest)
		return false;
	rest_on(c, now);
	return true;
}

static void begin_trial(struct forcepoll_class *c, u64 now)
{
	int depth = atomic_read(&forcepoll_owner()->bios);

	c->debt = max(c->debt - c->rested, 0);
	if (c->quick)
		c->quick--;
	c->depth = max(depth, 1);
	c->window = c->key.is.alone ?
			    WINDOW :
			    clamp_t(u32, 4 * c->depth, WINDOW, WINDOW_MAX);
	if (!++c->trial)
		c->trial = 1;
	memset(c->sum, 0, sizeof(c->sum));
	memset(c->size, 0, sizeof(c->size));
	c->arm = c->trial & 1 ? c->champion : !c->champion;
	c->phase = WARM_FIRST;
	c->began = now;
	c->left = WARM(c->window) - 1;
}

/* As many I/Os of the phase are over. If that did not take long enough, it goes on. */
static bool is_over(struct forcepoll_class *c, u64 now, u32 ios, u64 ns)
{
	if (c->arm != c->champion)
		c->tried += ios;
	if (c->measuring)
		c->size[c->arm] += ios;
	if ((s64)(now - c->began) >= (s64)ns)
		return true;
	c->left = ios - 1;
	return false;
}

/* What was leased in the rest before is over with its jiffy, see judge.h. */
static u64 warm_ns(enum phase phase)
{
	return phase == WARM_FIRST ? max(WARM(WINDOW_NS), TICK_NSEC) :
				     WARM(WINDOW_NS);
}

/* The I/O that is judged now is the first of it. */
static void next_phase(struct forcepoll_class *c)
{
	u64 now = local_clock();

	if (test_and_set_bit_lock(0, &c->busy))
		return;
	if (c->left >= 0)
		goto out; /* another CPU has done it */
	switch (c->phase) {
	case REST:
		if (!rests_on(c, now))
			begin_trial(c, now);
		break;
	case WARM_FIRST:
	case WARM_SECOND:
		if (!is_over(c, now, WARM(c->window), warm_ns(c->phase)))
			break;
		c->phase++;
		c->began = now;
		c->measuring = c->trial;
		c->left = c->window - 1;
		break;
	case FIRST:
	case SECOND:
		if (!is_over(c, now, c->window, WINDOW_NS))
			break;
		c->took[c->arm] = max_t(s64, now - c->began, 1);
		c->began = now;
		c->measuring = 0;
		if (c->phase == FIRST) {
			c->phase = WARM_SECOND;
			c->arm = !c->arm;
			c->left = WARM(c->window) - 1;
			break;
		}
		c->phase = SETTLE;
		c->arm = c->champion;
		c->left = c->window - 1;
		if (all_back(c))
			rest(c, evaluate(c));
		break;
	case SETTLE: /* some never came: left alone, or failed */
		rest(c, 0);
		break;
	}
out:
	clear_bit_unlock(0, &c->busy);
}

/* -- sleeping first ------------------------------------------------------------ */

/*
 * As PAS does: longer by a hundredth after a sleep that was too short, shorter by a
 * tenth after one that was too long. So one in eleven is.
 */
void forcepoll_judge_slept(const struct forcepoll_verdict *v, bool late)
{
	struct forcepoll_class *c = v->class;
	u32 ns;

	forcepoll_stats_count(FORCEPOLL_COUNT_hybrid);
	if (late)
		forcepoll_stats_count(FORCEPOLL_COUNT_overslept);
	if (!c)
		return; /* a policy's own affair */
	ns = READ_ONCE(c->sleep_ns);
	WRITE_ONCE(c->sleep_ns, late ? ns - ns / 10 : ns + ns / 100 + 1);
}

static u32 sleep_cost(void)
{
	return max(READ_ONCE(forcepoll_cost_irq_ns), 1u);
}

/* What is not worth a sleep is polled, and the sleep that was too short grows. */
static u32 sleep_of(struct forcepoll_class *c)
{
	u32 ns = READ_ONCE(c->sleep_ns);

	if (ns >= 2 * sleep_cost())
		return ns;
	if (ns < c->mean_ns) /* what takes less than a sleep has none */
		WRITE_ONCE(c->sleep_ns, ns + ns / 100 + 1);
	return 0;
}

static void set_hybrid(struct forcepoll_class *c, bool on,
		       enum forcepoll_reason why)
{
	enum forcepoll_mode from = mode_of(c, c->champion);

	if (test_and_set_bit_lock(0, &c->busy))
		return; /* the next time */
	c->hybrid = on;
	if (on && c->sleep_ns < c->mean_ns / 2)
		c->sleep_ns = c->mean_ns / 2;
	if (c->champion == POLLS)
		changed(c, from, why);
	clear_bit_unlock(0, &c->busy);
}

/* The mean of the last ones has become known. */
static void recent(struct forcepoll_class *c, u64 mean)
{
	u32 was = c->mean_ns;
	bool slower;

	c->mean_ns = was ? div_u64(3ull * was + mean, 4) : mean;
	slower = c->key.is.alone && READ_ONCE(mode) == MODE_auto &&
		 c->ns[INTERRUPTS] &&
		 LONGER(min_t(u64, mean, c->mean_ns), c->ns[INTERRUPTS]);
	if ((slower || (was && CHANGED(mean, was))) &&
	    !test_and_set_bit_lock(0, &c->busy)) {
		if (slower)
			retreat(c);
		else
			load_changed(c, mean > was);
		clear_bit_unlock(0, &c->busy);
	}
	if (c->hybrid && c->mean_ns < HYBRID_OFF * (u64)sleep_cost() &&
	    READ_ONCE(mode) != MODE_hybrid)
		set_hybrid(c, false, FORCEPOLL_REASON_fast_device);
	else if (!c->hybrid && READ_ONCE(mode) == MODE_hybrid)
		set_hybrid(c, true, FORCEPOLL_REASON_forced);
	else if (!c->hybrid && c->mean_ns > HYBRID_ON * (u64)sleep_cost())
		set_hybrid(c, true, FORCEPOLL_REASON_slow_device);
}

/* -- one I/O ------------------------------------------------------------------- */

static struct forcepoll_class *class_of(const struct bio *bio,
					const struct forcepoll_target *target,
					enum forcepoll_origin origin,
					bool alone)
{
	const bool by_cgroup = target->flags & FORCEPOLL_TARGET_CGROUP;
	union class_key like = {
		.is = {
			.whose = forcepoll_whose(target),
			.dev = disk_devt(bio->bi_bdev->bd_disk),
			.origin = origin,
			.size = forcepoll_size_class(bio->bi_iter.bi_size),
			.alone = alone,
			.by_cgroup = by_cgroup,
		},
	};

	return find(&like);
}

#define LEASE 32
DEFINE_PER_CPU(struct forcepoll_lease[FORCEPOLL_LEASES], forcepoll_leases);

static void give_back(struct forcepoll_lease *l)
{
	int used = l->given - l->left;

	/* One that was written late may be more than was given. */
	if (used > 0) {
		if (l->class->phase == REST)
			l->class->left -= used;
		l->class->ios += used;
	}
	l->left = 0;
	l->given = 0;
}

static void judge(struct forcepoll_lease *l, const struct bio *bio,
		  const struct forcepoll_target *target,
		  enum forcepoll_origin origin, bool alone,
		  struct forcepoll_verdict *v)
{
	const int how = READ_ONCE(mode);
	struct forcepoll_class *c;

	give_back(l);
	c = class_of(bio, target, origin, alone);
	if (!c)
		return;
	v->class = c;
	c->ios++;
	c->used = jiffies;
	if (how == MODE_auto) {
		if (--c->left < 0)
			next_phase(c);
		v->trial = c->measuring;
		if (c->arm == INTERRUPTS)
			v->mode = FORCEPOLL_MODE_interrupt;
	}
	if (v->mode == FORCEPOLL_MODE_poll && c->hybrid && alone) {
		v->mode = FORCEPOLL_MODE_hybrid;
		v->sleep_ns = sleep_of(c);
	} else if (how != MODE_auto || c->phase == REST) {
		l->class = c;
		l->mode = v->mode;
		l->left = LEASE - 1;
		l->given = LEASE - 1;
	}
}

void forcepoll_judge_ask(const struct bio *bio,
			 const struct forcepoll_target *target,
			 enum forcepoll_origin origin, bool alone,
			 struct forcepoll_verdict *v)
{
	struct forcepoll_lease *l;

	BUILD_BUG_ON(FORCEPOLL_NR_SIZES > 4 || PID_MAX_LIMIT > 1 << 30);
	preempt_disable();
	l = forcepoll_lease_of(origin, alone);
	judge(l, bio, target, origin, alone, v);
	l->key = forcepoll_lease_key(bio);
	l->disk = bio->bi_bdev->bd_disk;
	preempt_enable();
}

void forcepoll_judge_learn(const struct forcepoll_verdict *v, u64 ns)
{
	struct forcepoll_class *c = v->class;
	const int arm = v->mode == FORCEPOLL_MODE_interrupt ? INTERRUPTS :
							      POLLS;
	u32 n;

	if (c->mean_ns)
		ns = min(ns, (v->trial ? OUTLIER : OUTLIER_RECENT) *
				     (u64)c->mean_ns);
	if (v->trial) {
		if (v->trial != c->trial)
			return;
		c->sum[arm].ns += ns;
		c->sum[arm].n++;
		if (c->phase != SETTLE || !all_back(c) ||
		    test_and_set_bit_lock(0, &c->busy))
			return;
		if (c->phase == SETTLE)
			rest(c, evaluate(c));
		clear_bit_unlock(0, &c->busy);
	} else if (arm == POLLS) {
		n = ++c->recent;
		c->recent_ns += ns;
		if (n >= RECENT) {
			ns = div_u64(c->recent_ns, n);
			c->recent_ns = 0;
			c->recent = 0;
			recent(c, ns);
		}
	}
}

/* -- what is not waited for inside ------------------------------------------------ */

struct sample {
	struct forcepoll_bio was;
	struct forcepoll_verdict verdict;
	u64 start, whose;
	u8 origin;
	bool alone;
};

static atomic_t alive = ATOMIC_INIT(0);

static void sample_end_io(struct bio *bio)
{
	struct sample *s = bio->bi_private;
	u64 ns = max_t(s64, local_clock() - s->start, 0);

	if (!bio->bi_status)
		forcepoll_judge_done(&s->verdict, ns);
	forcepoll_bio_give_back(bio, &s->was);
	if (s->verdict.policy)
		forcepoll_policy_complete(bio, s->origin, s->alone, s->whose,
					  s->was.iter.bi_size, ns, false);
	forcepoll_stash_put(s);
	bio_endio(bio);
	atomic_dec(&alive);
}

void forcepoll_judge_watch(struct bio *bio, const struct forcepoll_verdict *v,
			   const struct forcepoll_target *target,
			   enum forcepoll_origin origin, bool alone)
{
	struct sample *s = forcepoll_stash_get();

	BUILD_BUG_ON(sizeof(*s) > FORCEPOLL_STASH_SIZE);
	if (!s)
		return;
	s->verdict = *v;
	s->start = local_clock();
	s->whose = forcepoll_whose(target);
	s->origin = origin;
	s->alone = alone;
	forcepoll_bio_take(bio, &s->was, sample_end_io, s, 0);
	atomic_inc(&alive);
}

void forcepoll_judge_drain(void)
{
	while (atomic_read(&alive))
		msleep(20);
}

/* -- for status ---------------------------------------------------------------- */

void forcepoll_judge_describe(struct forcepoll_classes *to)
{
	const struct forcepoll_class *c;
	struct forcepoll_class_info *info = to->info;

	for (c = classes; c < classes + ARRAY_SIZE(classes); c++) {
		if (!c->key.words[1])
			continue;
		*info++ = (struct forcepoll_class_info){
			.key = c->key.is,
			.mode = mode_of(c, c->champion),
			.reason = c->reason,
			.ios = c->ios,
			.explored = c->explored,
			.trials = c->trials,
			.changes = c->changes,
			.interrupt_ns = c->ns[INTERRUPTS],
			.poll_ns = c->ns[POLLS],
			.interrupt_pace_ns = c->pace[INTERRUPTS],
			.poll_pace_ns = c->pace[POLLS],
			.wait_ns = c->mean_ns,
			.sleep_ns = c->hybrid ? c->sleep_ns : 0,
		};
	}
	to->n = info - to->info;
}
