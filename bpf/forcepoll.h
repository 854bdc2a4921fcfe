/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract of forcepoll's three parts: the BPF programs write the maps, the
 * kernel module reads them and counts, the loader shows the counts.
 *
 * Everything here is fixed-width, in the machine's byte order; layouts only grow
 * at the end, with FORCEPOLL_ABI.
 */
#ifndef FORCEPOLL_H
#define FORCEPOLL_H

#ifndef __VMLINUX_H__ /* BPF programs have the types from there */
#include <linux/types.h>
#endif

#define FORCEPOLL_ABI 9
#define FORCEPOLL_PIN_DIR "/sys/fs/bpf/forcepoll"
#define FORCEPOLL_MAX_TARGETS 65536
#define FORCEPOLL_MAX_DEVICES 1024
#define FORCEPOLL_MAX_CGROUPS 1024
#define FORCEPOLL_MAX_NAMES 1024

/*
 * Map "targets", BPF_MAP_TYPE_HASH, pinned.
 *
 *   key    __u32 tgid, the process as the initial PID namespace numbers it (what
 *          ps shows on the host). Key 0 stands for every process.
 *   value  struct forcepoll_target, 8 bytes, read by the module as one aligned
 *          __u64: an update is seen whole or not at all.
 *
 * By hand: bpftool map update pinned /sys/fs/bpf/forcepoll/targets \
 *                  key 0x39 0x30 0 0 value 0 0 0 0 0 0 0 0      (process 12345)
 */
struct forcepoll_target {
	__u32 flags; /* FORCEPOLL_TARGET_*; 0 is right for an entry made by hand */
	__u32 max_bytes; /* poll I/O up to this size; 0: no limit */
};

#define FORCEPOLL_TARGET_FOLLOW 0x1u /* children are targets too */
/* Who made the entry. An entry without any of these was made by hand, and only
 * exit or hand removes it.
 */
#define FORCEPOLL_TARGET_CGROUP 0x2u /* leaves with its cgroup */
#define FORCEPOLL_TARGET_PID 0x4u
#define FORCEPOLL_TARGET_NAME 0x8u /* --comm, --exe */
#define FORCEPOLL_TARGET_DEVICES 0x10u /* poll only devices in map "devices" */
/*
 * Poll nothing: count what would be polled. The module decides as always, and then
 * submits the bio as it is. What it learns by polling alone, such as that waits take
 * too long, that nobody waits, or that a stacked device ends its bios elsewhere, it
 * does not learn here: so the counts are the most that would be polled.
 */
#define FORCEPOLL_TARGET_OBSERVE 0x20u
/* With FORCEPOLL_TARGET_CGROUP: the level of the cgroup that was chosen, 0 is the root. */
#define FORCEPOLL_TARGET_LEVEL_SHIFT 24
/* With FORCEPOLL_TARGET_PID: chosen itself, not as a child of one. */
#define FORCEPOLL_TARGET_GIVEN (1u << FORCEPOLL_TARGET_LEVEL_SHIFT)
#define FORCEPOLL_TARGET_FLAGS ((1u << FORCEPOLL_TARGET_LEVEL_SHIFT) - 1)

/*
 * Map "devices", BPF_MAP_TYPE_HASH, pinned.
 *
 *   key    __u32 (major << 20) | minor of the whole disk
 *   value  __u32 FORCEPOLL_DEVICE_*
 *
 * Looked at for targets with FORCEPOLL_TARGET_DEVICES only. A loader that stays keeps
 * its own entries to what the chosen devices are made of; those by hand it leaves.
 */
#define FORCEPOLL_DEVICE_ALLOW 0x1u

/*
 * Map "cgroups", BPF_MAP_TYPE_HASH, pinned.
 *
 *   key    __u64 cgroup2 id (its directory's inode number)
 *   value  struct forcepoll_target that its processes, and those of every
 *          cgroup below, get
 *
 * Maps "comms" (key char[16], NUL padded) and "exes" (key struct forcepoll_exe)
 * have the same value, for processes that run such a program.
 */
struct forcepoll_exe {
	__u64 ino; /* inode number of the executable */
	__u32 dev; /* s_dev of its super block, as the kernel holds it */
	/* i_generation: a number may be used again, on btrfs by another subvolume. */
	__u32 generation;
};

/*
 * Map "state", BPF_MAP_TYPE_ARRAY of one, pinned: what a later loader must know
 * to take over, or to undo all. Written by loaders only.
 */
