/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DEVICE_TYPE_H
#define DEVICE_TYPE_H

struct device;

/*
 * What kind of device it is: fills in type, stacked, dm_name, controller and
 * transport from what is known of it so far. The type is, in this order, that of
 * NVMe with its transport, of dm with its targets, of md with its level; or the
 * driver's name, or the device's without its number.
 */
void device_type_read(struct device *d);

#endif
