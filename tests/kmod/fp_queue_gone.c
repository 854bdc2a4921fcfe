// SPDX-License-Identifier: GPL-2.0
/*
 * Takes a disk's ability to poll away in the middle of a submission, as its driver does
 * when its poll queues go: after whoever marked the bio has looked, and before the block
 * layer looks. As it was when this module goes.
 */
#include <linux/blkdev.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static struct request_queue *queue;

static void can_poll(struct request_queue *q, bool can)
{
#ifdef BLK_FEAT_POLL
	if (can)
		q->limits.features |= BLK_FEAT_POLL;
	else
		q->limits.features &= ~BLK_FEAT_POLL;
#else
	if (can)
		set_bit(QUEUE_FLAG_POLL, &q->queue_flags);
	else
		clear_bit(QUEUE_FLAG_POLL, &q->queue_flags);
#endif
}

/* In submit_bio_noacct() itself, whatever ftrace has put before it. */
static int before(struct kprobe *p, struct pt_regs *regs)
{
	struct bio *bio = (struct bio *)regs_get_kernel_argument(regs, 0);
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	blk_opf_t both = REQ_POLLED | REQ_NOWAIT;

	if ((bio->bi_opf & both) == both && !cmpxchg(&queue, NULL, q))
		can_poll(q, false);
	return 0;
}

static struct kprobe probe = {
	.pre_handler = before,
};

static int __init queue_gone_init(void)
{
	const u8 *function = (const u8 *)submit_bio_noacct;

	/* Behind ENDBR, where there is one, and the call to ftrace. */
	if (function[0] == 0xf3)
		function += 4;
	probe.addr = (kprobe_opcode_t *)(function + 5);
	return register_kprobe(&probe);
}
module_init(queue_gone_init);

/* The disk is there as long as this module is. */
static void __exit queue_gone_exit(void)
{
	unregister_kprobe(&probe);
	if (queue)
		can_poll(queue, true);
}
module_exit(queue_gone_exit);

MODULE_DESCRIPTION(
	"forcepoll: a disk's poll queues go while a bio is submitted");
MODULE_LICENSE("GPL");
