#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads all the same where the poll queues go while a bio is submitted, and
# no tag is free.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
configfs_mount
modprobe null_blk nr_devices=0 poll_queues=1
defer modprobe -r null_blk
disk=/sys/kernel/config/nullb/nullb0
mkdir "$disk"
defer rmdir "$disk"
# 20 ms each, one at a time.
for word in size=64 queue_mode=2 submit_queues=1 poll_queues=1 hw_queue_depth=1 irqmode=2 \
	completion_nsec=20000000 power=1; do
	echo "${word#*=}" >"$disk/${word%%=*}"
done
poll_until 10 test -b /dev/nullb0
echo none >/sys/block/nullb0/queue/scheduler

cg_make db
loader_start --cgroup "$CGROOT/db"
fio --name=others --filename=/dev/nullb0 --readonly --direct=1 --rw=randread --bs=4k \
	--ioengine=libaio --iodepth=4 --time_based --runtime=1d --output=/dev/null &
defer _end $!
progress nullb0 "others have the tag"
i=0
stat_mark
until stat_is '.resubmitted >= 5' >/dev/null; do
	((i++ < 60)) || fail "they had a tag each time"
	check "the queues go" insmod "$TOP/build/$(uname -r)/tests/fp_queue_gone.ko"
	check "no error" cg_run db timeout "$LIMIT" dd if=/dev/nullb0 of=/dev/null bs=4k \
		count=2 iflag=direct status=none
	rmmod fp_queue_gone
done
reads() { cg_run db dd if=/dev/nullb0 of=/dev/null bs=4k count=1 iflag=direct; }
polls() { reads && stat_is '.polled > 0'; }
stat_mark
check "polled when they are back" poll_until 30 polls
loader_stop
