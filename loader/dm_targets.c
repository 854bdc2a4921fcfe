// SPDX-License-Identifier: GPL-2.0
#include <libdevmapper.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dm_targets.h"

/* Who asks what a device is made of wants no words about dm. */
__attribute__((format(printf, 5, 6))) static void
say_nothing(int level, const char *file, int line, int error,
	    const char *format, ...)
{
	(void)level, (void)file, (void)line, (void)error, (void)format;
}

/* Whole words: "unstriped" is not "striped". */
static bool listed(const char *list, const char *word)
{
	size_t len;

	for (; *list; list += len + (list[len] == '+')) {
		len = strcspn(list, "+");
		if (len == strlen(word) && !strncmp(list, word, len))
			return true;
	}
	return false;
}

static void list_targets(struct dm_task *task, char *buf, size_t size)
{
	uint64_t start, length;
	char *type, *params;
	void *next = NULL;
	size_t len;

	do {
		next = dm_get_next_target(task, next, &start, &length, &type,
					  &params);
		if (!type || listed(buf, type))
			continue;
		len = strlen(buf);
		snprintf(buf + len, size - len, "%s%s", len ? "+" : "", type);
	} while (next);
}

/* secure_data: dm-crypt's table has its key in it. */
void dm_targets(unsigned int major, unsigned int minor, char *buf, size_t size)
{
	struct dm_task *task;

	buf[0] = '\0';
	/* The library would try to make it. */
	if (access("/dev/mapper/control", R_OK | W_OK))
		return;
	dm_log_with_errno_init(say_nothing);
	task = dm_task_create(DM_DEVICE_TABLE);
	if (!task)
		return;
	if (dm_task_set_major(task, major) && dm_task_set_minor(task, minor) &&
	    dm_task_no_open_count(task) && dm_task_secure_data(task) &&
	    dm_task_run(task))
		list_targets(task, buf, size);
	dm_task_destroy(task);
	dm_lib_release();
}
