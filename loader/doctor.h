/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>

/*
 * "Can this machine poll?": prints every check on stdout with the exact fix for
 * what fails. Changes nothing. @module_path: the module's file, NULL for where
 * modprobe looks.
 * Return: 0 when it can, 1 when it cannot, -errno when that cannot be told.
 */
int doctor_run(bool json, const char *module_path, const char *pin_dir);

#endif
