/* SPDX-License-Identifier: GPL-2.0 */
/* Which block devices there are, and which of them the module would poll. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct device {
	char name[32]; /* as in /sys/block: nvme0n1 */
	unsigned int major, minor;
	__u32 dev; /* key of map "devices" */
	bool mq; /* has hardware queues; others pass their I/O on */
	bool io_poll; /* what the kernel says in queue/io_poll */
	int poll_queues; /* -1: cannot tell, debugfs is not there */
	char elevator[16]; /* I/O scheduler, "none" */
	char controller[16]; /* nvme0; "" when it is not a namespace of one */
	char transport[16]; /* of that one: pcie, tcp, rdma, ... */
	char why[96]; /* it is not polled, one clause; "" when it is */
};

/* All whole disks by name, to be freed. Return: how many, or -errno. */
int device_list(struct device **devices);

/*
 * The disk that @name_or_path means: nvme0n1, /dev/nvme0n1, or one of its
 * partitions. Return: 0; -ENODEV.
 */
int device_find(const char *name_or_path, struct device *d);

/* Would the module poll it? By the rules of device_reason() in kmod/poll.c. */
bool device_pollable(const struct device *d);

/*
 * To poll, these drivers of NVMe use what they free when a connection is lost:
 * fp_queue_can_poll() in kmod/compat.h.
 */
bool device_over_network(const char *transport);

/* First line of a small file as in sysfs. Return: 0; -errno, and "" in @buf. */
int device_read(char *buf, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

#endif
