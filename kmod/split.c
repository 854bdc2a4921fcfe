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
#include "trace.h"

static struct bio_set pieces;
static atomic_t alive = ATOMIC_INIT(0); /* also of those that lost their mark */

static unsigned int sector_div_rem(sector_t sector, unsigned int by)
{
	return sector_div(sector, by);
}

/* Pages that are not beside each other, more of them than the drive takes. */
static bool too_many_segments(struct bio *bio, const struct queue_limits *lim)
{
	unsigned int segments = 0;
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_bvec(bv, bio, iter)
		segments += (bv.bv_len - 1) / lim->max_segment_size + 1;
	return segments > lim->max_segments;
}

bool forcepoll_split_needed(struct bio *bio)
{
	const struct queue_limits *lim = &bdev_get_queue(bio->bi_bdev)->limits;

	return bio_sectors(bio) > lim->max_sectors ||
	       (bio->bi_iter.bi_size / PAGE_SIZE >= lim->max_segments &&
		too_many_segments(bio, lim));
}

/*
 * Nested, the pieces would only be queued: who waits for more memory for them would
 * wait for itself.
 */
bool forcepoll_split_allowed(const struct bio *bio)
{
	return !(bio->bi_opf & (REQ_NOWAIT | FP_REQ_ATOMIC)) &&
	       !current->bio_list;
}

/*
 * Bytes of the next piece, so that the block layer does not split it again: pieces
 * of about the same size, each page of which may be a segment of its own, that end on
 * a physical block, as some file systems rely on, and cross no chunk.
 */
static unsigned int piece_size(struct bio *bio)
{
	const struct queue_limits *lim = &bdev_get_queue(bio->bi_bdev)->limits;
	unsigned int block = lim->physical_block_size >> SECTOR_SHIFT;
	unsigned int segments = lim->max_segments, pages, max, sectors;
	sector_t start = bio->bi_iter.bi_sector, end;

	if (!bio_flagged(bio, BIO_REMAPPED))
		start += bio->bi_bdev->bd_start_sect;
	if (offset_in_page(bio_iter_offset(bio, bio->bi_iter)) && segments > 1)
		segments--;
	max = min_t(unsigned int, lim->max_sectors / PAGE_SECTORS, segments);
	max = max(max, 1u);
	pages = DIV_ROUND_UP(bio->bi_iter.bi_size, PAGE_SIZE);
	pages = DIV_ROUND_UP(pages, DIV_ROUND_UP(pages, max));
	sectors = min_t(unsigned int, pages *PAGE_SECTORS, bio_sectors(bio));
	if (sectors < bio_sectors(bio) && block) {
		end = start + sectors;
		end -= sector_div_rem(end, block);
		if (end > start)
			sectors = end - start;
	}
	if (lim->chunk_sectors)
		sectors = min_t(unsigned int, sectors,
				lim->chunk_sectors -
					sector_div_rem(start,
						       lim->chunk_sectors));
	return sectors << SECTOR_SHIFT;
}

static void piece_end_io(struct bio *piece)
{
	struct bio *bio = piece->bi_private;

	if (piece->bi_status && !bio->bi_status)
		bio->bi_status = piece->bi_status; /* any one of them */
	bio_put(piece);
	bio_endio(bio);
	atomic_dec(&alive);
}

void forcepoll_split_submit(struct bio *bio, enum forcepoll_origin origin)
{
	struct bio *piece;
	unsigned int bytes;

	trace_forcepoll_split(bio);
	while (bio->bi_iter.bi_size) {
		/* From a mempool, without crypt or integrity: never NULL. */
		piece = bio_alloc_clone(bio->bi_bdev, bio, GFP_NOIO, &pieces);
		bytes = piece_size(bio);
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
