// SPDX-License-Identifier: GPL-2.0
#include "printable.h"

void printable(char *text, size_t size)
{
	unsigned char *c = (unsigned char *)text, *end = c + size;

	for (; c < end && *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
		/* U+0080 to U+009F, which a terminal takes for ESC and a letter. */
		if (*c == 0xc2 && c + 1 < end && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}
