// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wrap.h"

#define COLUMNS 80

void wrap(const char *text, int column, int indent)
{
	bool first = true;

	while (*text) {
		int len = strcspn(text, " ");

		if (!first && column + 1 + len > COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
		first = false;
	}
	putchar('\n');
}
