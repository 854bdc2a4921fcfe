#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that devices that cannot be polled work as ever.
set -eu
. "$(dirname "$0")/../lib.sh"

# io REASON DEVICE: written and read back, not polled for this reason.
io() {
	stat_mark
	check "$2" cg_run db fio --name=j --filename="/dev/$2" --bs=4k --size=1M \
		--allow_file_create=0 --direct=1 --ioengine=psync --rw=randwrite --verify=crc32c
	check "$1" stat_is ".polled == 0 and .unpolled == 0 and .$1 == 512"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"

defer eval "echo none >/sys/block/$dev/queue/scheduler"
echo mq-deadline >"/sys/block/$dev/queue/scheduler"
io skip_elevator "$dev"
echo none >"/sys/block/$dev/queue/scheduler"

modprobe loop
loop=$(losetup -f --show "/dev/$dev")
defer losetup -d "$loop"
io skip_no_queue "${loop#/dev/}"

modprobe brd rd_nr=1 rd_size=16384
defer rmmod brd
io skip_bio_based ram0

modprobe null_blk nr_devices=1 memory_backed=1 poll_queues=0
defer rmmod null_blk
echo none >/sys/block/nullb0/queue/scheduler
io skip_no_queue nullb0

modprobe zram
defer rmmod zram
echo 16M >/sys/block/zram0/disksize
defer eval 'echo 1 >/sys/block/zram0/reset'
io skip_bio_based zram0

# The drive below them is still polled.
stat_mark
check "the drive itself" cg_run db fio --name=j --filename="/dev/$dev" --bs=4k \
	--direct=1 --ioengine=psync --rw=randread --number_ios=100
check "is polled" stat_is '.read > 80'
loader_stop
