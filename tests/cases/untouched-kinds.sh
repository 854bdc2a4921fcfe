#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that I/O which polling would harm keeps its interrupts.
set -eu
. "$(dirname "$0")/../lib.sh"

# io REASON FIO-ARGS...: none of it may be polled, for this reason.
io() {
	local why=$1
	shift
	stat_mark
	check "$*" cg_run db fio --name=j --filename="/dev/$dev" --bs=4k \
		--size=16M --direct=1 --ioengine=psync --number_ios=300 "$@"
	check "$why" stat_is ".submitted > 10 and .polled + .unpolled == 0 and
		.$why > .submitted * 0.95"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db"

stat_mark
check "not a target" fio --name=j --filename="/dev/$dev" --rw=randrw --bs=4k \
	--size=16M --direct=1 --ioengine=psync --number_ios=300
check "is not seen at all" stat_is '.submitted == 0'

io skip_flush --rw=randwrite --sync=dsync
io skip_nowait --rw=randread --ioengine=pvsync2 --nowait=1
io skip_worker --rw=randread --ioengine=io_uring --iodepth=16 --force_async=1

# io_uring polls by itself, on the same queue, at the same time. Each may reap
# what is the other's.
stat_mark
cg_start db fio --name=j --filename="/dev/$dev" --direct=1 --ioengine=io_uring \
	--hipri --iodepth=4 --rw=randwrite --bs=4k --size=8M --verify=crc32c \
	--output=uring
check "polled beside it" cg_run db fio --name=j --filename="/dev/$dev" \
	--direct=1 --ioengine=psync --rw=randwrite --bs=4k --size=4M \
	--offset=64M --verify=crc32c
wait "$CG_PID" || fail "io_uring beside that"
check "both were polled" stat_is '
	(.polled > 1000 or .held > 0 and .polled + .unpolled > 1000) and
	.skip_polled > 2000'

# Two tasks on one CPU: spinning would take it from the other.
skip_busy Y
cg_start db taskset 2 sh -c 'while :; do :; done'
stat_mark
check "busy CPU" cg_run db taskset 2 fio --name=j --filename="/dev/$dev" \
	--direct=1 --ioengine=psync --rw=randread --bs=4k --number_ios=300
check "is left to the other" stat_is '.skip_busy > 200'
loader_stop
