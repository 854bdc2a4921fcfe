#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that buffered reads are polled where a task waits for them.
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

# random_reads FILE: 4 KiB each, told to the kernel to be random and not told.
# (fio begins with an empty cache.) Who was kept from a CPU polls like those who have
# some in flight, for some time (kmod/poll.c).
random_reads() {
	local hint
	for hint in 1 0; do
		stat_mark
		check "read $1" cg_run db fio --name=j --filename="$1" --size=16M \
			--readonly --ioengine=psync --rw=randread --bs=4k \
			--number_ios=300 --fadvise_hint=$hint
		check "polled, not taken for read-ahead" stat_is "
			.read > 250 and (.async < 20 or $(stat_get held) > 0)"
	done
}

requires_forcepoll
dev=$(nvme_dev)
check "file system" mkfs.ext4 -qF "/dev/$dev" 64M
mkdir mnt
mount "/dev/$dev" mnt
defer umount mnt
head -c 16M /dev/urandom >mnt/data
sync
sum=$(md5sum <mnt/data)

cg_make db
loader_start --cgroup "$CGROOT/db"
random_reads "/dev/$dev"
random_reads mnt/data

# In order: all but the first are read ahead while the task has something to do.
# They are polled when it waits for one of them.
defer blockdev --setra "$(blockdev --getra "/dev/$dev")" "/dev/$dev"
blockdev --setra 32 "/dev/$dev"
dd if=mnt/data iflag=nocache count=0 status=none
stat_mark
check "the data" [ "$(cg_run db md5sum <mnt/data)" = "$sum" ]
check "read-ahead is not waited for at once" stat_is '
	.async > 500 and .polled - .async < 50'
loader_stop
