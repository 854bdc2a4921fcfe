/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>

/*
 * Words that others have chosen, for root's terminal: control characters become "?", up
 * to the text's end or @size. JSON needs none of it, as it writes them as escapes.
 */
void printable(char *text, size_t size);

#endif
