#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that file systems and swap on a drive, polled, and on null_blk keep what they are given.
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
swap_ready
cg_make db
dev=$(nvme_dev)
defer wipefs -qa "/dev/$dev"
loader_start --cgroup "$CGROOT/db"
keeps "$(partition "$dev")"

# With memory it may sleep where it is polled, and is left to interrupts.
modprobe null_blk nr_devices=1 memory_backed=1 gb=1 poll_queues=1 irqmode=2 \
	completion_nsec=10000
defer modprobe -r null_blk
echo none >/sys/block/nullb0/queue/scheduler
keeps nullb0 '.polled + .unpolled == 0 and .skip_no_queue > 250'
loader_stop
