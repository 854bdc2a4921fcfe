/* SPDX-License-Identifier: GPL-2.0 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

/*
 * Writes one JSON value, indented, and a newline after it:
 *
 *	struct json j = { .out = stdout };
 *
 *	json_object(&j, NULL);
 *	json_u64(&j, "polled", 42);
 *	json_end(&j);
 *
 * The key is NULL for the outermost value and in arrays. Errors stay in the
 * stream, see ferror(3).
 */
struct json {
	FILE *out;
	unsigned int depth;
	char close[8]; /* what ends each level that is open: as deep as we go */
	bool filled; /* the innermost one has a member */
};

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j);

void json_string(struct json *j, const char *key, const char *value);
void json_u64(struct json *j, const char *key, __u64 value);
void json_double(struct json *j, const char *key, double value); /* NaN: null */
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
