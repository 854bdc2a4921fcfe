// SPDX-License-Identifier: GPL-2.0
/*
 * Policies in BPF: a struct_ops of the module. There is one at a time, and it lives in
 * a map of BPF's, which holds the module for as long as it is there.
 *
 *   BPF_LINK_CREATE --> reg() --> policy --asked under RCU--> its trampolines
 *   the last reference to the link goes --> unreg(): no policy, wait for RCU
 *
 * A policy can be wrong, but not harm: what it says is a hint, and what makes no sense
 * is taken for no answer. Its programs end, as all of BPF do, but they may take long:
 * then it is not asked any more.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/ctype.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "flight.h"
#include "judge.h"
#include "policy.h"
#include "poll.h"

DEFINE_STATIC_KEY_FALSE(forcepoll_policy_loaded);

#ifdef FP_POLICY

/* Of changes to the next two, and of the key. */
static DEFINE_MUTEX(lock);
static struct forcepoll_policy_ops __rcu *policy;
static bool disabled;

/* -- how long it takes --------------------------------------------------------- */

/*
 * An interrupt and a wake-up, which a policy can save at best, take some 2 to 5 us. A
 * program with a few lookups takes 0.1 to 0.5 us.
 */
static unsigned int policy_max_ns = 5000;
module_param(policy_max_ns, uint, 0644);
MODULE_PARM_DESC(policy_max_ns,
		 "most that a BPF policy may take for an I/O; 0: any (5000)");

#define SAMPLE_MASK 7 /* one call of 8 is timed */
#define SAMPLES 64 /* for a mean */
/*
 * An interrupt, or the host of a virtual machine, may come between: one call counts as
 * this many times the limit at most, so that it takes a number of them.
 */
#define OUTLIER 8

enum { SELECT, COMPLETE, NR_METERS };
static struct meter {
	u64 sum;
	u64 mean; /* of the last SAMPLES */
	unsigned int n;
} meters[NR_METERS];
static DEFINE_RAW_SPINLOCK(meter_lock); /* of meters */
static DEFINE_PER_CPU(unsigned int[NR_METERS], calls);

static void stop_asking(struct work_struct *work)
{
	mutex_lock(&lock);
	/* It may have been replaced meanwhile. */
	if (disabled)
		static_branch_disable(&forcepoll_policy_loaded);
	mutex_unlock(&lock);
}

static DECLARE_WORK(slow_work, stop_asking);

static void count_time(unsigned int which, u64 ns)
{
	u64 most = READ_ONCE(policy_max_ns);
	struct meter *m = &meters[which];
	bool slow = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&meter_lock, flags);
	m->sum += most ? min(ns, OUTLIER * most) : ns;
	if (++m->n == SAMPLES) {
		m->mean = m->sum / SAMPLES;
		m->sum = 0;
		m->n = 0;
		slow = most &&
		       meters[SELECT].mean + meters[COMPLETE].mean > most;
	}
	/* Not asked from now on; the key sleeps. */
	if (slow && !READ_ONCE(disabled)) {
		WRITE_ONCE(disabled, true);
		schedule_work(&slow_work);
	}
	raw_spin_unlock_irqrestore(&meter_lock, flags);
}

/* 0: this call is not timed. Preemption is off while one is. */
static u64 time_begin(unsigned int which)
{
	if (this_cpu_inc_return(calls[which]) & SAMPLE_MASK)
		return 0;
	preempt_disable();
	return local_clock() ?: 1;
}

static void time_end(unsigned int which, u64 begin)
{
	if (!begin)
		return;
	count_time(which, forcepoll_poll_ns_since(begin));
	preempt_enable();
}

/* With the lock: a policy begins, or ends. */
static void forget_times(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&meter_lock, flags);
	memset(meters, 0, sizeof(meters));
	WRITE_ONCE(disabled, false);
	raw_spin_unlock_irqrestore(&meter_lock, flags);
}

/* -- asking it ----------------------------------------------------------------- */

static struct forcepoll_policy_ctx context(const struct bio *bio,
					   enum forcepoll_origin origin,
					   bool alone, u64 whose, bool ours)
{
	return (struct forcepoll_policy_ctx){
		.whose = whose,
		.tgid = ours ? current->tgid : 0,
		.dev = disk_devt(bio->bi_bdev->bd_disk),
		.origin = origin,
		.alone = alone,
		.in_flight = ours ? atomic_read(&forcepoll_owner()->bios) : 0,
		.runnable = forcepoll_poll_cpu_wanted(),
	};
}

static bool verdict(u64 answer, struct forcepoll_verdict *v)
{
	v->sleep_ns = 0;
	switch (answer) {
	case FORCEPOLL_POLICY_INTERRUPT:
		v->mode = FORCEPOLL_MODE_interrupt;
		return true;
	case FORCEPOLL_POLICY_POLL:
		v->mode = FORCEPOLL_MODE_poll;
		return true;
	default:
		/* FORCEPOLL_POLICY_DEFAULT, and an errno of its own. */
		if (answer > FORCEPOLL_POLICY_SLEEP_SANE)
			return false;
		v->mode = FORCEPOLL_MODE_hybrid;
		v->sleep_ns = min(answer, FORCEPOLL_POLICY_SLEEP_MAX);
		return true;
	}
}

