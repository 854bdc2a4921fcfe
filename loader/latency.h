/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LATENCY_H
#define LATENCY_H

/* The latency command, with its own command line. Return: the exit status. */
int latency_main(int argc, char **argv);

#endif
