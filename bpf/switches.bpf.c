// SPDX-License-Identifier: GPL-2.0
/*
 * Why the chosen processes entered the kernel: one program a source, each for
 * what comes from user mode only.
 *
 *   fentry syscall_exit_to_user_mode_prepare --+
 *     or raw_syscalls:sys_exit                 |
 *   exceptions:page_fault_user ----------------+--> switches (cause -> count)
 *   irq:irq_handler_entry ---------------------+    paths    (cause, stacks)
 *   irq_vectors:*_entry -----------------------+
 *   nmi:nmi_handler ---------------------------+
 *   software event major-faults (those that needed I/O, once more)
 *   exit_to_user_mode_prepare, where it is a function: the sum of all
 *   sched_switch, sched_migrate_task, block_bio_queue --> beside
 *
 * The loader loads those that this kernel has.
 *
 * A fentry program may be preempted: that is why counters are added to atomically,
 * and why stacks, whose room is the CPU's, are taken by tracepoints only.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "forcepoll.h"
#include "chosen.h"
#include "causes.h"

#define KERNEL_SPACE (1ul << 63)
#define LAST_FAULTS 65536
#define OWN_FRAMES \
	2 /* the program, and its caller: trampoline, bpf_trace_run */
#define PAGE_FAULT_WRITE 0x2ul /* x86: bits of the error code */
#define PAGE_FAULT_INSTR 0x10ul
#define MAX_FRAMES FORCEPOLL_MAX_FRAMES
#define TS_COMPAT 0x2u /* thread_info.status: in a 32-bit system call */

char LICENSE[] SEC("license") = "GPL";

/* Given by the loader. */
const volatile bool kernel_stacks, user_stacks;
const volatile struct forcepoll_text ipi_text[FORCEPOLL_NR_IPIS];
const volatile struct forcepoll_text nmi_text;

/* The registers that the interrupt in progress will go back to. */
extern struct pt_regs *__irq_regs __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FORCEPOLL_NR_CAUSES);
	__type(key, __u32);
	__type(value, __u64);
} switches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FORCEPOLL_NR_BESIDES);
	__type(key, __u32);
	__type(value, __u64);
} beside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_PATHS);
	__type(key, struct forcepoll_path);
	__type(value, __u64);
} paths SEC(".maps");

/*
 * Not a BPF_MAP_TYPE_STACK_TRACE, which refuses a stack whose bucket another one
 * has: that may be the most frequent of all.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FORCEPOLL_MAX_PATHS);
	__type(key, __u64);
	__type(value, struct forcepoll_stack);
} stacks SEC(".maps");

/* Room for a stack, one for each CPU and what may interrupt another. */
enum room { ROOM_TASK, ROOM_IRQ, ROOM_NMI, NR_ROOMS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_ROOMS);
	__type(key, __u32);
	__type(value, struct forcepoll_stack);
} scratch SEC(".maps");

/* By the loader, at the end: what has been counted is read as of one moment. */
bool off;

