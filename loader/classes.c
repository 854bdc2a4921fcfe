// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forcepoll.h"

#include "classes.h"
#include "json.h"
#include "printable.h"
#include "process.h"

static const char *const origins[] = {
#define X(name, text) #name,
	FORCEPOLL_ORIGINS(X)
#undef X
};

static const char *const modes[] = {
#define X(name, text) #name,
	FORCEPOLL_MODES(X)
#undef X
};

static const char *const reasons[] = {
#define X(name, text) #name,
	FORCEPOLL_REASONS(X)
#undef X
};

static const char *const sizes[] = { "<=4K", "<=16K", "<=64K", ">64K" };

const char *classes_mode(__u32 mode)
{
	return mode < FORCEPOLL_NR_MODES ? modes[mode] : "?";
}

const char *classes_reason(__u32 reason)
{
	return reason < FORCEPOLL_NR_REASONS ? reasons[reason] : "?";
}

/* The kernel opens a cgroup by its id, which is all of a kernfs file handle. */
static bool cgroup_path(__u64 id, char *path, int size)
{
	static const char top[] = "/sys/fs/cgroup";
	struct {
		struct file_handle head;
		__u64 id;
	} handle = { { .handle_bytes = sizeof(id), .handle_type = 0xfe }, 0 };
	char link[32], full[4096];
	int mount, fd = -1;
	const char *rest;
	ssize_t n = -1;

	memcpy(handle.head.f_handle, &id, sizeof(id));
	mount = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount >= 0)
		fd = open_by_handle_at(mount, &handle.head, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, full, sizeof(full) - 1);
		close(fd);
	}
	if (mount >= 0)
		close(mount);
	if (n < 0)
		return false;
	full[n] = 0;
	rest = strncmp(full, top, strlen(top)) ? full : full + strlen(top);
	snprintf(path, size, "%.*s", size - 1, *rest ? rest : "/");
	return true;
}

/* The cgroup's path below the mount, or the process's name. */
static void whose_name(const struct forcepoll_class_key *key, char *name,
		       int size)
{
	char comm[16];

	if (key->by_cgroup) {
		if (!cgroup_path(key->whose, name, size))
			snprintf(name, size, "cgroup %llu", key->whose);
	} else {
		process_comm(key->whose, comm);
		snprintf(name, size, "%s", comm);
	}
}

/* In a column: of a cgroup the last part of its path, by which they differ. */
static const char *whose_column(const struct forcepoll_class_key *key,
				const char *name)
{
	const char *slash = strrchr(name, '/');

	return key->by_cgroup && slash && slash[1] ? slash + 1 : name;
}

static void device_name(const struct forcepoll_class_key *key, char *name,
			int size)
{
	unsigned int major = key->dev >> 20, minor = key->dev & 0xfffff;
	char link[48], target[4096];
	const char *base;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major, minor);
	n = readlink(link, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	base = strrchr(target, '/');
	if (base)
		snprintf(name, size, "%s", base + 1);
	else
		snprintf(name, size, "%u:%u", major, minor);
}

static const char *origin_name(const struct forcepoll_class_key *key)
{
	return key->origin < FORCEPOLL_NR_ORIGINS ? origins[key->origin] : "?";
}

static const char *size_name(const struct forcepoll_class_key *key)
{
	return key->size < FORCEPOLL_NR_SIZES ? sizes[key->size] : "?";
}

static const char *waits_name(const struct forcepoll_class_key *key)
{
	return key->alone ? "alone" : "async";
}

const char *classes_name(const struct forcepoll_class_key *key, char *text,
			 int size)
{
	char whose[256], device[32];

	whose_name(key, whose, sizeof(whose));
	device_name(key, device, sizeof(device));
	snprintf(text, size, "%s %s %s %s %s", whose, origin_name(key),
		 size_name(key), waits_name(key), device);
	printable(text, size);
	return text;
}

static int by_ios(const void *a, const void *b)
{
	const struct forcepoll_class_info *x = a, *y = b;

	return (x->ios < y->ios) - (x->ios > y->ios);
}

static void sort(struct forcepoll_classes *classes)
{
	qsort(classes->info, classes->n, sizeof(*classes->info), by_ios);
}

/* Of means in ns, 0 for none. */
static const char *us(__u64 ns, char *text, int size)
{
	if (ns)
		snprintf(text, size, "%.1f", ns / 1e3);
	else
		snprintf(text, size, "-");
	return text;
}

void classes_print(struct forcepoll_classes *classes)
{
	const __u64 most = 20;

	sort(classes);
	printf("\njudged:\n");
	if (!classes->n) {
		printf("  nothing yet\n");
		return;
	}
	printf("  %-11s %-6s %-5s %-5s %-8s %-9s %7s %7s %s\n", "WHOSE",
	       "ORIGIN", "SIZE", "WAITS", "DEVICE", "MODE", "IRQ us", "POLL us",
	       "REASON");
	for (__u64 i = 0; i < classes->n; i++) {
		const struct forcepoll_class_info *c = &classes->info[i];
		char whose[256], device[32], irq[16], poll[16];

		if (i == most) {
			printf("  ... and %llu more (--json lists all)\n",
			       classes->n - most);
			break;
		}
		whose_name(&c->key, whose, sizeof(whose));
		printable(whose, sizeof(whose));
		device_name(&c->key, device, sizeof(device));
		printf("  %-11.11s %-6s %-5s %-5s %-8.8s %-9s %7s %7s %s\n",
		       whose_column(&c->key, whose), origin_name(&c->key),
		       size_name(&c->key), waits_name(&c->key), device,
		       classes_mode(c->mode),
		       us(c->interrupt_ns, irq, sizeof(irq)),
		       us(c->poll_ns, poll, sizeof(poll)),
		       classes_reason(c->reason));
	}
}

/* Counts are of I/Os, *_ns nanoseconds: struct forcepoll_class_info. */
void classes_json(struct forcepoll_classes *classes, struct json *j)
{
	sort(classes);
	json_array(j, "classes");
	for (__u64 i = 0; i < classes->n; i++) {
		const struct forcepoll_class_info *c = &classes->info[i];
		char whose[256], device[32];

		whose_name(&c->key, whose, sizeof(whose));
		device_name(&c->key, device, sizeof(device));
		json_object(j, NULL);
		json_string(j, "whose", whose);
		json_u64(j, c->key.by_cgroup ? "cgroup_id" : "tgid",
			 c->key.whose);
		json_string(j, "origin", origin_name(&c->key));
		json_string(j, "size", size_name(&c->key));
		json_bool(j, "alone", c->key.alone);
		json_string(j, "device", device);
		json_string(j, "mode", classes_mode(c->mode));
		json_string(j, "reason", classes_reason(c->reason));
		json_u64(j, "ios", c->ios);
		json_u64(j, "explored", c->explored);
		json_u64(j, "trials", c->trials);
		json_u64(j, "changes", c->changes);
		json_u64(j, "interrupt_ns", c->interrupt_ns);
		json_u64(j, "poll_ns", c->poll_ns);
		json_u64(j, "interrupt_pace_ns", c->interrupt_pace_ns);
		json_u64(j, "poll_pace_ns", c->poll_pace_ns);
		json_u64(j, "wait_ns", c->wait_ns);
		json_u64(j, "sleep_ns", c->sleep_ns);
		json_end(j);
	}
	json_end(j);
}
