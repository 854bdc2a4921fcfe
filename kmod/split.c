// SPDX-License-Identifier: GPL-2.0
/*
 * A bio that is more than one request may carry is split by the block layer, which
 * takes REQ_POLLED from all of it. So it is cut here, before it is marked.
 *
 * The pieces are clones that share the bio's pages, each with a life of its own in
 * flight.c: an error of one is made good, or not, for that one alone. The bio itself
 * is never submitted. It ends when the last piece has ended, and then looks as if
 * it had been done in one.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>

#include "compat.h"
#include "flight.h"
#include "split.h"
#include "stats.h"

static struct bio_set pieces;
static atomic_t alive = ATOMIC_INIT(0); /* also of those that lost their mark */

bool forcepoll_split_needed(const struct bio *bio)
{
	return bio_sectors(bio) >
	       queue_max_sectors(bdev_get_queue(bio->bi_bdev));
}

bool forcepoll_split_allowed(const struct bio *bio)
{
	return !(bio->bi_opf & (REQ_NOWAIT | FP_REQ_ATOMIC));
}

/* Bytes of a piece: each page may be a segment of its own. */
static unsigned int piece_size(const struct bio *bio)
{
	struct request_queue *q = bdev_get_queue(bio->bi_bdev);
	unsigned int pages, max;

	max = min_t(unsigned int, queue_max_sectors(q) / PAGE_SECTORS,
		    queue_max_segments(q));
	max = max(max, 1u);
	pages = DIV_ROUND_UP(bio->bi_iter.bi_size, PAGE_SIZE);
	return DIV_ROUND_UP(pages, DIV_ROUND_UP(pages, max)) << PAGE_SHIFT;
}

static void piece_end_io(struct bio *piece)
{
	struct bio *bio = piece->bi_private;

	if (piece->bi_status)
		cmpxchg(&bio->bi_status, BLK_STS_OK, piece->bi_status);
	bio_put(piece);
	bio_endio(bio);
	atomic_dec(&alive);
}

void forcepoll_split_submit(struct bio *bio, enum forcepoll_origin origin)
{
	unsigned int size = piece_size(bio), bytes;
	struct bio *piece;

	while (bio->bi_iter.bi_size) {
		/* From a mempool, without crypt or integrity: never NULL. */
		piece = bio_alloc_clone(bio->bi_bdev, bio, GFP_NOIO, &pieces);
		bytes = min(size, bio->bi_iter.bi_size);
		piece->bi_iter.bi_size = bytes;
		bio_advance(bio, bytes);
		piece->bi_private = bio;
		piece->bi_end_io = piece_end_io;
		bio_inc_remaining(bio);
		atomic_inc(&alive);
		/* One more than came, but for the last. */
		if (bio->bi_iter.bi_size)
			forcepoll_stats_count(FORCEPOLL_COUNT_submitted);
		forcepoll_flight_submit(piece, origin);
	}
	bio_endio(bio); /* of what it was itself: nothing */
}

int __init forcepoll_split_init(void)
{
	return bioset_init(&pieces, BIO_POOL_SIZE, 0, 0);
}

void forcepoll_split_drain(void)
{
	while (atomic_read(&alive))
		msleep(20);
}

void forcepoll_split_uninit(void)
{
	bioset_exit(&pieces);
}
