/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_H
#define RUN_H

struct options;

/* 0 or -errno, said. */
int run(const struct options *options); /* until told to stop */
int stop(const struct options *options); /* undo a run that was left */

#endif
