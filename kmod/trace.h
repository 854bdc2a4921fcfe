/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints forcepoll:*, for perf, trace-cmd, bpftrace and BPF programs
 * (tp_btf). Nobody listening, each is one nop.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM forcepoll

#if !defined(FORCEPOLL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FORCEPOLL_TRACE_H

#include <linux/blkdev.h>
#include <linux/tracepoint.h>

#include "bio.h"
#include "forcepoll.h"

/* Readers of the format in tracefs know the values of no enum. */
#define FORCEPOLL_DEFINE(name, text) TRACE_DEFINE_ENUM(FORCEPOLL_ORIGIN_##name);
FORCEPOLL_ORIGINS(FORCEPOLL_DEFINE)
#define FORCEPOLL_DEFINE_MODE(name, text) \
	TRACE_DEFINE_ENUM(FORCEPOLL_MODE_##name);
FORCEPOLL_MODES(FORCEPOLL_DEFINE_MODE)
#define FORCEPOLL_DEFINE_REASON(name, text) \
	TRACE_DEFINE_ENUM(FORCEPOLL_REASON_##name);
FORCEPOLL_REASONS(FORCEPOLL_DEFINE_REASON)

/* The comma comes first; SYMBOLIC() sees the list when it is expanded. */
/* clang-format off */
#define FORCEPOLL_NAME(name, text) , { FORCEPOLL_ORIGIN_##name, #name }
#define FORCEPOLL_MODE(name, text) , { FORCEPOLL_MODE_##name, #name }
#define FORCEPOLL_REASON(name, text) , { FORCEPOLL_REASON_##name, #name }
/* clang-format on */
#define FORCEPOLL_SYMBOLIC(...) __print_symbolic(__VA_ARGS__)
#define forcepoll_show_origin(origin) \
	FORCEPOLL_SYMBOLIC(origin FORCEPOLL_ORIGINS(FORCEPOLL_NAME))

#define forcepoll_show_mode(mode) \
	FORCEPOLL_SYMBOLIC(mode FORCEPOLL_MODES(FORCEPOLL_MODE))
#define forcepoll_show_reason(reason) \
	FORCEPOLL_SYMBOLIC(reason FORCEPOLL_REASONS(FORCEPOLL_REASON))

/* The kernel's way to write events. */
/* clang-format off */

/*
 * A bio that was polled is complete, and its submitter, the current task, goes
 * on. Not for those that were marked for polling and driven by interrupts.
 *
 * @bytes:   as submitted; what is left of them is in the bio
 * @wait_ns: submission to completion
 * @spin_ns: of that, CPU time spent polling
 */
TRACE_EVENT(forcepoll_complete,

	TP_PROTO(const struct bio *bio, unsigned int bytes,
		 unsigned int origin, u64 wait_ns, u64 spin_ns,
		 unsigned int polls, unsigned int naps),

	TP_ARGS(bio, bytes, origin, wait_ns, spin_ns, polls, naps),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(sector_t,	sector)
		__field(unsigned int,	bytes)
		__field(unsigned int,	origin)
		__field(u64,		wait_ns)
		__field(u64,		spin_ns)
		__field(unsigned int,	polls)
		__field(unsigned int,	naps)
	),

	/* Of the disk, as is the sector. */
	TP_fast_assign(
		__entry->dev = disk_devt(bio->bi_bdev->bd_disk);
		__entry->sector = forcepoll_bio_sector(bio, bytes);
		__entry->bytes = bytes;
		__entry->origin = origin;
		__entry->wait_ns = wait_ns;
		__entry->spin_ns = spin_ns;
		__entry->polls = polls;
		__entry->naps = naps;
	),

	TP_printk("%d,%d origin=%s sector=%llu bytes=%u wait_ns=%llu spin_ns=%llu polls=%u naps=%u",
		  MAJOR(__entry->dev), MINOR(__entry->dev),
		  forcepoll_show_origin(__entry->origin),
		  (unsigned long long)__entry->sector, __entry->bytes,
		  __entry->wait_ns, __entry->spin_ns, __entry->polls,
		  __entry->naps)
);

/*
 * A bio is submitted in pieces: the next that the current task submits, each a clone,
 * until they are all of it. It itself is not submitted, and ends with the last of them.
 */
TRACE_EVENT(forcepoll_split,

	TP_PROTO(const struct bio *bio),

	TP_ARGS(bio),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(sector_t,	sector)
		__field(unsigned int,	bytes)
	),

	TP_fast_assign(
		__entry->dev = disk_devt(bio->bi_bdev->bd_disk);
		__entry->sector = bio->bi_iter.bi_sector;
		__entry->bytes = bio->bi_iter.bi_size;
	),

	TP_printk("%d,%d sector=%llu bytes=%u",
		  MAJOR(__entry->dev), MINOR(__entry->dev),
		  (unsigned long long)__entry->sector, __entry->bytes)
);

