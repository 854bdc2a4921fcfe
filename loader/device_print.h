/* SPDX-License-Identifier: GPL-2.0 */
/* What is said of devices, by status and doctor. */
#ifndef DEVICE_PRINT_H
#define DEVICE_PRINT_H

#include <stddef.h>

struct device;
struct json;

/* "2 poll queues", "polled", "not polled: ...", ... */
void device_verdict(const struct device *d, char *buf, size_t size);

/* As lsblk does, but the other way round: those that nobody stands on first. */
void device_print_trees(const struct device *all, int n);

/* type, dm_name, stacked and below, into an object that is open. */
void device_json(struct json *j, const struct device *d);

#endif
