// SPDX-License-Identifier: GPL-2.0
/*
 * Which read-ahead is waited for?
 *
 * Every page-cache miss of read() is submitted as read-ahead, REQ_RAHEAD and
 * all, also when it is the one page that the task is about to sleep on. That is
 * synchronous read-ahead, page_cache_sync_ra(). Asynchronous read-ahead,
 * page_cache_async_ra(), runs ahead of the reader: polling it would make it
 * synchronous and take the overlap away. Nothing in the bio tells one from the
 * other, so the two functions leave a mark while they run.
 */
#include <linux/bio.h>
#include <linux/hash.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "readahead.h"

#define BUCKET_BITS 6

/* Marks are on stacks, and walked by other tasks' lookups. */
static struct bucket {
	spinlock_t lock; /* of marks */
	struct hlist_head marks;
} buckets[1 << BUCKET_BITS] = {
	[0 ...(1 << BUCKET_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(buckets.lock),
	},
};

static struct bucket *bucket_of(const struct task_struct *task)
{
	return &buckets[hash_ptr(task, BUCKET_BITS)];
}

void forcepoll_readahead_begin(struct forcepoll_readahead *mark, bool sync)
{
	struct bucket *b = bucket_of(current);

	mark->task = current;
	mark->sync = sync;
	spin_lock(&b->lock);
	hlist_add_head(&mark->node, &b->marks);
	spin_unlock(&b->lock);
}

void forcepoll_readahead_end(struct forcepoll_readahead *mark)
{
	struct bucket *b = bucket_of(current);

	spin_lock(&b->lock);
	hlist_del(&mark->node);
	spin_unlock(&b->lock);
}

/* The innermost mark of current. It stays valid: only current removes it. */
static const struct forcepoll_readahead *find(void)
{
	struct bucket *b = bucket_of(current);
	const struct forcepoll_readahead *mark;

	spin_lock(&b->lock);
	hlist_for_each_entry(mark, &b->marks, node)
		if (mark->task == current)
			break;
	spin_unlock(&b->lock);
	return mark;
}

bool forcepoll_readahead_within(void)
{
	return find();
}

/*
 * Read-ahead adds all of its pages to the page cache, locked, before it submits
 * the first bio. A locked page behind this bio's last one belongs to a bio to
 * come: polling the first of several would serialise them.
 */
static bool more_follow(const struct bio *bio)
{
	struct address_space *mapping;
	struct folio *folio, *next;
	const struct bio_vec *bv;
	unsigned int end;
	bool more;

	if (!bio->bi_vcnt)
		return false;
	bv = &bio->bi_io_vec[bio->bi_vcnt - 1];
	end = bv->bv_offset + bv->bv_len - 1;
	folio = page_folio(nth_page(bv->bv_page, end / PAGE_SIZE));
	mapping = folio->mapping; /* stable: the folio is locked */
	if (!mapping || folio_test_anon(folio))
		return false; /* not the file's own pages: compressed */
	rcu_read_lock();
	next = xa_load(&mapping->i_pages, folio->index + folio_nr_pages(folio));
	more = next && !xa_is_value(next) && folio_test_locked(next) &&
	       !folio_test_uptodate(next);
	rcu_read_unlock();
	return more;
}

bool forcepoll_readahead_awaited(const struct bio *bio, bool fault)
{
	const struct forcepoll_readahead *mark;

	/* File systems read their own blocks ahead without waiting for them. */
	if (bio->bi_opf & REQ_META)
		return false;

	mark = find();
	/*
	 * A fault that reads around itself does not pass page_cache_sync_ra().
	 * System calls without a mark: readahead(2), WILLNEED, buffer heads.
	 */
	if (!(mark ? mark->sync : fault))
		return false;
	return !more_follow(bio);
}
