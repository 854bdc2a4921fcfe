/* SPDX-License-Identifier: GPL-2.0 */
#ifndef WRAP_H
#define WRAP_H

/* @text on stdout from @column on, in lines of 80 that all begin at @indent. */
void wrap(const char *text, int column, int indent);

#endif
