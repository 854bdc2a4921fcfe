#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that the machine has an NVMe drive that can be polled.
set -eu
. "$(dirname "$0")/../lib.sh"

dev=$(nvme_dev)
ctrl=$(nvme_ctrl)
check "the driver set up a poll queue" \
	grep -qE "nvme $ctrl: [0-9]+/0/1 default/read/poll" <(dmesg)
check "the queue says it can poll" grep -qx 1 "/sys/block/$dev/queue/io_poll"

# 100 reads, and not one interrupt of the drive for them.
before=$(irq_count "$ctrl")
fio_json fio.json --filename="/dev/$dev" --readonly --direct=1 --rw=randread \
	--bs=4k --ioengine=io_uring --hipri --number_ios=100
after=$(irq_count "$ctrl")
check "all were read" [ "$(jget fio.json .jobs[0].read.total_ios)" = 100 ]
check "none by interrupt: $before, $after" [ $((after - before)) -lt 10 ]
