/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps of switches.bpf.c: why a process entered the kernel, counted when it
 * goes back to user mode.
 *
 * Map "switches", BPF_MAP_TYPE_PERCPU_ARRAY: cause -> __u64, how often. Counted
 * for the chosen processes only, and only what interrupted user mode: an interrupt
 * of a task that is inside the kernel already is no switch. An array, because a
 * per-CPU hash costs 150 instructions for each system call.
 *
 * Map "beside", BPF_MAP_TYPE_PERCPU_ARRAY: enum forcepoll_beside -> __u64.
 */
#ifndef FORCEPOLL_CAUSES_H
#define FORCEPOLL_CAUSES_H

#ifndef __VMLINUX_H__ /* BPF programs have the types from there */
#include <linux/types.h>
#endif

/*
 * A cause is one number: the first of its kind, and what says more.
 * X(kind, title, first, how many, what says more)
 */
#define FORCEPOLL_KINDS(X)                                       \
	X(syscall, "system call", 0, 1024, "its number")         \
	X(syscall32, "system call", 1024, 512, "a 32-bit one's") \
	X(fault, "page fault", 1536, 8, "FORCEPOLL_FAULT_*")     \
	X(timer, "timer", 1544, 1, "")                           \
	X(ipi, "IPI", 1552, 8, "enum forcepoll_ipi")             \
	X(nmi, "NMI", 1560, 1, "")                               \
	X(irq, "device IRQ", 2048, 2048, "line, /proc/interrupts")

enum forcepoll_kind {
#define X(name, title, first, many, id) FORCEPOLL_KIND_##name,
	FORCEPOLL_KINDS(X)
#undef X
		FORCEPOLL_NR_KINDS
};

enum forcepoll_first {
#define X(name, title, first, many, id) FORCEPOLL_FIRST_##name = (first),
	FORCEPOLL_KINDS(X)
#undef X
};

enum forcepoll_many {
#define X(name, title, first, many, id) FORCEPOLL_MANY_##name = (many),
	FORCEPOLL_KINDS(X)
#undef X
};

#define FORCEPOLL_NR_CAUSES 4096

/* The way back from a signal's handler erases the number: this stands for it. */
#define FORCEPOLL_SYSCALL_NONE (FORCEPOLL_MANY_syscall - 1)

/* Of kind fault. A read when neither WRITE nor EXEC is set. */
#define FORCEPOLL_FAULT_WRITE 0x1u
#define FORCEPOLL_FAULT_EXEC 0x2u
/* Counted again, of those above: these had to wait for I/O ("major"). */
#define FORCEPOLL_FAULT_IO 0x4u

/* Of kind ipi. X(name, the kernel's entry point: asm_sysvec_ and this) */
#define FORCEPOLL_IPIS(X)                               \
	X(reschedule, "reschedule_ipi")                 \
	X(call_function, "call_function")               \
	X(call_function_single, "call_function_single") \
	X(irq_work, "irq_work")

enum forcepoll_ipi {
#define X(name, entry) FORCEPOLL_IPI_##name,
	FORCEPOLL_IPIS(X)
#undef X
		FORCEPOLL_NR_IPIS
};

/* What the kernel's text has for an entry point: [start, end). 0: unknown. */
struct forcepoll_text {
	__u64 start;
	__u64 end;
};

/* X(name, what it counts) */
#define FORCEPOLL_BESIDES(X)                                             \
	X(exits, "returns to user mode, all causes (where seen as one)") \
	X(ios, "block I/Os submitted (bios)")                            \
	X(voluntary, "context switches: it waited")                      \
	X(involuntary, "context switches: another task was preferred")   \
	X(migrations, "moves to another CPU")                            \
	X(lost_causes, "LOST: switches whose cause found no room")       \
	X(lost_stacks, "LOST: stacks that found no room")

enum forcepoll_beside {
#define X(name, text) FORCEPOLL_BESIDE_##name,
	FORCEPOLL_BESIDES(X)
#undef X
		FORCEPOLL_NR_BESIDES
};

/* Map "paths", BPF_MAP_TYPE_HASH: where from, -> __u64, how often. */
struct forcepoll_path {
	__u32 cause;
	__u32 tgid; /* whose user_stack is; 0 without */
	__u64 kernel_stack; /* keys of map "stacks", 0: none */
	__u64 user_stack;
	/*
	 * The return address on top of the user's stack, when there is one: the
	 * caller of a function without a frame of its own, which the stack, made
	 * by frame pointers, leaves out. 0: none.
	 */
	__u64 user_caller;
	char comm[16];
};

#define FORCEPOLL_MAX_PATHS 16384

/* Map "stacks", BPF_MAP_TYPE_HASH: hash of it -> the addresses, innermost first. */
#define FORCEPOLL_MAX_FRAMES 127
struct forcepoll_stack {
	__u64 frame[FORCEPOLL_MAX_FRAMES]; /* 0 behind the last one */
};

#endif