/*
 * A bio in flight is complete, found by a look: of whoever waits, or passes, or of the
 * backstop. Its submitter may be another task.
 *
 * @bytes:   as submitted
 * @wait_ns: submission to completion
 * @tgid:    the process that submitted it
 */
TRACE_EVENT(forcepoll_reap,

	TP_PROTO(const struct bio *bio, unsigned int bytes,
		 unsigned int origin, u64 wait_ns, unsigned int tgid),

	TP_ARGS(bio, bytes, origin, wait_ns, tgid),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(sector_t,	sector)
		__field(unsigned int,	bytes)
		__field(unsigned int,	origin)
		__field(u64,		wait_ns)
		__field(unsigned int,	tgid)
	),

	TP_fast_assign(
		__entry->dev = disk_devt(bio->bi_bdev->bd_disk);
		__entry->sector = forcepoll_bio_sector(bio, bytes);
		__entry->bytes = bytes;
		__entry->origin = origin;
		__entry->wait_ns = wait_ns;
		__entry->tgid = tgid;
	),

	TP_printk("%d,%d origin=%s sector=%llu bytes=%u wait_ns=%llu tgid=%u",
		  MAJOR(__entry->dev), MINOR(__entry->dev),
		  forcepoll_show_origin(__entry->origin),
		  (unsigned long long)__entry->sector, __entry->bytes,
		  __entry->wait_ns, __entry->tgid)
);

/*
 * The current task has polled for what it has in flight, all of it together.
 *
 * @spin_ns: CPU time
 */
TRACE_EVENT(forcepoll_spin,

	TP_PROTO(unsigned int origin, u64 spin_ns),

	TP_ARGS(origin, spin_ns),

	TP_STRUCT__entry(
		__field(unsigned int,	origin)
		__field(u64,		spin_ns)
	),

	TP_fast_assign(
		__entry->origin = origin;
		__entry->spin_ns = spin_ns;
	),

	TP_printk("origin=%s spin_ns=%llu",
		  forcepoll_show_origin(__entry->origin), __entry->spin_ns)
);

/*
 * A class is waited for in another way from now on.
 *
 * @interrupt_ns, @poll_ns: mean of the last comparison; 0 before the first one
 */
TRACE_EVENT(forcepoll_judge,

	TP_PROTO(const struct forcepoll_class_key *key, unsigned int from,
		 unsigned int to, unsigned int reason, u64 interrupt_ns,
		 u64 poll_ns),

	TP_ARGS(key, from, to, reason, interrupt_ns, poll_ns),

	TP_STRUCT__entry(
		__field(u64,		whose)
		__field(dev_t,		dev)
		__field(u8,		by_cgroup)
		__field(u8,		origin)
		__field(u8,		size)
		__field(u8,		alone)
		__field(unsigned int,	from)
		__field(unsigned int,	to)
		__field(unsigned int,	reason)
		__field(u64,		interrupt_ns)
		__field(u64,		poll_ns)
	),

	TP_fast_assign(
		__entry->whose = key->whose;
		__entry->dev = key->dev;
		__entry->by_cgroup = key->by_cgroup;
		__entry->origin = key->origin;
		__entry->size = key->size;
		__entry->alone = key->alone;
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
		__entry->interrupt_ns = interrupt_ns;
		__entry->poll_ns = poll_ns;
	),

	TP_printk("%s %llu %d,%d origin=%s size=%u alone=%u: %s -> %s reason=%s interrupt_ns=%llu poll_ns=%llu",
		  __entry->by_cgroup ? "cgroup" : "process", __entry->whose,
		  MAJOR(__entry->dev), MINOR(__entry->dev),
		  forcepoll_show_origin(__entry->origin), __entry->size,
		  __entry->alone, forcepoll_show_mode(__entry->from),
		  forcepoll_show_mode(__entry->to),
		  forcepoll_show_reason(__entry->reason),
		  __entry->interrupt_ns, __entry->poll_ns)
);

/* clang-format on */

#endif

/* For Kbuild's -I, which has this directory. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
