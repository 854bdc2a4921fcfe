#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: runs where time is the number of instructions.
# MACHINE: icount
set -eu
. "$(dirname "$0")/../../lib.sh"

modprobe null_blk queue_mode=2 irqmode=0 poll_queues=1 nr_devices=1
defer rmmod null_blk
for run in 1 2; do
	fio_json "$run.json" --filename=/dev/nullb0 --direct=1 --rw=randread \
		--bs=4k --ioengine=psync --number_ios=2000
	mean=$(jget $run.json .jobs[0].read.clat_ns.mean)
	echo "mean $mean"
	means=${means:-}${mean%.*}" "
done
read -r a b <<<"$means"
# Real time under emulation varies by far more than 2 %.
[ $(((a > b ? a - b : b - a) * 50)) -lt "$a" ] || fail "not repeatable: $means"
