/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bio that is polled or watched: what it was when its submitter gave it to us, and
 * how it becomes that again. Three do it: poll.c, flight.c, stack.c.
 */
#ifndef FORCEPOLL_BIO_H
#define FORCEPOLL_BIO_H

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blk_types.h>

struct forcepoll_bio {
	bio_end_io_t *end_io;
	void *private;
	struct bvec_iter iter;
	blk_opf_t added; /* flags that it did not have */
	bool remapped;
};

/* Of its disk, where it began: it had @bytes, and its driver may have advanced it. */
static inline sector_t forcepoll_bio_sector(const struct bio *bio,
					    unsigned int bytes)
{
	return bio->bi_iter.bi_sector -
	       ((bytes - bio->bi_iter.bi_size) >> SECTOR_SHIFT);
}

/* Its completion is @end_io with @private now, and it has the flags @add. */
static inline void forcepoll_bio_take(struct bio *bio,
				      struct forcepoll_bio *was,
				      bio_end_io_t *end_io, void *private,
				      blk_opf_t add)
{
	was->end_io = bio->bi_end_io;
	was->private = bio->bi_private;
	was->iter = bio->bi_iter;
	was->added = add & ~bio->bi_opf;
	was->remapped = bio_flagged(bio, BIO_REMAPPED);
	bio->bi_end_io = end_io;
	bio->bi_private = private;
	bio->bi_opf |= was->added;
}

/*
 * It is complete, and so may bio_endio() be called once more. R10: only the flags
 * that were added are taken away again. R13: that bio_endio() finds integrity, blkcg
 * and tracing done with; the QoS flags would make it account the bio twice.
 */
static inline void forcepoll_bio_give_back(struct bio *bio,
					   const struct forcepoll_bio *was)
{
	bio->bi_end_io = was->end_io;
	bio->bi_private = was->private;
	bio->bi_opf &= ~was->added;
	bio_clear_flag(bio, BIO_QOS_THROTTLED);
	bio_clear_flag(bio, BIO_QOS_MERGED);
}

/*
 * R11: the error may be due to the mark: refused and never started, because the
 * poll queues went away between the look and the submission; or failed because
 * they went away in a reset, whose driver then fails what is queued on them
 * (nvme_queue_rq() of a queue that is off): its request has gone through all of it
 * by then, so its size tells. What failed as a whole before it became a request is not
 * our doing (fail_make_request). A drive's own error is found again.
 *
 * Kernels before v6.11 (BLK_FEAT_POLL) do not refuse where the queues have gone: they
 * take REQ_POLLED away and leave the REQ_NOWAIT, which is then ours as well.
 */
static inline bool forcepoll_bio_maybe_ours(const struct bio *bio,
					    const struct forcepoll_bio *was)
{
	bool marked = was->added & bio->bi_opf & REQ_POLLED;
	bool untouched = bio->bi_cookie == BLK_QC_T_NONE &&
			 bio->bi_iter.bi_size == was->iter.bi_size;

	switch (bio->bi_status) {
	case BLK_STS_IOERR:
		return marked && bio->bi_iter.bi_size != was->iter.bi_size;
	case BLK_STS_NOTSUPP:
		return marked && untouched;
	case BLK_STS_AGAIN:
		return (marked || was->added & REQ_NOWAIT) && untouched;
	default:
		return false;
	}
}

/*
 * As it was before it was submitted, but for its completion: to be submitted with
 * an interrupt. bio_endio() dropped its blkcg; current's is as good. Not by
 * submit_bio(), which would account the I/O to the task twice.
 */
static inline void forcepoll_bio_rewind(struct bio *bio,
					const struct forcepoll_bio *was)
{
	bio->bi_status = BLK_STS_OK;
	bio->bi_opf &= ~was->added;
	bio->bi_cookie = BLK_QC_T_NONE;
	bio->bi_next = NULL; /* of the request that it was merged into */
	bio->bi_iter = was->iter;
	if (!was->remapped)
		bio_clear_flag(bio, BIO_REMAPPED);
	bio_clear_flag(bio, BIO_QOS_THROTTLED);
	bio_clear_flag(bio, BIO_QOS_MERGED);
	bio_clear_flag(bio, BIO_QUIET); /* of bio_wouldblock_error() */
	bio_associate_blkg(bio);
}

#endif
