/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TRACE_H
#define TRACE_H

/* The command "trace". Returns an exit status. */
int trace_main(int argc, char **argv);

#endif
