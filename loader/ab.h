/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AB_COMMAND_H
#define AB_COMMAND_H

/* The ab command, with its own options. Returns the exit status. */
int ab_main(int argc, char **argv);

#endif
