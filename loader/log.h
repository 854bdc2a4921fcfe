/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOG_H
#define LOG_H

enum { LOG_QUIET = -1, LOG_INFO, LOG_VERBOSE, LOG_LIBBPF };
extern int log_level;

/* All on stderr, one line each, with the program's name before it. */
#define printf_like __attribute__((format(printf, 1, 2)))
void log_info(const char *format, ...) printf_like; /* silent with -q */
void log_verbose(const char *format, ...) printf_like; /* with -v */
void log_warn(const char *format, ...) printf_like;

/* An error, said once where it is known best. Returns @err for the caller. */
int log_error(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* libbpf's own messages: with -vv only, its warnings with -v. */
void log_init(void);

#endif
