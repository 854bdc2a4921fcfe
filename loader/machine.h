/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MACHINE_H
#define MACHINE_H

/* What all that loads BPF programs needs: root, and BTF. 0 or -errno, said. */
int machine_check(void);

#endif
