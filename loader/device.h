/* SPDX-License-Identifier: GPL-2.0 */
/* Which block devices there are, and which of them the module would poll. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct device {
	char name[32]; /* as in /sys/block: nvme0n1 */
	char dm_name[128]; /* vg-data; "" when it is none of dm's */
	char type[64]; /* nvme pcie, dm linear, md raid1, virtio_blk, ... */
	unsigned int major, minor;
	__u32 dev; /* key of map "devices" */
	bool hidden; /* a path below a multipath head: nobody can open it */
	bool empty; /* of size 0: nothing is attached to it */
	bool mq; /* has hardware queues */
	bool io_poll; /* what the kernel says in queue/io_poll */
	bool blocking; /* its driver may sleep where others poll */
	int poll_queues; /* -1: cannot tell, debugfs is not there */
	char elevator[16]; /* I/O scheduler, "none" */
	char controller[16]; /* nvme0; "" when it is not a namespace of one */
	char transport[16]; /* of that one: pcie, tcp, rdma, ... */
	bool stacked; /* made of others: its I/O goes to those below */
	bool passes_on; /* in the task of whoever submits to it, see stack.h */
	struct device **below; /* in the same list */
	int nr_below, nr_above;
	char why[192]; /* it is not polled, one clause; "" when it is */
};

/* All whole disks by name, to be freed. Return: how many, or -errno. */
int device_list(struct device **all);
void device_free(struct device *all, int n);

/*
 * The disk of the list that @name_or_path means: nvme0n1, /dev/nvme0n1, or one of
 * its partitions. NULL: there is none.
 */
struct device *device_find(struct device *all, int n, const char *name_or_path);

/* The same for the directory in sysfs of a disk or a partition, or a link there. */
struct device *device_at(struct device *all, int n, const char *path);

/*
 * Would the module poll it? By the rules of device_reason() in kmod/poll.c; one
 * that is stacked, where those below it can be polled.
 */
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
