#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: finds out why a load without interrupts leaves user mode all the
# time: its own map of what it has read, faulted in page by page.
# SET: slow
# TIMEOUT: 400
# shellcheck disable=SC2016 # for other shells
set -eu
. "$(dirname "$0")/../lib.sh"

# trace FILE FIO-ARGS...
trace() {
	check "trace, $1" sh -c 'out=$1 && shift && exec "$@" >"$out"' sh "$1" \
		"$LOADER" trace --json --stacks 1 --ustack -- fio \
		--name=x --filename=/dev/nullb0 --readonly --rw=randread --bs=4k \
		--size=4500G --number_ios=5000 --direct=1 --ioengine=io_uring \
		--hipri --sqthread_poll --output=fio.out "${@:2}"
}
faults() { jq '[.causes[] | select(.kind == "page fault" and
	(.name | endswith("I/O") | not)).count] | add' "$1"; }

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
modprobe null_blk queue_mode=2 irqmode=0 poll_queues=1 nr_devices=1 gb=8192
defer modprobe -r null_blk
thp=/sys/kernel/mm/transparent_hugepage/enabled
defer eval "echo $(sed 's/.*\[\(.*\)\].*/\1/' $thp) >$thp"
echo never >$thp

trace with
trace without --norandommap
check "the map is why: $(faults with) page faults, $(faults without) without" \
	[ $(($(faults without) * 10)) -lt "$(faults with)" ]
check "the first stack of page faults says so" holds '[.stacks[] |
	select(.kind == "page fault")][0].user | any(startswith("axmap_"))' with
# What is left of its ring goes in the background.
check "nobody has it open" poll_until 60 grep -qx 0 /sys/module/null_blk/refcnt
check "the polling thread's I/Os are fio's" holds '.ios >= 5000' with
