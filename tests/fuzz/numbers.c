// SPDX-License-Identifier: GPL-2.0
/* Numbers of the command line: whatever is taken for one is what it looks like. */
#include <argp.h>
#include <ctype.h>
#include <limits.h>
#include <setjmp.h>

#include "args.h"
#include "fuzz.h"

void __wrap_argp_error(const struct argp_state *state, const char *format, ...);

static jmp_buf refused;

/* The loader counts on it not to return. */
__attribute__((noreturn)) void __wrap_argp_error(const struct argp_state *state,
						 const char *format, ...)
{
	(void)state, (void)format;
	longjmp(refused, 1);
}

/* Digits, and what they amount to: @most + 1 for all that is more. */
static unsigned long long decimal(const char *word, unsigned long long most)
{
	unsigned long long n = 0;

	must(isdigit(*word));
	for (; isdigit(*word); word++)
		n = n > most ? n : n * 10 + *word - '0';
	return n > most ? most + 1 : n;
}

static void check_size(const char *word, __u32 n)
{
	size_t digits = strspn(word, "0123456789");
	int shift = 0;

	if (word[digits]) {
		must(strchr("kKmM", word[digits]) && !word[digits + 1]);
		shift = strchr("kK", word[digits]) ? 10 : 20;
	}
	must(n && n == decimal(word, UINT_MAX) << shift);
}

static void check_whole(const char *word, unsigned long n, unsigned long most)
{
	must(!word[strspn(word, "0123456789")]);
	must(n && n <= most && n == decimal(word, most));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word = fuzz_string(data, size);

	if (!setjmp(refused))
		check_size(word, args_size(NULL, word));
	if (!setjmp(refused))
		check_whole(word, args_percent(NULL, word), 100000);
	if (!setjmp(refused)) {
		const char *pid = args_pid(NULL, word);

		must(pid == word);
		check_whole(word, strtoul(pid, NULL, 10), INT_MAX);
	}
	if (!setjmp(refused)) {
		double seconds = args_seconds(NULL, word);

		must(seconds >= 0.01 && seconds <= 86400);
	}
	free(word);
	return 0;
}