struct forcepoll_state {
	__u32 abi; /* FORCEPOLL_ABI of the loader that pinned it */
	__u32 flags; /* FORCEPOLL_STATE_* */
	__u64 started; /* seconds since the epoch */
};

#define FORCEPOLL_STATE_LOADED 0x1u /* forcepoll loaded the module: unload it */
#define FORCEPOLL_STATE_BACKGROUND \
	0x2u /* --background: no loader is expected */

/*
 * Map "events", BPF_MAP_TYPE_PERCPU_ARRAY of __u64, pinned: what the tracking
 * programs did, and why they did nothing. X(name, what happened)
 */
#define FORCEPOLL_EVENTS(X)                                        \
	X(fork_cgroup, "child born in a chosen cgroup")            \
	X(fork_follow, "child of a target that is followed")       \
	X(fork_thread, "new thread: already covered by its tgid")  \
	X(fork_other, "child of a process that is not followed")   \
	X(exec_name, "exec of a chosen comm or executable")        \
	X(exec_keep, "exec by a target: it stays one")             \
	X(exec_other, "exec by a process that is no target")       \
	X(exit_target, "last thread of a target left")             \
	X(exit_thread, "a thread left, others remain")             \
	X(exit_other, "a process that is no target left")          \
	X(cgroup_join, "process moved into a chosen cgroup")       \
	X(cgroup_leave, "process moved out of the chosen cgroups") \
	X(cgroup_stay, "moved, and nothing changed by it")         \
	X(cgroup_thread, "one thread moved: its process decides")  \
	X(cgroup_rmdir, "a chosen cgroup was removed")             \
	X(seed_add, "already running when forcepoll started")      \
	X(seed_known, "already running, already a target")         \
	X(seed_other, "already running, not chosen")               \
	X(gone, "exited while it was being added")                 \
	X(full, "NOT ADDED: the map of targets is full")           \
	X(failed, "NOT ADDED: the map update failed")              \
	X(fork_name, "child of a chosen comm or executable")       \
	X(exec_leave, "target by name, exec of another program")

enum forcepoll_event {
#define X(name, text) FORCEPOLL_EVENT_##name,
	FORCEPOLL_EVENTS(X)
#undef X
		FORCEPOLL_NR_EVENTS
};

/*
 * What became of the bios that targets submitted, counted by the module.
 * X(name, what happened). submitted == polled + unpolled + observed + every
 * skip_*, whenever nothing is in flight.
 */
#define FORCEPOLL_COUNTS(X)                                                  \
	X(submitted, "bios that targets submitted")                          \
	X(polled, "polled until they completed")                             \
	X(first_poll, "  of these, done at the first poll")                  \
	X(async, "  of these, not waited for alone")                         \
	X(by_other, "  of these, completed by another poller or CPU")        \
	X(napped, "  of these, slept between polls at least once")           \
	X(naps, "sleeps between polls")                                      \
	X(polls, "calls of bio_poll")                                        \
	X(looks, "looks at completion queues for bios in flight")            \
	X(backstop, "times that the backstop did, as nobody else")           \
	X(late, "completed by a worker: errors, others' polls")              \
	X(unpolled, "marked, but completed by interrupts all the same")      \
	X(observed, "would be polled: only observed, and left alone")        \
	X(resubmitted, "refused because marked, submitted again unmarked")   \
	X(skip_op, "left alone: neither read nor write, or special")         \
	X(skip_flush, "left alone: flush or FUA")                            \
	X(skip_nowait, "left alone: must not wait (REQ_NOWAIT)")             \
	X(skip_polled, "left alone: polled by its owner (IOPOLL)")           \
	X(skip_writeback, "left alone: a write nobody waits for alone")      \
	X(skip_readahead, "left alone: read-ahead nobody waits for")         \
	X(skip_large, "left alone: over max_bytes, or not to be cut")        \
	X(skip_nested, "left alone: below a device where it is no help")     \
	X(skip_reclaim, "left alone: memory reclaim")                        \
	X(skip_worker, "left alone: kernel or io_uring worker thread")       \
	X(skip_atomic, "left alone: caller must not sleep")                  \
	X(skip_aio, "left alone: io_submit")                                 \
	X(skip_uring, "left alone: io_uring_enter")                          \
	X(skip_batched, "left alone: one of several in flight together")     \
	X(skip_bio_based, "passed on: to a device that is stacked (dm, md)") \
	X(skip_elevator, "left alone: device has an I/O scheduler")          \
	X(skip_zoned, "left alone: write to a zoned device")                 \
	X(skip_crypt, "left alone: inline encryption")                       \
	X(skip_integrity, "left alone: device with integrity data")          \
	X(skip_no_queue, "left alone: device has no poll queue")             \
	X(skip_device, "left alone: not one of the chosen devices")          \
	X(skip_full, "left alone: enough polled bios in flight")             \
	X(skip_unattended, "left alone: nobody waited for the last ones")    \
	X(skip_busy, "left alone: other tasks want this CPU")                \
	X(skip_sched, "left alone: real-time, or of limited CPU time")       \
	X(skip_judge, "left alone: interrupts do better, or a sample")       \
	X(skip_budget, "left alone: over --max-poll-cpu")                    \
	X(hybrid, "of the polled, slept before the first poll")              \
	X(overslept, "  of these, were complete when that was over")         \
	X(held, "bios kept from a CPU or the drive for long")

