/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernels that forcepoll runs on, each told by the
 * feature, never by the version. The rest of the module is written for 6.12.
 */
#ifndef FORCEPOLL_COMPAT_H
#define FORCEPOLL_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/bottom_half.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/compat.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/sched.h>

/*
 * kfunc sets. 6f3189f38a3e ("bpf: treewide: Annotate BPF kfuncs in BTF", v6.9)
 * made BTF_KFUNCS_START mandatory. Kernels that old have no way to hand a map
 * to a kfunc either (reg2btf_ids lacks CONST_PTR_TO_MAP), so they take
 * descriptors. Arguments that must be trusted are neither NULL nor any pointer of the
 * kernel's that has the right type; older kernels would ask for references then.
 */
#ifdef BTF_KFUNCS_START
#define FP_BIND_TAKES_MAPS
#define FP_KF_FLAGS (KF_SLEEPABLE | KF_TRUSTED_ARGS)
#else
#define FP_KF_FLAGS KF_SLEEPABLE
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/* 57e7c169cd6a ("bpf: Add __bpf_kfunc tag", v6.3) */
#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline
#endif

/* 391145ba2acc ("bpf: Add __bpf_kfunc_{start,end}_defs macros", v6.7) */
#ifndef __bpf_kfunc_start_defs
#define __bpf_kfunc_start_defs()                                     \
	__diag_push();                                               \
	__diag_ignore(GCC, 8, "-Wmissing-prototypes", "BPF kfuncs"); \
	__diag_ignore(GCC, 8, "-Wmissing-declarations", "BPF kfuncs")
#define __bpf_kfunc_end_defs() __diag_pop()
#endif

/*
 * May modules have struct_ops? f6be98d19985 ("bpf, net: switch to dynamic
 * registration", v6.9)
 */
#if defined(register_bpf_struct_ops) && defined(CONFIG_BPF_JIT) && \
	defined(CONFIG_BPF_SYSCALL)
#define FP_POLICY
#endif

/* Renamed by "ftrace: Rename ftrace_instruction_pointer_set()", v6.3 */
#ifdef ftrace_regs_set_instruction_pointer
#define fp_fregs_set_ip ftrace_regs_set_instruction_pointer
#else
#define fp_fregs_set_ip ftrace_instruction_pointer_set
#endif

/* The nth argument. "ftrace: Add ftrace_regs_get_argument()", v6.2 */
#ifdef ftrace_regs_get_argument
#define fp_fregs_argument ftrace_regs_get_argument
#else
#define fp_fregs_argument(fregs, n) regs_get_kernel_argument(&(fregs)->regs, n)
#endif

/* Saving all registers is slower, and refused where args are enough (arm64). */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#define FP_FTRACE_SAVE_REGS 0
#else
#define FP_FTRACE_SAVE_REGS FTRACE_OPS_FL_SAVE_REGS
#endif

/*
 * Is this address a module's? f2fs_balance_fs() sleeps in io_schedule() once, and
 * relies on having slept; what all wait in is in the kernel itself.
 */
#ifdef MODULES_VADDR
#define fp_module_address(ip) ((ip) >= MODULES_VADDR && (ip) < MODULES_END)
#else
#define fp_module_address(ip) false
#endif

/* ac3b43283923 ("module: replace module_layout with module_memory", v6.4) */
#ifdef for_each_mod_mem_type
#define fp_module_text(mod) ((unsigned long)(mod)->mem[MOD_TEXT].base)
#define fp_module_text_size(mod) ((mod)->mem[MOD_TEXT].size)
#else
#define fp_module_text(mod) ((unsigned long)(mod)->core_layout.base)
#define fp_module_text_size(mod) ((mod)->core_layout.text_size)
#endif

/*
 * One look at the completion queue. 54bdd67d0f88 ("blk-mq: remove hybrid
 * polling", v6.4) dropped the flag that forbids blk_mq_poll() to sleep.
 */
#ifdef BLK_POLL_NOSLEEP
#define FP_POLL_FLAGS (BLK_POLL_ONESHOT | BLK_POLL_NOSLEEP)
#else
#define FP_POLL_FLAGS BLK_POLL_ONESHOT
#endif

/*
 * What bio_poll() takes for a hardware queue. Kernels that could sleep there
 * wanted the tag, in the lower half, to know for how long.
 */
