// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "json.h"

/*
 * Bytes of the UTF-8 character that @s starts with; 0 when it is none. Names of
 * processes and files are any bytes, JSON is not.
 */
static int utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int min;
	} forms[] = {
		{ 0x80, 0x00, 0x00 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	int len, i;

	for (len = 1; len <= 4; len++) {
		unsigned int c = *s & ~forms[len - 1].mask;

		if ((*s & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		for (i = 1; i < len; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		/* Too long a form, half of a UTF-16 pair, beyond Unicode. */
		if (c < forms[len - 1].min || (c >= 0xd800 && c < 0xe000) ||
		    c > 0x10ffff)
			return 0;
		return len;
	}
	return 0;
}

static void quote(FILE *out, const char *s)
{
	static const char plain[] = "\"\\\n\t\r\b\f", escaped[] = "\"\\ntrbf";
	const char *e;
	int len;

	fputc('"', out);
	for (; *s; s += len ? len : 1) {
		len = utf8_len((const unsigned char *)s);
		e = strchr(plain, *s);
		if (!len)
			fputs("\\ufffd", out);
		else if (e)
			fprintf(out, "\\%c", escaped[e - plain]);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, len, out);
	}
	fputc('"', out);
}

/* Whatever stands before a value. */
static void next(struct json *j, const char *key)
{
	if (j->depth)
		fprintf(j->out, "%s\n%*s", j->filled ? "," : "",
			2 * (int)j->depth, "");
	j->filled = true;
	if (key) {
		quote(j->out, key);
		fputs(": ", j->out);
	}
}

static void begin(struct json *j, const char *key, char open, char close)
{
	next(j, key);
	fputc(open, j->out);
	j->close[j->depth++] = close;
	j->filled = false;
}

void json_object(struct json *j, const char *key)
{
	begin(j, key, '{', '}');
}

void json_array(struct json *j, const char *key)
{
	begin(j, key, '[', ']');
}

void json_end(struct json *j)
{
	j->depth--;
	if (j->filled)
		fprintf(j->out, "\n%*s", 2 * (int)j->depth, "");
	fputc(j->close[j->depth], j->out);
	j->filled = true;
	if (!j->depth)
		fputc('\n', j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	next(j, key);
	quote(j->out, value);
}

void json_u64(struct json *j, const char *key, __u64 value)
{
	next(j, key);
	fprintf(j->out, "%llu", value);
}

void json_double(struct json *j, const char *key, double value)
{
	next(j, key);
	if (isfinite(value))
		fprintf(j->out, "%.9g", value);
	else
		fputs("null", j->out);
}

void json_bool(struct json *j, const char *key, bool value)
{
	next(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	next(j, key);
	fputs("null", j->out);
}
