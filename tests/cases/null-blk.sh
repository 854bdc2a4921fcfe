#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls null_blk, its errors too, and leaves one that may sleep to interrupts.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# made ATTR=VALUE...: the device, with poll queues, by configfs.
made() {
	local word
	mkdir "$config/nullb0"
	for word in size=256 poll_queues=1 queue_mode=2 "$@"; do
		echo "${word#*=}" >"$config/nullb0/${word%%=*}"
	done
	echo 1 >"$config/nullb0/power"
	poll_until 10 test -b /dev/nullb0
	echo none >/sys/block/nullb0/queue/scheduler
}
gone() { [[ ! -d $config/nullb0 ]] || rmdir "$config/nullb0"; }

# io EXPR FIO-ARGS...: EXPR says what was counted.
io() {
	local expr=$1
	shift
	stat_mark
	check "$*" cg_run db fio --name=j --filename=/dev/nullb0 --direct=1 \
		--allow_file_create=0 --rw=randrw --bs=4k --size=2M "$@"
	check "$expr" stat_is "$expr"
}

requires_forcepoll
configfs_mount
config=/sys/kernel/config/nullb
modprobe null_blk nr_devices=0 poll_queues=1
defer modprobe -r null_blk
defer gone
cg_make db
loader_start --cgroup "$CGROOT/db"

# With interrupts at once, and by a timer: what is polled asks for neither.
for mode in "irqmode=0" "irqmode=2 completion_nsec=1000000"; do
	# shellcheck disable=SC2086 # words
	made $mode
	check "status" grep -qE "^  nullb0 +null_blk +1 poll queue\$" <("$LOADER" status)
	io '.polled > 500 and .read > 200 and .write > 200 and .unpolled == 0' --ioengine=psync
	io '.async > 500 and .unpolled == 0' --ioengine=libaio --iodepth=16
	[[ $mode == irqmode=0 || $(uname -r) == 6.1.* ]] || # no function to wait in
		io '.async > 500 and .unpolled == 0' --ioengine=io_uring --iodepth=16
	io '.async > 5 and .unpolled + .skip_large == 0' --ioengine=psync --bs=512k --size=4M
	gone
done

# Completed with an error, by who polls: once, and told as it is.
made irqmode=2 completion_nsec=100000
echo +64-71 >"$config/nullb0/badblocks"
for engine in psync libaio; do
	stat_mark
	check "$engine: the error of one block" cg_run db fio --name=j \
		--filename=/dev/nullb0 --allow_file_create=0 --direct=1 --rw=read \
		--bs=4k --size=512k --ioengine=$engine --iodepth=8 \
		--continue_on_error=read --output-format=json --output=fio.json
	check "once" holds '.jobs[0] | .total_err == 1 and .first_error == 5' \
		<(sed -n '/^{/,$p' fio.json)
	# What may be an error of polling is tried again without.
	check "polled, but for that one" stat_is '.polled == 127 and .resubmitted == 1'
done
check "none is left in flight" [ "$(in_flight)" = 0 ]
gone

# Its memory is allocated where it is polled: it may sleep there. So not by us.
made irqmode=2 completion_nsec=100000 memory_backed=1
check "status" grep -qE "^  nullb0 +null_blk +not polled: its driver may sleep" \
	<("$LOADER" status)
io '.polled + .unpolled == 0 and .skip_no_queue > 500' --ioengine=psync \
	--verify=crc32c
io '.polled + .unpolled == 0 and .skip_no_queue > 500' --ioengine=libaio \
	--iodepth=16 --verify=crc32c
# Nor would it be without its scheduler.
echo mq-deadline >/sys/block/nullb0/queue/scheduler
"$LOADER" doctor --json >doctor.json || :
check "doctor does not blame that" holds '.checks[] | select(.name == "nullb0") |
	.status == "no" and (tostring | test("scheduler|modprobe") | not)' doctor.json
loader_stop
