// SPDX-License-Identifier: GPL-2.0
#include <bpf/libbpf.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

int log_level = LOG_INFO;

/* For somebody who reads: to wait for good would be not to hear the signal to end. */
static void line(const char *format, va_list args)
{
	struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (!poll(&err, 1, 1000))
		return;
	fputs("forcepoll-loader: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

#define LINE(format)                    \
	do {                            \
		va_list args;           \
		va_start(args, format); \
		line(format, args);     \
		va_end(args);           \
	} while (0)

void log_info(const char *format, ...)
{
	if (log_level >= LOG_INFO)
		LINE(format);
}

void log_verbose(const char *format, ...)
{
	if (log_level >= LOG_VERBOSE)
		LINE(format);
}

void log_warn(const char *format, ...)
{
	LINE(format);
}

int log_error(int err, const char *format, ...)
{
	LINE(format);
	return err;
}

static int libbpf_print(enum libbpf_print_level level, const char *format,
			va_list args)
{
	int needed = level == LIBBPF_WARN ? LOG_VERBOSE : LOG_LIBBPF;

	return log_level >= needed ? vfprintf(stderr, format, args) : 0;
}

void log_init(void)
{
	libbpf_set_print(libbpf_print);
	/* Errors go with our words, in our line, not in both. */
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
}