static __always_inline void add(enum forcepoll_beside what)
{
	__u32 key = what;
	__u64 *n = off ? NULL : bpf_map_lookup_elem(&beside, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* The key of the stack; 0 when there is none, as of the user's after execve(). */
static __always_inline __u64 get_stack(void *ctx, __u32 room, __u64 flags)
{
	struct forcepoll_stack *stack = bpf_map_lookup_elem(&scratch, &room);
	__u64 hash = 0xcbf29ce484222325ull;
	long err;

	/* What is behind the last frame is cleared. */
	if (!stack || bpf_get_stack(ctx, stack, sizeof(*stack), flags) <= 0)
		return 0;
	for (int i = 0; i < MAX_FRAMES && stack->frame[i]; i++)
		hash = (hash ^ stack->frame[i]) * 0x9e3779b97f4a7c15ull;
	hash |= 1;
	if (bpf_map_lookup_elem(&stacks, &hash))
		return hash;
	err = bpf_map_update_elem(&stacks, &hash, stack, BPF_ANY);
	if (!err)
		return hash;
	add(FORCEPOLL_BESIDE_lost_stacks);
	return 0;
}

/* Is there a call in front of @ip? x86: e8 rel32, ff /2 in 2, 3, 6 or 7 bytes. */
static __always_inline bool behind_call(__u64 ip)
{
	__u8 b[7];

	if (bpf_probe_read_user(b, sizeof(b), (void *)(ip - sizeof(b))))
		return false;
	return b[2] == 0xe8 || (b[1] == 0xff && (b[2] & 0x38) == 0x10) ||
	       (b[0] == 0xff && (b[1] & 0x38) == 0x10) ||
	       (b[4] == 0xff && (b[5] & 0x38) == 0x10) ||
	       (b[5] == 0xff && (b[6] & 0x38) == 0x10);
}

static __always_inline __u64 user_caller(void)
{
#ifdef __TARGET_ARCH_x86
	struct pt_regs *regs =
		(struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	__u64 ip;

	if (!bpf_probe_read_user(&ip, sizeof(ip), (void *)PT_REGS_SP(regs)) &&
	    ip < KERNEL_SPACE && behind_call(ip))
		return ip;
#endif
	return 0;
}

static __always_inline void add_path(void *ctx, __u32 room, __u32 cause)
{
	struct forcepoll_path path = { .cause = cause };
	__u64 one = 1, *n;

	if (kernel_stacks)
		path.kernel_stack = get_stack(ctx, room, OWN_FRAMES);
	if (user_stacks) {
		path.tgid = bpf_get_current_pid_tgid() >> 32;
		path.user_stack = get_stack(ctx, room, BPF_F_USER_STACK);
		path.user_caller = user_caller();
	}
	bpf_get_current_comm(path.comm, sizeof(path.comm));
	n = bpf_map_lookup_elem(&paths, &path);
	if (n) {
		__sync_fetch_and_add(n, 1);
	} else if (bpf_map_update_elem(&paths, &path, &one, BPF_NOEXIST)) {
		/* Another CPU was first, or there is no room. */
		n = bpf_map_lookup_elem(&paths, &path);
		if (n)
			__sync_fetch_and_add(n, 1);
		else
			add(FORCEPOLL_BESIDE_lost_stacks);
	}
}

static __always_inline void bump(__u32 cause)
{
	__u64 *n = off ? NULL : bpf_map_lookup_elem(&switches, &cause);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline void count(void *ctx, __u32 room, __u32 first,
				  __u32 many, __u32 id)
{
	if (id >= many) {
		add(FORCEPOLL_BESIDE_lost_causes);
		return;
	}
	bump(first + id);
	if (!off && (kernel_stacks || user_stacks))
		add_path(ctx, room, first + id);
}

#define COUNT(ctx, room, kind, id) \
	count(ctx, room, FORCEPOLL_FIRST_##kind, FORCEPOLL_MANY_##kind, id)

/* -- system calls ------------------------------------------------------------ */

static __always_inline void count_syscall(void *ctx, struct pt_regs *regs)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 nr = regs->orig_ax;

	if ((__s32)nr == -1)
		COUNT(ctx, ROOM_TASK, syscall, FORCEPOLL_SYSCALL_NONE);
	else if (task->thread_info.status & TS_COMPAT)
		COUNT(ctx, ROOM_TASK, syscall32, nr);
	else
		COUNT(ctx, ROOM_TASK, syscall, nr);
}

SEC("fentry/syscall_exit_to_user_mode_prepare")
int BPF_PROG(on_syscall, struct pt_regs *regs)
{
	if (chosen())
		count_syscall(ctx, regs);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_syscall_tp, struct pt_regs *regs, long ret)
{
	if (chosen())
		count_syscall(ctx, regs);
	return 0;
}

/* -- page faults ------------------------------------------------------------- */

/*
 * What a thread's last fault was, for when it turns out to be a major one: that
 * is known at its end, maybe on another CPU. Two threads that share a slot may
 * take each other's place; then a major fault counts as a read.
 */
struct last_fault {
	__u32 tid;
	__u32 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAST_FAULTS);
	__type(key, __u32);
	__type(value, struct last_fault);
} last_faults SEC(".maps");

static __always_inline struct last_fault *last_fault(__u32 tid)
{
	__u32 slot = tid % LAST_FAULTS;

	return bpf_map_lookup_elem(&last_faults, &slot);
}

static __always_inline void count_fault(void *ctx, __u32 id)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct last_fault *last = last_fault(tid);

	if (last) {
		last->tid = tid;
		last->id = id;
	}
	COUNT(ctx, ROOM_TASK, fault, id);
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(on_fault, unsigned long address, struct pt_regs *regs,
	     unsigned long error_code)
{
	if (chosen())
		count_fault(ctx, error_code & PAGE_FAULT_WRITE ?
					 FORCEPOLL_FAULT_WRITE :
				 error_code & PAGE_FAULT_INSTR ?
					 FORCEPOLL_FAULT_EXEC :
					 0);
	return 0;
}

static __always_inline bool sample_from_user(struct bpf_perf_event_data *ctx)
{
	return PT_REGS_IP(&ctx->regs) < KERNEL_SPACE;
}

/* Where there is no such tracepoint. Does not tell reads from writes. */
SEC("perf_event")
int on_fault_sw(struct bpf_perf_event_data *ctx)
{
	if (sample_from_user(ctx) && chosen())
		count_fault(ctx, 0);
	return 0;
}

/* At the end of those that waited for I/O, which can bear it. */
SEC("perf_event")
int on_major_sw(struct bpf_perf_event_data *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct last_fault *last;
	__u32 id = 0;

	if (!sample_from_user(ctx) || !chosen())
		return 0;
	last = last_fault(tid);
	if (last && last->tid == tid)
		id = last->id & (FORCEPOLL_FAULT_WRITE | FORCEPOLL_FAULT_EXEC);
	bump(FORCEPOLL_FIRST_fault + (id | FORCEPOLL_FAULT_IO));
	return 0;
}

/* -- interrupts -------------------------------------------------------------- */

static __always_inline bool irq_from_user(void)
{
	struct pt_regs **p, *regs;

	if (!&__irq_regs)
		return false;
	p = bpf_this_cpu_ptr(&__irq_regs);
	regs = *p;
	return regs && BPF_CORE_READ(regs, cs) & 3;
}

/* The next of several on a line: called for the same interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} next_action SEC(".maps");

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq, int irq, struct irqaction *action)
{
	const __u32 zero = 0;
	__u64 *next = bpf_map_lookup_elem(&next_action, &zero);
	bool again;

	if (!next)
		return 0;
	again = *next == (__u64)action;
	*next = (__u64)action->next;
	if (!again && chosen() && irq_from_user())
		COUNT(ctx, ROOM_IRQ, irq, irq);
	return 0;
}

SEC("tp_btf/local_timer_entry")
int BPF_PROG(on_timer, int vector)
{
	if (chosen() && irq_from_user())
		COUNT(ctx, ROOM_IRQ, timer, 0);
	return 0;
}

/*
 * Other vectors keep no registers for us. What came from user mode has its own
 * entry point outermost on the stack; what came from the kernel has a system
 * call's or a fault's.
 */
static __always_inline bool
outermost_is(void *ctx, __u32 room, const volatile struct forcepoll_text *t)
{
	struct forcepoll_stack *stack = bpf_map_lookup_elem(&scratch, &room);
	__u32 last;
	long size;
	__u64 ip;

	if (!stack || !t->start)
		return false;
	size = bpf_get_stack(ctx, stack, sizeof(*stack), 0);
	if (size < (long)sizeof(stack->frame[0]))
		return false;
	last = (__u32)size / sizeof(stack->frame[0]) - 1;
	if (last >= MAX_FRAMES)
		return false;
	ip = stack->frame[last];
	return ip >= t->start && ip < t->end;
}

#define ON_IPI(name, event)                                                    \
	SEC("tp_btf/" #event)                                                  \
	int BPF_PROG(on_##name, int vector)                                    \
	{                                                                      \
		if (chosen() && outermost_is(ctx, ROOM_IRQ,                    \
					     &ipi_text[FORCEPOLL_IPI_##name])) \
			COUNT(ctx, ROOM_IRQ, ipi, FORCEPOLL_IPI_##name);       \
		return 0;                                                      \
	}

ON_IPI(reschedule, reschedule_entry)
ON_IPI(call_function, call_function_entry)
ON_IPI(call_function_single, call_function_single_entry)
ON_IPI(irq_work, irq_work_entry)

SEC("tp_btf/nmi_handler")
int BPF_PROG(on_nmi, void *handler, s64 delta_ns, int handled)
{
	if (handled > 0 && chosen() && outermost_is(ctx, ROOM_NMI, &nmi_text))
		COUNT(ctx, ROOM_NMI, nmi, 0);
	return 0;
}

/* -- beside ------------------------------------------------------------------ */

/* One function for all ways back but NMIs, on kernels before v6.7. */
SEC("fentry/exit_to_user_mode_prepare")
int BPF_PROG(on_exit_to_user, struct pt_regs *regs)
{
	if (chosen())
		add(FORCEPOLL_BESIDE_exits);
	return 0;
}

/* As the kernel counts nvcsw and nivcsw: __schedule(). */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	if (!prev->tgid || !is_target(prev->tgid))
		return 0;
	add(!preempt && prev_state ? FORCEPOLL_BESIDE_voluntary :
				     FORCEPOLL_BESIDE_involuntary);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int cpu)
{
	if (is_target(task->tgid))
		add(FORCEPOLL_BESIDE_migrations);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(on_bio, struct bio *bio)
{
	/* Not what a stacked driver makes of a bio that is being submitted. */
	if (!bpf_get_current_task_btf()->bio_list && chosen())
		add(FORCEPOLL_BESIDE_ios);
	return 0;
}
