/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>

/* What all that loads BPF programs needs: root, and BTF. 0 or -errno, said. */
int machine_check(void);

/* Running processes outside of it are not seen: an iterator shows its own. */
bool machine_is_pid_namespace(void);

#endif
