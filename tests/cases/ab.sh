#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: measures with "forcepoll-loader ab": both arms, what it says, and
# that nothing is left behind, however it ends.
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev)
db=$CGROOT/db

undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
released() { [[ ! -e $PINS && $("$LOADER" status --json | jq .bound) == false ]]; }
bound() { [ "$("$LOADER" status --json | jq .bound)" = true ]; }
fio_start() {
	cg_start db fio --name=case --filename="/dev/$dev" --readonly --direct=1 \
		--rw=randread --bs=4k --time_based --runtime=3600 \
		--output=/dev/null "$@"
}
fio_end() {
	kill "$CG_PID"
	wait "$CG_PID" || :
}
# ab ARGS...: its JSON in file out
ab() {
	local status=0
	"$LOADER" ab -q --json --mode poll "$@" >out 2>err || status=$?
	check "ab $*: $(<err)" [ "$status" = 0 ]
}
ab_start() {
	"$LOADER" ab -q --module "$KO" -c "$db" -d 600 --json >out 2>err &
	pid=$!
	defer _end "$pid"
	check "it is bound" poll_until 60 bound
}
# interrupted: it says what it has to, and ends by itself.
interrupted() {
	local status=0
	kill -INT "$pid"
	wait "$pid" || status=$?
	check "status $status" [ "$status" -lt 128 ]
}
# What is so whatever was measured.
consistent() {
	check "JSON that adds up" holds '
		(.verdict | IN("worth_it", "not_worth_it", "cannot_tell")) and
		(.sentence | test("^(Worth it|Not worth it|Cannot tell): .+\\.$")) and
		((.verdict == "worth_it") == (.sentence | startswith("Worth"))) and
		.pairs_used <= .pairs and .settle_ns < .window_ns and
		(.polled_by_interrupts | length == 10 and all(.[];
			.ratio == null or
			(.ratio_low <= .ratio and .ratio <= .ratio_high)))' out
}
# Each arm did what it is for. A bio that is on its way when they change, or a
# process that has just begun, may be of the other: few are.
both_arms() {
	check "one polls, the other does not" holds '
		.interrupts.observed > 10 * .interrupts.polled and
		.polled.polled > 10 * .polled.observed' out
	check "both have operations" holds "
		.interrupts.$1 > 0 and .polled.$1 > 0" out
}
# of_size BYTES: each operation.
of_size() {
	check "an operation is one I/O" holds "[.interrupts, .polled |
		.bytes_per_s / .operations_per_s | round] == [$1, $1]" out
}

cg_make db
insmod "$KO"
defer eval '! [ -d /sys/module/forcepoll ] || rmmod forcepoll'
skip_busy N

# Calls that wait
fio_start --ioengine=psync
ab -c "$db" -d 6 --window 0.5
consistent
both_arms calls
check "as it was told" holds '.pairs == 6 and .window_ns == 500000000 and
	.duration_ns >= 6000000000 and .timed == "calls" and .interrupts.bios == 0 and
	.interrupts.mean_ns > 0 and .polled.bytes_per_s > 0 and
	.interrupts.cgroups_cpu_ns_per_operation > 0' out
of_size 4096
check "of six pairs there is a ratio" holds '.pairs_used < 5 or
	(.polled_by_interrupts.mean_ns | .ratio > 0 and .ratio_low > 0)' out
check "it has ended" released

"$LOADER" ab -c "$db" -d 3 --window 0.25 >out 2>err
check "it says so when it begins" grep -q "measuring: 6 pairs" err
check "a table" grep -qE "^mean latency +us( +([0-9.]+|-)){2} +[-+]" out
check "a verdict at the end" grep -qE "^(Worth|Not worth|Cannot)" <(tail -n3 out)
check "80 columns" [ "$(awk '{ print length }' out | sort -n | tail -n1)" -le 80 ]
fio_end

