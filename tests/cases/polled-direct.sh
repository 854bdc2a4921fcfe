#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that direct reads and writes of a target are polled.
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
cg_make db
loader_start --cgroup "$CGROOT/db"
stat_mark

before=$(irq_count "${ctrl}q")
for rw in randread randwrite; do
	check "$rw" cg_run db fio --name=j --filename="/dev/$dev" --direct=1 \
		--ioengine=psync --rw="$rw" --bs=4k --number_ios=500
done
irqs=$(($(irq_count "${ctrl}q") - before))
check "all were seen, most polled, by origin" stat_is '
	.submitted == 1000 and .polled + .skip_busy == 1000 and
	.read > 400 and .write > 400 and .fault + .swap == 0'
busy=$(stat_get skip_busy)
check "none polled interrupts: $irqs, $busy" [ "$irqs" -le $((busy + 20)) ]

# The limit itself is still polled, and the data is what was written.
head -c 1M /dev/urandom >data
stat_mark
check "write" cg_run db dd if=data of="/dev/$dev" bs=32k oflag=direct
check "32 KiB are polled" stat_is '.write > 20 and .skip_large == 0'
check "read" cg_run db dd if="/dev/$dev" of=back bs=4k count=256 iflag=direct
check "the data" cmp data back
check "4 KiB are polled" stat_is '.read > 200'

loader_stop
check "the module has gone" [ ! -d /sys/module/forcepoll ]
