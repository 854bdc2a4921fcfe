#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: waits as it is told to, finds out what does better, and says so.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# class EXPR: one that is judged, as jq sees it.
class() { status '.classes | ., any('"$1"')'; }
read_4k() {
	check "load" cg_run db fio --name=j --filename="/dev/$dev" --readonly \
		--direct=1 --rw=randread --bs=4k --size=256M --ioengine=psync "$@"
}
param() { echo "$2" >"/sys/module/forcepoll/parameters/$1"; }

requires_forcepoll
dev=$(nvme_dev)
cg_make db

# Told to poll
loader_start --cgroup "$CGROOT/db"
stat_mark
read_4k --number_ios=2000
check "all was polled" stat_is '.polled >= 2000 and .skip_judge == 0 and .hybrid == 0'
check "nothing was judged" [ "$("$LOADER" status --json | jq -c .classes)" = "[]" ]
loader_stop

# Left to find out
loader_start --mode auto --explain --cgroup "$CGROOT/db"
param irq_ns 20000 # what a sleep costs: on a busy host it was too much when measured
stat_mark
read_4k --number_ios=20000
check "one class" class '.whose == "/db" and .origin == "read" and .size == "<=4K" and
	.alone and .device == "'"$dev"'" and .cgroup_id > 0'
check "both modes were compared" class '.trials > 2 and .interrupt_ns > 0 and .poll_ns > 0'
# What was kept from a CPU once is not alone, in a class of its own.
all_4k() { status "[.classes[] | select(.origin == \"read\" and .size == \"<=4K\")] |
	{ios: (map(.ios) | add), explored: (map(.explored) | add)} | $1"; }
check "not for most of it" all_4k '.ios >= 19000 and .explored > 0 and .explored < .ios / 3'
check "samples are counted" stat_is '.skip_judge > 0 and .submitted == .polled +
	.skip_judge + .skip_busy + .unpolled'
# By now the credit of the start is spent.
read_4k --number_ios=60000
# A hundredth, and what is on credit: the first trials, or those of a change.
check "less and less" all_4k '.explored < .ios / 20'
read_4k --number_ios=2000 --bs=64k
check "another size is another class" class '.size == "<=64K" and (.alone | not)'
several_4k() { status '[.classes[] | select(.size == "<=4K" and (.alone | not)).ios] |
	add // 0'; }
before=$(several_4k)
read_4k --number_ios=2000 --ioengine=libaio --iodepth=8
check "as are several in flight" class '.size == "<=4K" and (.alone | not) and .trials > 0'
check "all of them" [ $(($(several_4k) - before)) -gt 1900 ]
"$LOADER" status >said
check "a table" grep -q "^  db  .*read .*<=4K .*alone" said
check "80 columns" eval '! grep -E ".{81}" said'
# Where it takes long it sleeps first, which costs less.
nvme_throttle 0 300
! class '.alone and .size == "<=4K" and .mode == "poll"' >/dev/null || : >loader.stderr
read_4k --number_ios=400
check "it has changed its mind" class '.alone and .size == "<=4K" and .mode != "poll" and
	.changes > 0'
check "and said so" poll_until 20 grep -qE "^forcepoll-loader: /db read <=4K alone $dev: poll -> " \
	loader.stderr

# The table goes to memory that user space may write to meanwhile.
program kfunc
cp "$TOP/build/bpf/control.bpf.o" .
check "written to meanwhile" [ "$(./kfunc -w control.bpf.o control_classes)" = OK ]
loader_stop

# Told to sleep first
loader_start --mode hybrid --cgroup "$CGROOT/db"
param irq_ns 20000
read_4k --number_ios=300
stat_mark
read_4k --number_ios=300
# How often depends on the drive: what is limited by the host comes at once after a
# pause, and then the sleep is shortened.
check "it slept, and was not always late" stat_is '.polled >= 300 and
	(.hybrid > 50 and .overslept < .hybrid or .held > 0)'
"$LOADER" status --json >said
check "for most of the time" holds '.spin_ns.read < .wait_ns.read / 2' said
loader_stop
nvme_throttle 0 0

# Whatever it is told meanwhile, nothing is lost.
loader_start --cgroup "$CGROOT/db"
param irq_ns 5000 # a sleep is cheap: hybrid is possible
verify_start "$dev"
aio_verify_start "$dev"
for _ in 1 2 3; do
	for mode in hybrid auto poll; do
		param mode $mode
		progress "$dev" "in mode $mode"
	done
done
verify_stop
check "no other mode" eval '! param mode never 2>/dev/null'
loader_stop
