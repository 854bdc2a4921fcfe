#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls what is in flight together where its submitter waits.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# io EXPR FIO-ARGS...: written, read back, compared; EXPR says what was counted.
io() {
	local expr=$1
	shift
	stat_mark
	check "verify: $*" cg_run db fio --name=j --filename="$file" --size=4M \
		--rw=randrw --bs=4k --verify=crc32c "$@"
	check "$expr" stat_is "$expr and .skip_aio + .skip_readahead +
		.skip_batched + .skip_writeback + .skip_full == 0"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"

# One aio context, two drives, and one of them cannot poll.
modprobe null_blk nr_devices=1 gb=1 memory_backed=1 irqmode=2
defer modprobe -r null_blk
file=/dev/$dev:/dev/nullb0
io '.async > 400 and .skip_no_queue > 400' --direct=1 --ioengine=libaio \
	--iodepth=16

for file in /dev/"$dev" mnt/data; do
	if [[ $file == mnt/* ]]; then
		check "file system" mkfs.ext4 -qF "/dev/$dev" 256M
		mkdir mnt
		mount "/dev/$dev" mnt
		defer umount mnt
	fi
	for depth in 1 16 64; do
		io '.async > 900' --direct=1 --ioengine=libaio \
			--iodepth=$depth
	done
	io '.async > 900' --direct=1 --ioengine=libaio --iodepth=64 \
		--iodepth_batch_submit=16 --iodepth_batch_complete_min=8
	if [[ $(uname -r) == 6.1.* ]]; then # no function to wait in
		io '.async == 0 and .skip_nowait + .skip_uring > 900' \
			--direct=1 --ioengine=io_uring --iodepth=16
	else
		io '.async > 900' --direct=1 --ioengine=io_uring --iodepth=16
		io '.async > 900' --direct=1 --ioengine=io_uring --iodepth=64 \
			--iodepth_batch_submit=16 --iodepth_batch_complete_min=8
	fi
	# Read ahead, written back by fsync(), and larger than what is polled alone.
	io '.async > 20' --direct=0 --ioengine=psync --rw=rw --fsync=64
	io '.async > 20' --direct=1 --ioengine=psync --bs=128k
	# More than one request may carry.
	io '.async > 8 and .unpolled + .skip_large == 0' --direct=1 \
		--ioengine=psync --bs=1M
	io '.async > 8 and .unpolled + .skip_large == 0' --direct=1 \
		--ioengine=libaio --iodepth=4 --bs=1M
done
check "none is left in flight" [ "$(in_flight)" = 0 ]
loader_stop