#ifdef BLK_POLL_NOSLEEP
#define fp_poll_cookie(hctx) ((hctx) << 16)
#else
#define fp_poll_cookie(hctx) (hctx)
#endif

/*
 * Around a look at completion queues and what it completes. Preemption is off, so
 * that what was reaped is not held up, and a grace period waits for it. Softirqs are
 * off as well: to a completion it is an interrupt, so that a file whose last
 * reference it drops is not kept until the looking task returns to user mode; where
 * bio_put() takes bios of io_uring from interrupts, which came with v6.2.
 */
#ifdef BLK_POLL_NOSLEEP
#define fp_look_begin() preempt_disable()
#define fp_look_end() preempt_enable()
#else
#define fp_look_begin() local_bh_disable()
#define fp_look_end() local_bh_enable()
#endif

/* Bios that are special on some kernels only. */
#ifdef REQ_SWAP /* swap-out; reads never carry it */
#define FP_REQ_SWAP REQ_SWAP
#else
#define FP_REQ_SWAP 0
#endif
#ifdef REQ_CGROUP_PUNT /* 3480373ebdf9 ("btrfs, block: move REQ_CGROUP_PUNT") */
#define FP_REQ_PUNT REQ_CGROUP_PUNT
#else
#define FP_REQ_PUNT 0
#endif

#ifdef REQ_ATOMIC /* 9da3d1e912f3 ("block: Add core atomic write support", v6.11) */
#define FP_REQ_ATOMIC REQ_ATOMIC
#else
#define FP_REQ_ATOMIC 0
#endif

/* 203c1ce0bb06 ("RIP ->bd_inode", v6.10), with the series that brought BD_PARTNO */
#ifdef BD_PARTNO
#define fp_bdev_inode(bdev) ((bdev)->bd_mapping->host)
#else
#define fp_bdev_inode(bdev) ((bdev)->bd_inode)
#endif

/* 54e6842d0775 ("fork/vm: Move common PF_IO_WORKER behavior", v6.4) */
#ifdef PF_USER_WORKER
#define FP_PF_WORKER (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)
#else
#define FP_PF_WORKER (PF_KTHREAD | PF_IO_WORKER)
#endif

/*
 * Can this blk-mq queue poll at this moment? The caller holds q_usage_counter:
 * the tag set's maps change, and go, only while the queue is frozen.
 *
 * 8023e144f9d6 ("block: move the poll flag to queue_limits", v6.11) made the
 * flag say "could poll when it was probed"; a reset may leave the map empty.
 * Before it the flag follows the map, and the map is as good.
 */
static inline bool fp_queue_can_poll(struct request_queue *q)
{
	const struct blk_mq_tag_set *set = q->tag_set;

#ifdef BLK_FEAT_POLL
	if (!(q->limits.features & BLK_FEAT_POLL))
		return false;
#else
	if (!test_bit(QUEUE_FLAG_POLL, &q->queue_flags))
		return false;
#endif
	/*
	 * Not over a network: ->poll of nvme-tcp and nvme-rdma looks at what a
	 * lost connection has freed, and the former sleeps.
	 */
	if (!set || set->flags & BLK_MQ_F_BLOCKING || set->reserved_tags)
		return false;
	return set->nr_maps > HCTX_TYPE_POLL &&
	       set->map[HCTX_TYPE_POLL].nr_queues;
}

/* How long it has waited for a CPU in all its life, ns; 0 where nobody counts that. */
static inline u64 fp_task_delay_ns(const struct task_struct *task)
{
#ifdef CONFIG_SCHED_INFO
	return task->sched_info.run_delay;
#else
	return 0;
#endif
}

/*
 * System calls that submit I/O without waiting for it. Compat numbers are the
 * ABI of 32-bit x86 and x32.
 */
static inline bool fp_syscall_is_io_submit(int nr)
{
#ifdef CONFIG_X86_64
	if (in_32bit_syscall())
		return nr == (in_x32_syscall() ? __X32_SYSCALL_BIT + 544 : 248);
#endif
	return nr == __NR_io_submit;
}

static inline bool fp_syscall_is_io_uring(int nr)
{
#ifdef CONFIG_X86_64
	nr &= ~__X32_SYSCALL_BIT; /* the same number in all three ABIs */
#endif
	return nr == __NR_io_uring_enter;
}

#endif /* FORCEPOLL_COMPAT_H */
