#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that a drive without poll queues is refused, or read as ever.
# MACHINE: poll_queues=0
set -eu
. "$(dirname "$0")/../lib.sh"

# reads REASON DEVICE: 200 of them, all of the same outcome.
reads() {
	stat_mark
	check "read $2" cg_run db fio --name=j --filename="/dev/$2" --readonly \
		--direct=1 --ioengine=psync --rw=randread --bs=4k --number_ios=200
	check "$1" stat_is ".submitted == 200 and .$1 > 150 and
		.$1 + .skip_busy == 200"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
expect_fail 1 'poll' "$LOADER" --module "$KO" --cgroup "$CGROOT/db"
expect_fail 1 "$dev" "$LOADER" --module "$KO" --cgroup "$CGROOT/db" --device "$dev"
check "the module has gone" [ ! -d /sys/module/forcepoll ]

# With one device that can be polled it starts, and leaves the other alone.
modprobe null_blk nr_devices=1 poll_queues=1
defer rmmod null_blk
loader_start --cgroup "$CGROOT/db"
reads polled nullb0
reads skip_no_queue "$dev"
loader_stop