# Bios that go on without their call, and another kind of device.
modprobe null_blk queue_mode=2 irqmode=1 poll_queues=1 nr_devices=1
defer modprobe -r null_blk
echo none >/sys/block/nullb0/queue/scheduler
nvme=$dev dev=nullb0
max=$(<"/sys/block/$nvme/queue/max_sectors_kb")
defer eval "echo $max >/sys/block/$nvme/queue/max_sectors_kb"
fio_start --ioengine=libaio --iodepth=8
ab -c "$db" -d 4 --window 0.4
consistent
both_arms bios
check "the other thing is timed" holds '.timed == "bios"' out
fio_end
dev=$nvme

# One that is more than a request may carry is one I/O, whoever cuts it.
echo 64 >"/sys/block/$nvme/queue/max_sectors_kb"
fio_start --ioengine=libaio --iodepth=4 --bs=128k
ab -c "$db" -d 4 --window 0.4
consistent
check "both have operations" holds '.interrupts.bios > 0 and .polled.bios > 0' out
of_size 131072
fio_end
echo "$max" >"/sys/block/$nvme/queue/max_sectors_kb"

# Page faults: few, on a slow host, and less than ten in a window are not looked at.
fio_start --ioengine=mmap --fadvise_hint=random --direct=0
ab -c "$db" -d 20 --window 2
consistent
both_arms calls
of_size 4096
fio_end

# Processes that come and go begin in the arm that it is.
cg_start db sh -c 'while :; do
	dd if=/dev/'"$dev"' of=/dev/null bs=4k count=1000 iflag=direct status=none; done'
ab -c "$db" -d 4 --window 0.4
consistent
both_arms calls
cg_remove db

# Nothing to measure
cg_make db
ab -c "$db" -d 2 --window 0.2
consistent
check "then it cannot tell" holds '.verdict == "cannot_tell" and .pairs_used == 0 and
	.interrupts.mean_ns == null and
	.polled_by_interrupts.mean_ns.ratio == null' out

# Nothing can be polled: no gain, and it says why, as half of the windows have I/O:
# they are long enough for that on any host.
fio_start --ioengine=psync
ab -c "$db" -d 20 --window 1 --max-bytes 2048
consistent
check "then it is not worth it" holds '.verdict == "not_worth_it" and
	.polled.polled == 0 and (.sentence | test("skip_large"))' out

# A signal ends it with what it has.
ab_start
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "Ctrl-C is no error: $(<err)" [ "$status" = 0 ]
consistent
check "it has ended" released

# Beside others
loader_start --cgroup "$db"
expect_fail 1 "another forcepoll-loader is running" "$LOADER" ab -c "$db"
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
expect_fail 1 "there is a run already" "$LOADER" ab -c "$db"
check "that goes on" bound
check "stop" "$LOADER" stop
ab_start
expect_fail 1 "another forcepoll-loader is running" "$LOADER" -c "$db"
expect_fail 1 "another forcepoll-loader is running" "$LOADER" stop

# Killed
kill -KILL "$pid"
wait "$pid" || :
check "it leaves nothing bound" poll_until 60 released
check "and the module unused" poll_until 60 rmmod forcepoll
ab_start
kill -KILL "$pid"
wait "$pid" || :
check "nor the module that it loaded" poll_until 60 undone
ab_start
pkill -KILL -P "$pid"
interrupted
check "also without the child that is there for it" undone
check "who says so" grep -q "was killed, by signal 9" err
ab_start
rm -r "$PINS"
interrupted
check "and without what is pinned" undone
fio_end

# Made again, as a service's
cg_remove db
cg_make db
ab_start
cg_remove db
mkdir "$db"
fio_start --ioengine=psync
is_target() { status "any(.targets[]; .tgid == $CG_PID)"; }
check "who is in it then is a target" poll_until 60 is_target
fio_end
interrupted

# What it cannot use
expect_fail 1 "none: no such cgroup" "$LOADER" ab -c none
for bad in "" "-c $db -d 1" "-c $db --window 0.01" "-c $db -d 10000" "-f -c $db" "-c $db x"; do
	status=0
	# shellcheck disable=SC2086 # words
	"$LOADER" ab $bad >out 2>err || status=$?
	check "$bad: $(head -n1 err)" [ "$status" = 2 ]
	check "in the command's name" grep -q "^forcepoll-loader ab: " err
done
