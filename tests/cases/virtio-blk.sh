#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls a drive of virtio_blk, loses it under load, and leaves one without poll queues.
# MACHINE: virtio=1
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# probe N: the driver anew, with as many poll queues.
probe() {
	modprobe -r virtio_blk
	modprobe virtio_blk "poll_queues=$1"
	poll_until 20 test -b /dev/vda
}

# verdict REGEX: what status says of it.
verdict() {
	check "status: $1" grep -qE "^  vda +virtio_blk +$1\$" <("$LOADER" status)
}

# io EXPR FIO-ARGS...: written, read back, compared; EXPR says what was counted.
io() {
	local expr=$1
	shift
	stat_mark
	check "verify: $*" cg_run db fio --name=j --filename=/dev/vda --size=2M \
		--allow_file_create=0 --rw=randrw --bs=4k --verify=crc32c "$@"
	check "$expr" stat_is "$expr"
}

# lose: which error ends a reader whose drive goes.
lose() {
	local was
	read -r was _ </sys/block/vda/stat
	cg_start db fio --name=j --filename=/dev/vda --readonly --direct=1 --bs=4k \
		--ioengine=psync --rw=randread --time_based --runtime=1h \
		--output-format=json --output=fio.json
	poll_until 30 _has_read vda $((was + 300)) || return
	host "unplug 1" >/dev/null || return
	wait "$CG_PID" && return 1
	host "plug 1" >/dev/null || return
	poll_until 30 test -b /dev/vda || return
	sed -n '/^{/,$p' fio.json | holds '.jobs[0].error'
}

requires_forcepoll
program inflight_uring
cg_make db
defer modprobe -r virtio_blk
check "the driver" probe 1
without=$(lose) || fail "lost without forcepoll: $without"
loader_start --cgroup "$CGROOT/db"
verdict "1 poll queue"

io '.read > 200 and .write > 150' --direct=1 --ioengine=psync
io '.read > 50 and .write > 20 and .async > 20' --ioengine=psync --fsync=8
io '.async > 450' --direct=1 --ioengine=libaio --iodepth=16
[[ $(uname -r) == 6.1.* ]] || # no function to wait in
	io '.async > 450' --direct=1 --ioengine=io_uring --iodepth=16
io '.async > 5 and .unpolled + .skip_large == 0' --direct=1 --ioengine=psync \
	--bs=512k --rw=randwrite
# More pages than a request may have segments, 254.
io '.async > 3 and .unpolled + .skip_large == 0' --direct=1 --ioengine=psync --bs=1M --rw=randwrite
stat_mark
check "mmap" cg_run db fio --name=j --filename=/dev/vda --rw=randread --bs=4k \
	--size=64M --number_ios=200 --ioengine=mmap --allow_file_create=0
check "polled" stat_is '.fault > 150'

stat_mark
with=$(lose) || fail "lost: $with"
check "it was polled until then" stat_is '.read > 200'
check "lost: error $with, was $without" [ "$with" = "$without" ]
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
verify_start vda
psync=$CG_PID
aio_verify_start vda
poll_until 60 _has_read vda 500
host "unplug 1" >/dev/null
# Nobody stops them: one that had just finished a pass would be content.
wait "$psync" >/dev/null && fail "it goes on without a drive"
wait "$CG_PID" >/dev/null && fail "libaio goes on without a drive"
# Not of libaio: fio takes its buffer for read where a drive of no size has nothing.
wrong_bytes "log.$psync" && fail "wrong bytes"
host "plug 1" >/dev/null
poll_until 30 test -b /dev/vda
check "none is left in flight" [ "$(in_flight)" = 0 ]
io '.read > 200 and .write > 150' --direct=1 --ioengine=psync

# With three descriptors for each a ring with IOPOLL fills the queue, long before it has
# all tags.
host "unplug 1" >/dev/null
poll_until 30 test ! -e /dev/vda
host 'plug 1 {"indirect_desc": false}' >/dev/null
poll_until 30 test -b /dev/vda
iopoll_keeps 1 100 vda
stat_mark
check "read all the same" cg_run db taskset -c 0 timeout "$LIMIT" dd if=/dev/vda \
	of=/dev/null bs=4k count=1 iflag=direct
check "polled" stat_is '.polled == 1 and .unpolled == 0'
_end "$RING_PID"
# Its ring is closed in the background.
check "nobody has it open" poll_until 60 grep -qx 0 /sys/module/virtio_blk/refcnt

check "without poll queues" probe 0
verdict "not polled: it has no poll queues"
io '.polled + .unpolled == 0 and .skip_no_queue > 500' --direct=1 --ioengine=psync
io '.polled + .unpolled == 0 and .skip_no_queue > 500' --direct=1 \
	--ioengine=libaio --iodepth=16
loader_stop
