/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>

/*
 * Lines on stdout, or lines of talk on stderr, for whoever may not read on. Who waits in
 * write() hears no signal that is blocked: what nobody reads is left out.
 */

/* Stdout keeps all that is printed until out_flush(). */
void out_open(void);

/*
 * Whether @fd takes up to a page now; of @any_length: a pipe takes that when all of
 * before has been read.
 */
bool out_takes(int fd, bool any_length);

/*
 * Writes it at once; a pipe is made as large as it needs. 0; -EPIPE: whoever has read
 * has gone; or another -errno, said.
 */
int out_flush(void);

/*
 * At the end. 0, also when nobody reads on; -errno, said: not all that was printed got
 * out, which is a failure, too.
 */
int out_close(void);

#endif
