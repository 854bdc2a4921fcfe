/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLASSES_H
#define CLASSES_H

#include <linux/types.h>

struct forcepoll_class_key;
struct forcepoll_classes;
struct json;

/* What the module judges together, and how, as a table and as an array "classes". */
void classes_print(struct forcepoll_classes *classes);
void classes_json(struct forcepoll_classes *classes, struct json *j);

/* In words of at most @size bytes: "/db read <=4K alone nvme0n1". Returns @text. */
const char *classes_name(const struct forcepoll_class_key *key, char *text,
			 int size);

/* Names of enum forcepoll_mode and enum forcepoll_reason. */
const char *classes_mode(__u32 mode);
const char *classes_reason(__u32 reason);

#endif
