/* SPDX-License-Identifier: GPL-2.0 */
/* The checks of doctor, by file, and what these files share. */
#ifndef DOCTOR_CHECKS_H
#define DOCTOR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

struct device;
struct report;

/* doctor_system.c */
void check_root(struct report *r);
void check_kernel(struct report *r);
void check_ftrace(struct report *r);
void check_rival(struct report *r);
void check_bpffs(struct report *r, const char *pin_dir);
void check_cgroup(struct report *r);
void check_debugfs(struct report *r);
void check_cpus(struct report *r);

/* doctor_module.c. @file: NULL for where modprobe looks. */
void check_module(struct report *r, const char *file);

/* doctor_device.c: all of them, the controllers first */
void check_devices(struct report *r);

/* Poll queues by a parameter of a driver, from the next boot on. */
void fix_boot(struct report *r, const char *module, const char *file,
	      unsigned int n);

/* doctor_nvme.c */
void check_controllers(struct report *r);

/* doctor_used.c: is a disk, or a part of it, in use? @by: the first user */
bool disk_used(const struct device *d, bool root, char *by, size_t size);

/*
 * doctor_find.c
 *
 * Which of @words begin a line of a file, compressed or not, as a mask. @line
 * is the last such line, if given. -errno: cannot be read.
 */
int find_words(const char *path, const char *const *words, int n, char *line,
	       size_t size);
bool find_word(const char *path, const char *word, char *line, size_t size);

/* How many paths match, as in glob(7). @path is the first, if given. */
int find_paths(char *path, size_t size, const char *pattern, ...)
	__attribute__((format(printf, 3, 4)));

/* Where the first file system of this type is mounted. */
bool find_mount(const char *type, char *dir, size_t size);

#endif