bool forcepoll_policy_select(const struct bio *bio,
			     enum forcepoll_origin origin, bool alone,
			     u64 whose, struct forcepoll_verdict *v)
{
	u64 answer = FORCEPOLL_POLICY_DEFAULT, begin;
	const struct forcepoll_policy_ops *p;
	struct forcepoll_policy_ctx ctx;

	rcu_read_lock();
	p = rcu_dereference(policy);
	if (p && !READ_ONCE(disabled)) {
		ctx = context(bio, origin, alone, whose, true);
		ctx.bytes = bio->bi_iter.bi_size;
		begin = time_begin(SELECT);
		answer = p->select(&ctx);
		time_end(SELECT, begin);
	}
	rcu_read_unlock();
	return verdict(answer, v);
}

void forcepoll_policy_complete(const struct bio *bio,
			       enum forcepoll_origin origin, bool alone,
			       u64 whose, unsigned int bytes, u64 ns,
			       bool submitter)
{
	const struct forcepoll_policy_ops *p;
	struct forcepoll_policy_ctx ctx;
	u64 begin;

	rcu_read_lock();
	p = rcu_dereference(policy);
	if (p && p->complete && !READ_ONCE(disabled)) {
		ctx = context(bio, origin, alone, whose, submitter);
		ctx.bytes = bytes;
		begin = time_begin(COMPLETE);
		p->complete(&ctx, ns);
		time_end(COMPLETE, begin);
	}
	rcu_read_unlock();
}

void forcepoll_policy_describe(char name[16])
{
	const struct forcepoll_policy_ops *p;

	rcu_read_lock();
	p = rcu_dereference(policy);
	if (p)
		memcpy(name, p->name, sizeof(p->name));
	else
		memset(name, 0, sizeof(p->name));
	rcu_read_unlock();
}

bool forcepoll_policy_disabled(void)
{
	return READ_ONCE(disabled);
}

/* -- what BPF calls ------------------------------------------------------------ */

/* Registered, replaced or gone, all by the system call bpf(): it may wait. */
static int change(struct forcepoll_policy_ops *from,
		  struct forcepoll_policy_ops *to)
{
	int err = 0;

	mutex_lock(&lock);
	if (rcu_access_pointer(policy) != from) {
		err = -EBUSY;
		goto out;
	}
	rcu_assign_pointer(policy, to);
	/* Those who still are in the old one would be counted as the new one's. */
	synchronize_rcu();
	forget_times();
	if (to)
		static_branch_enable(&forcepoll_policy_loaded);
	else
		static_branch_disable(&forcepoll_policy_loaded);
out:
	mutex_unlock(&lock);
	return err;
}

static int reg(void *kdata, struct bpf_link *link)
{
	return change(NULL, kdata);
}

static int update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return change(old_kdata, kdata);
}

static void unreg(void *kdata, struct bpf_link *link)
{
	change(kdata, NULL);
}

static int validate(void *kdata)
{
	const struct forcepoll_policy_ops *p = kdata;

	return p->select ? 0 : -EINVAL;
}

/* 1: it is done with that member. The name is for people: printable, and ends. */
static int init_member(const struct btf_type *t,
		       const struct btf_member *member, void *kdata,
		       const void *udata)
{
	const struct forcepoll_policy_ops *u = udata;
	struct forcepoll_policy_ops *p = kdata;
	size_t i, len;

	if (__btf_member_bit_offset(t, member) !=
	    offsetof(struct forcepoll_policy_ops, name) * BITS_PER_BYTE)
		return 0;
	len = strnlen(u->name, sizeof(u->name));
	if (!len || len == sizeof(u->name))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isascii(u->name[i]) || !isgraph(u->name[i]))
			return -EINVAL;
	memcpy(p->name, u->name, len);
	return 1;
}

/* They are called under RCU, and in interrupts. */
static int check_member(const struct btf_type *t,
			const struct btf_member *member,
			const struct bpf_prog *prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

/* The verifier lets them read what ctx points to, as BTF says, and write nothing. */
static bool is_valid_access(int off, int size, enum bpf_access_type type,
			    const struct bpf_prog *prog,
			    struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = is_valid_access,
};

static int init(struct btf *btf)
{
	return 0;
}

/* Never called: their types are what BPF's trampolines have. */
static u64 forcepoll_policy_stub_select(const struct forcepoll_policy_ctx *ctx)
{
	return FORCEPOLL_POLICY_DEFAULT;
}

static void
forcepoll_policy_stub_complete(const struct forcepoll_policy_ctx *ctx, u64 ns)
{
}

static struct forcepoll_policy_ops stubs = {
	.select = forcepoll_policy_stub_select,
	.complete = forcepoll_policy_stub_complete,
};

static struct bpf_struct_ops struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = init,
	.check_member = check_member,
	.init_member = init_member,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.validate = validate,
	.cfi_stubs = &stubs,
	.name = "forcepoll_policy_ops",
	.owner = THIS_MODULE,
};

void __init forcepoll_policy_init(void)
{
	int err = register_bpf_struct_ops(&struct_ops, forcepoll_policy_ops);

	if (err)
		pr_warn("forcepoll: no BPF policies: error %d\n", err);
}

void forcepoll_policy_uninit(void)
{
	cancel_work_sync(&slow_work);
}

#else /* 6.1 */

bool forcepoll_policy_select(const struct bio *bio,
			     enum forcepoll_origin origin, bool alone,
			     u64 whose, struct forcepoll_verdict *v)
{
	return false;
}

void forcepoll_policy_complete(const struct bio *bio,
			       enum forcepoll_origin origin, bool alone,
			       u64 whose, unsigned int bytes, u64 ns,
			       bool submitter)
{
}

void forcepoll_policy_describe(char name[16])
{
	name[0] = 0;
}

bool forcepoll_policy_disabled(void)
{
	return false;
}

void __init forcepoll_policy_init(void)
{
}

void forcepoll_policy_uninit(void)
{
}

#endif
