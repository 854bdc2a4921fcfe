/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that BPF may call in forcepoll.ko, written once for both sides. Only from
 * SEC("syscall") programs, by CAP_SYS_ADMIN; from an interrupt, as that of a program's
 * timer, -EBUSY. The interface may change with the module's version, as kfuncs do;
 * FORCEPOLL_ABI says which it is.
 */
#ifndef FORCEPOLL_KFUNC_H
#define FORCEPOLL_KFUNC_H

#ifdef __KERNEL__
#define FORCEPOLL_KSYM
#else
/* Weak: a kernel has one form of bind, and a program loads where it is. */
#define FORCEPOLL_KSYM __ksym __weak
#endif

struct bpf_map;
struct forcepoll_stats;

/*
 * forcepoll_bind - start polling for the processes in a map
 * @targets: hash map, __u32 tgid -> struct forcepoll_target
 * @devices: hash map, __u32 dev -> __u32 FORCEPOLL_DEVICE_*
 *
 * Installs the hook of submit_bio_noacct(). Idempotent for the same two maps. Holds both
 * maps and the module until forcepoll_release().
 * Return: 0; -EPERM; -EBUSY when other maps are bound, when another tool
 * replaces that, or when ftrace is off; -EINVAL when a map has another
 * type or size; -ENOENT when nobody has one of them any more; -ENOMEM.
 */
extern int forcepoll_bind(struct bpf_map *targets,
			  struct bpf_map *devices) FORCEPOLL_KSYM;

/*
 * The same for kernels whose verifier cannot pass a map to a kfunc (6.1): file
 * descriptors of the calling process. -EBADF when one is not a map.
 */
extern int forcepoll_bind_fd(int targets_fd, int devices_fd) FORCEPOLL_KSYM;

/*
 * forcepoll_release - stop polling, remove the hook, let the maps go
 *
 * I/O that is being polled goes on to be polled by those who submitted it.
 * Return: 0; -EPERM; -ENOENT when nothing is bound.
 */
extern int forcepoll_release(void) FORCEPOLL_KSYM;

/*
 * forcepoll_stats_read - counters and state, see struct forcepoll_stats
 * Return: 0; -EPERM; -EINVAL for NULL, where the verifier lets it pass (6.1).
 */
extern int forcepoll_stats_read(struct forcepoll_stats *stats) FORCEPOLL_KSYM;

/*
 * forcepoll_classes_read - what is judged together, and how
 * @classes: struct forcepoll_classes, which is no struct for the verifier: it has an
 *           array of others
 * Return: 0; -EPERM; -EINVAL for another size.
 */
extern int forcepoll_classes_read(void *classes,
				  __u32 classes__sz) FORCEPOLL_KSYM;

#endif /* FORCEPOLL_KFUNC_H */
