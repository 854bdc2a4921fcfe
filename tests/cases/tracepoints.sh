#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads the events forcepoll:* in tracefs: one for each polled bio,
# with what it was; and unloads the module under them.
# shellcheck disable=SC2016 # awk's fields, not the shell's
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
tracing=/sys/kernel/tracing
tracefs_mount $tracing
events=$tracing/events/forcepoll
event=$events/forcepoll_complete

# text_of EVENT: of all of them in the trace, in file trace.
text_of() { sed -En "s/.* forcepoll_$1: //p" $tracing/trace >trace; }
# traced CMD...: what it wrote to the trace, in file trace: the text of an event for each
# polled bio. One whose process was kept from a CPU lately is not waited for alone.
traced() {
	echo >$tracing/trace
	"$@" || fail "$*"
	text_of "(complete|reap)"
}
# each REGEX COUNT: so many events, and all like this.
each() {
	local n
	n=$(grep -cE "^${1//DEV/$devt}\$" trace) || :
	check "$n of $2: $1" [ "$n:$(wc -l <trace)" = "$2:$2" ] || tail trace
}
# io dd-ARGS...
io() { cg_run db dd bs=4k status=none "$@"; }

devt=$(tr : , <"/sys/block/$dev/dev")
reaped='wait_ns=[1-9][0-9]* tgid=[1-9][0-9]*'
time="(wait_ns=[1-9][0-9]* spin_ns=[1-9][0-9]* polls=[1-9][0-9]* naps=[0-9]+|$reaped)"
cg_make db
loader_start --cgroup "$CGROOT/db"
check "names, not enums, for those who read the format" \
	grep -q '{ 0, "read" } *, { 1, "write" } *, { 2, "fault" } *, { 3, "swap" }' \
	"$event/format"

traced io if="/dev/$dev" of=/dev/null count=10 iflag=direct
each "none while it is off" 0
echo 1 >"$event/enable"
echo 1 >"$events/forcepoll_reap/enable"
traced io if="/dev/$dev" of=/dev/null count=50 skip=100 iflag=direct
each "DEV origin=read sector=[0-9]+ bytes=4096 $time" 50
check "the sectors" diff <(grep -o 'sector=[0-9]*' trace) \
	<(seq -f sector=%g 800 8 1192)
check "spinning is a part of waiting" awk -F'[ =]' '
	/spin_ns/ { n++; more += $9 < $11 } END { exit !n || more }' trace
traced io if=/dev/zero of="/dev/$dev" count=20 seek=7 bs=8k oflag=direct
each "DEV origin=write sector=(112|[1-4][0-9][0-9]) bytes=8192 $time" 20
traced dd if="/dev/$dev" of=/dev/null bs=4k count=50 iflag=direct status=none
each "none of others" 0
traced io if="/dev/$dev" of=/dev/null bs=128k count=5 iflag=direct
text_of complete
each "none that was waited for elsewhere" 0
# What a request cannot carry is submitted in pieces, and told of as one.
max=/sys/block/$dev/queue/max_sectors_kb
defer eval "echo $(<"$max") >$max"
echo 64 >"$max"
echo 1 >"$events/forcepoll_split/enable"
traced io if="/dev/$dev" of=/dev/null bs=128k count=5 iflag=direct
text_of split
each "DEV sector=[0-9]+ bytes=131072" 5
before=$("$LOADER" status --json | jq .polled.fault)
traced cg_run db fio --name=j --filename="/dev/$dev" --readonly --rw=randread \
	--bs=4k --size=4M --ioengine=mmap --output=/dev/null
faults=$(($("$LOADER" status --json | jq .polled.fault) - before))
check "page faults: $faults" [ "$faults" -gt 100 ]
sed -i '/origin=fault/!d' trace
each "DEV origin=fault sector=[0-9]+ bytes=[0-9]+ $time" "$faults"

# Many in flight: each bio is of who submitted it, and the time of who looked.
echo 1 >"$events/forcepoll_spin/enable"
# spun, async: as the module counts them
spun() { "$LOADER" status --json | jq .ledger.spin_ns; }
async() { "$LOADER" status --json | jq .counters.async; }
before=$(async) spin=$(spun)
traced cg_run db fio --name=j --filename="/dev/$dev" --readonly --rw=read --bs=4k \
	--size=1M --offset=1M --direct=1 --ioengine=libaio --iodepth=4 --thread \
	--output=/dev/null
async=$(($(async) - before)) spin=$(($(spun) - spin))
text_of complete
each "none that was waited for alone" 0
check "found in flight: $async" [ "$async" -gt 20 ]
text_of reap
each "DEV origin=read sector=[0-9]+ bytes=4096 $reaped" "$async"
check "their sectors, each once" awk -F'[ =]' '
	$5 < 2048 || $5 >= 4096 || $5 % 8 || seen[$5]++ { exit 1 }' trace
check "of one process" [ "$(grep -o 'tgid=.*' trace | sort -u | wc -l)" = 1 ]
text_of spin
check "the time, $spin ns, in $(wc -l <trace) parts" awk -F= -v spin="$spin" '
	{ sum += $NF } END { exit !(sum == spin && sum > 0) }' trace

# Still on: the module goes, and its events with it.
loader_stop
check "the module has gone" [ ! -d /sys/module/forcepoll ]
check "its events have, too" [ ! -e "$event" ]
