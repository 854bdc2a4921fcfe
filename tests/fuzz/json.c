// SPDX-License-Identifier: GPL-2.0
/*
 * Strings in JSON: whatever a process, file or device is called, what comes out is
 * JSON, and says the same; but for U+FFFD instead of each byte that is no UTF-8.
 */
#include <locale.h>
#include <wchar.h>

#include "fuzz.h"
#include "json.h"

/* Writes in UTF-8 what @word is to be read back as. */
static void expected(FILE *out, const char *word)
{
	size_t left = strlen(word), len;
	mbstate_t state;
	wchar_t c;

	for (; left; word += len, left -= len) {
		memset(&state, 0, sizeof(state));
		len = mbrtowc(&c, word, left, &state);
		/* What libc takes, and Unicode has not. */
		if (len > left || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
			len = 1;
			fputs("\xef\xbf\xbd", out);
		} else {
			fwrite(word, len, 1, out);
		}
	}
}

/* Behind a backslash, as RFC 8259 has it. */
static const char *read_escape(FILE *out, const char *at)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char digits[5] = "", *end;
	const char *e;
	long c;

	must(*at);
	e = strchr(escapes, *at);
	if (e) {
		fputc(meant[e - escapes], out);
		return at + 1;
	}
	must(*at == 'u');
	memcpy(digits, at + 1, strnlen(at + 1, 4));
	must(strspn(digits, "0123456789abcdefABCDEF") == 4);
	c = strtol(digits, &end, 16);
	must(!*end && (c < 0x80 || c == 0xfffd));
	if (c == 0xfffd)
		fputs("\xef\xbf\xbd", out);
	else
		fputc(c, out);
	return at + 5;
}

/* Reads the string that begins at @at into @out; returns what is behind it. */
static const char *read_string(FILE *out, const char *at)
{
	must(*at++ == '"');
	while (*at != '"') {
		must((unsigned char)*at >= ' ');
		if (*at == '\\')
			at = read_escape(out, at + 1);
		else
			fputc(*at++, out);
	}
	return at + 1;
}

static const char *reads(const char *at, const char *word)
{
	char *want, *got;
	size_t want_size, got_size;
	FILE *w = open_memstream(&want, &want_size);
	FILE *g = open_memstream(&got, &got_size);

	must(w && g);
	expected(w, word);
	at = read_string(g, at);
	fclose(w);
	fclose(g);
	must(want_size == got_size && !memcmp(want, got, got_size));
	free(want);
	free(got);
	return at;
}

static const char *skip(const char *at, const char *text)
{
	must(!strncmp(at, text, strlen(text)));
	return at + strlen(text);
}

/* A key and a value, one at the end of the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *key = fuzz_string(data, size / 2);
	char *value = fuzz_string(data + size / 2, size - size / 2);
	struct json j = {};
	const char *at;
	size_t length;
	char *text;

	setlocale(LC_CTYPE, "C.UTF-8");
	j.out = open_memstream(&text, &length);
	must(j.out);
	json_object(&j, NULL);
	json_string(&j, key, value);
	json_end(&j);
	fclose(j.out);

	must(length == strlen(text));
	at = reads(skip(text, "{\n  "), key);
	at = reads(skip(at, ": "), value);
	must(!*skip(at, "\n}\n"));
	free(text);
	free(key);
	free(value);
	return 0;
}