enum forcepoll_count {
#define X(name, text) FORCEPOLL_COUNT_##name,
	FORCEPOLL_COUNTS(X)
#undef X
		FORCEPOLL_NR_COUNTS
};

/* Where a polled bio came from. */
#define FORCEPOLL_ORIGINS(X)                              \
	X(read, "read system calls, direct and buffered") \
	X(write, "writes: direct, and those of fsync")    \
	X(fault, "page faults on mapped files")           \
	X(swap, "page faults on swapped-out memory")

enum forcepoll_origin {
#define X(name, text) FORCEPOLL_ORIGIN_##name,
	FORCEPOLL_ORIGINS(X)
#undef X
		FORCEPOLL_NR_ORIGINS
};

/* Where a task waits for bios in flight together, and polls. X(name, whose) */
#define FORCEPOLL_WAITS(X)                                      \
	X(io_schedule, "direct I/O, the page cache, writeback") \
	X(aio, "libaio")                                        \
	X(uring, "io_uring without IOPOLL")

enum forcepoll_wait {
#define X(name, text) FORCEPOLL_WAIT_##name,
	FORCEPOLL_WAITS(X)
#undef X
		FORCEPOLL_NR_WAITS
};

/*
 * What kfunc forcepoll_stats_read() fills in. All counters since the module was
 * loaded, summed over the CPUs without stopping them: each one is exact, their
 * sum is exact when nothing is in flight.
 */
struct forcepoll_stats {
	__u64 abi; /* FORCEPOLL_ABI of the module */
	__u64 bound; /* 1: a map is bound and the hook is installed */
	__u64 targets_id; /* BPF map ids, 0 when not bound */
	__u64 devices_id;
	__u64 inflight; /* tasks inside the hook now, polling or submitting */
	__u64 bios; /* marked ones in flight now that nobody waits for inside */
	__u64 waits; /* 1 << FORCEPOLL_WAIT_*: where it can poll on this kernel */
	__u64 max_wait_ns; /* longest any polled bio took */
	__u64 count[FORCEPOLL_NR_COUNTS];
	__u64 polled[FORCEPOLL_NR_ORIGINS]; /* bios, sum == count polled */
	__u64 bytes[FORCEPOLL_NR_ORIGINS];
	__u64 wait_ns[FORCEPOLL_NR_ORIGINS]; /* submission to completion */
	__u64 spin_ns[FORCEPOLL_NR_ORIGINS]; /* of that, CPU time spent polling */
	__u64 useful_ns[FORCEPOLL_NR_ORIGINS]; /* of that, up to irq_ns a bio */
	__u64 irq_ns; /* estimate: what an interrupt and a wake-up cost here */
	__u64 age_ns; /* since the module was loaded */
	__u64 observed[FORCEPOLL_NR_ORIGINS]; /* bios, sum == count observed */
	__u64 observed_bytes[FORCEPOLL_NR_ORIGINS];
	char policy[16]; /* name of the BPF policy that decides, or "" */
	__u64 policy_disabled; /* 1: it took too long, and is not asked any more */
};

/* How one waits. X(name, what is done) */
#define FORCEPOLL_MODES(X)                                   \
	X(interrupt, "sleep until the device's interrupt")   \
	X(hybrid, "sleep for a part of the time, then poll") \
	X(poll, "poll")

enum forcepoll_mode {
#define X(name, text) FORCEPOLL_MODE_##name,
	FORCEPOLL_MODES(X)
#undef X
		FORCEPOLL_NR_MODES
};

