// SPDX-License-Identifier: GPL-2.0
/*
 * For the emulated machines of test cases, whose NVMe drives would lose requests, with
 * or without forcepoll, that then lie there until they time out.
 *
 * They have one thread for all CPUs, and then QEMU 7.2 leaves out the guest's memory
 * barriers, though its devices run in another thread. Shadow doorbells need one: the
 * driver writes the tail, then reads whether the drive is awake. Without it the drive
 * may sleep while the driver believes it awake. And Linux 6.1, in a reset, starts the
 * queues before it has told the drive of its shadow doorbells.
 *
 * So the drive is never told of any, and each doorbell is a write to a register, which
 * cannot be missed. To be loaded after nvme_core and before nvme.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/nvme.h>

/* In place of nvme_submit_sync_cmd(): as the status of a drive that has none. */
static noinline int refused(void)
{
	return NVME_SC_INVALID_OPCODE;
}

/* nvme_submit_sync_cmd(queue, command, buffer, length) */
static int before_command(struct kprobe *probe, struct pt_regs *regs)
{
	const struct nvme_command *command = (void *)regs->si;

	if (command->common.opcode != nvme_admin_dbbuf)
		return 0;
	regs->ip = (unsigned long)refused;
	return 1; /* do not go on where the probe is */
}

static struct kprobe probe = {
	.symbol_name = "nvme_submit_sync_cmd",
	.pre_handler = before_command,
};

static int __init fp_doorbells_init(void)
{
	return register_kprobe(&probe);
}

static void __exit fp_doorbells_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(fp_doorbells_init);
module_exit(fp_doorbells_exit);

MODULE_DESCRIPTION("No shadow doorbells for emulated NVMe drives");
MODULE_LICENSE("GPL");
