/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>

bool module_loaded(void);

/* Loaded, and not just coming or going: others' programs can call into it. */
bool module_live(void);

/* It is bound, or programs that call into it are loaded. */
bool module_used(void);

/*
 * From @file, or by modprobe, which holds the descriptor @lock for as long as it takes.
 * Says why not; 0, or -errno.
 */
int module_load(const char *file, int lock);

/* Write its parameter @name, or read it as one word. 0, or -errno, said. */
int module_set(const char *name, const char *value);
int module_get(const char *name, char *value, size_t size);

/* False where an administrator has switched polling off. */
bool module_enabled(void);

/* -EWOULDBLOCK when it is in use. Says nothing. */
int module_unload(void);

#endif
