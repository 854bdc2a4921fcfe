/* SPDX-License-Identifier: GPL-2.0 */
/* What targets have in common. Each is a file, and tests/fuzz/run runs them. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What holds whatever the input is: libFuzzer keeps one for which it does not. */
#define must(what)                                              \
	do {                                                    \
		if (!(what)) {                                  \
			fprintf(stderr, "not so: %s\n", #what); \
			abort();                                \
		}                                               \
	} while (0)

/* As a string with no byte of room behind it, to be freed. */
static inline char *fuzz_string(const void *data, size_t size)
{
	char *s = strndup(data, size);

	must(s);
	return s;
}

#endif