/* Why a class has the mode that it has. X(name, why) */
#define FORCEPOLL_REASONS(X)                                       \
	X(new, "not measured yet")                                 \
	X(faster, "takes less time than the other")                \
	X(slow_device, "the device takes long: sleeping is cheap") \
	X(fast_device, "the device is too fast to sleep first")    \
	X(forced, "parameter mode")                                \
	X(slower, "polling took more time than interrupts did")

enum forcepoll_reason {
#define X(name, text) FORCEPOLL_REASON_##name,
	FORCEPOLL_REASONS(X)
#undef X
		FORCEPOLL_NR_REASONS
};

/*
 * What is judged together: I/O of one origin, size and device, of a cgroup (a
 * target's own, if that was chosen) or else of a process, waited for in one way.
 */
struct forcepoll_class_key {
	__u64 whose; /* cgroup id, or tgid: see by_cgroup */
	__u32 dev; /* major << 20 | minor of the disk that is polled */
	__u8 origin; /* enum forcepoll_origin */
	__u8 size; /* of up to 4K << 2 * size bytes; FORCEPOLL_NR_SIZES - 1: any */
	__u8 alone; /* 1: waited for alone, inside submit_bio; 0: one of several */
	__u8 by_cgroup;
};

#define FORCEPOLL_NR_SIZES 4
#define FORCEPOLL_MAX_CLASSES 256

struct forcepoll_class_info {
	struct forcepoll_class_key key;
	__u32 mode; /* enum forcepoll_mode */
	__u32 reason; /* enum forcepoll_reason */
	__u64 ios; /* judged so far; up to 31 more for each CPU */
	__u64 explored; /* of these, in the other mode, where that did no better */
	__u64 trials, changes; /* comparisons; changes of mind */
	/* The last comparison: mean of each, or 0. */
	__u64 interrupt_ns, poll_ns;
	/* And from one I/O to the next, of all together. */
	__u64 interrupt_pace_ns, poll_pace_ns;
	__u64 wait_ns; /* mean of those polled lately */
	__u64 sleep_ns; /* hybrid: for how long first */
};

/* What kfunc forcepoll_classes_read() fills in. */
struct forcepoll_classes {
	__u64 n;
	struct forcepoll_class_info info[FORCEPOLL_MAX_CLASSES];
};

/*
 * A policy in BPF: programs of yours decide how each bio is waited for that may be
 * polled, and hear how long it took. See bpf/policy_example.c.
 *
 *   SEC("forcepoll_policy/select")    __u64 (const struct forcepoll_policy_ctx *)
 *   SEC("forcepoll_policy/complete")  void (const struct forcepoll_policy_ctx *,
 *                                           __u64 ns); may be missing
 *
 * select() runs in the task that submits. complete() is told of all that select() did
 * not leave to the default: ns from submission until its submitter goes on if that
 * polls it alone, else until it is complete. It may run in an interrupt, also in
 * one that comes while select() runs on the same CPU: neither is left out then. What
 * both write needs atomics or a bpf_spin_lock. They must not sleep. One whose calls
 * take longer than parameter policy_max_ns is not asked any more.
 */
struct forcepoll_policy_ctx {
	__u64 whose; /* cgroup id, or tgid: with whom it is judged */
	__u64 bytes;
	__u32 tgid; /* the process, as the host numbers it; complete(): or 0 */
	__u32 dev; /* major << 20 | minor of the disk that is polled */
	__u32 origin; /* enum forcepoll_origin */
	__u32 alone; /* 1: waited for alone, inside submit_bio; 0: one of several */
	__u32 in_flight; /* of tgid: marked bios in flight now; no tgid: 0 */
	__u32 runnable; /* 1: another task wants this CPU now */
};

/* What select() returns, or else: sleep for so many ns first, then poll. */
#define FORCEPOLL_POLICY_INTERRUPT 0ULL
#define FORCEPOLL_POLICY_POLL (~0ULL)
#define FORCEPOLL_POLICY_DEFAULT (~0ULL - 1) /* as without a policy */
#define FORCEPOLL_POLICY_SLEEP_MAX 10000000ULL /* longer: so long */
#define FORCEPOLL_POLICY_SLEEP_SANE 1000000000ULL /* longer: no time, DEFAULT */

/* The sizes that user-made map entries and other people's tools rely on. */
_Static_assert(sizeof(struct forcepoll_target) == 8, "read as one u64");
_Static_assert(sizeof(struct forcepoll_exe) == 16, "no holes: a hash key");
_Static_assert(sizeof(struct forcepoll_class_key) == 16, "compared as two u64");
_Static_assert(sizeof(struct forcepoll_policy_ctx) == 40, "no holes");

#endif /* FORCEPOLL_H */
