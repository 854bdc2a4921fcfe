#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts and times I/O with "forcepoll-loader latency": polled or
# not, of whom, where, how large; against loads that do exactly so many.
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
requires_command dmsetup
dev=$(nvme_dev)

# watch ARGS...: the command in the background; its JSON is in file out at the end.
watch() {
	rm -f out err # what an earlier one said is not to be read
	"$LOADER" latency --json "$@" >out 2>err &
	watcher=$!
	defer _end "$watcher"
	poll_until 60 grep -q "measuring" err || fail "it does not start: $(<err)"
}
# seen: ends it, and shows a line for each row: kind origin size count.
seen() {
	local status=0
	kill -INT "$watcher"
	wait "$watcher" || status=$?
	check "it ends with status 0" [ "$status" = 0 ]
	check "JSON that adds up, nothing lost" holds '
		.duration_ns > 0 and .lost_full == 0 and .lost_missed == 0 and
		all(.rows[]; .p50_ns <= .p99_ns and .p99_ns <= .p99_9_ns and
			.p99_9_ns <= .p99_99_ns and .p99_99_ns <= .max_ns and
			.mean_ns <= .max_ns and .mean_ns > 0 and
			.count == ([.slots[].count] | add) and
			all(.slots[]; .from_ns < .to_ns) and
			all(.slots[]; .from_ns < 1000 or
				.to_ns / .from_ns <= 1.0626) and
			.max_ns >= .slots[-1].from_ns and
			.max_ns < .slots[-1].to_ns)' out
	jq -r '.rows[] | "\(.kind) \(.origin) \(.at_most_bytes) \(.count)"' out
}
# rows WHAT LINE...: exactly these were seen.
rows() {
	seen >found
	diff <(sed "/^ok: /d" found) <(printf '%s\n' "${@:2}") ||
		fail "not as expected: $1"
	echo "ok: $1"
}
# reads N SIZE, in whatever cgroup the caller is
reads() {
	dd if="/dev/$dev" of=/dev/null bs="$2" count="$1" iflag=direct status=none
}

cg_make db
export -f reads
export dev

# Without the module. A bio of 128K is two requests then, and still one bio.
defer eval "echo $(<"/sys/block/$dev/queue/max_sectors_kb") \
	>/sys/block/$dev/queue/max_sectors_kb"
echo 64 >"/sys/block/$dev/queue/max_sectors_kb"
watch --cgroup "$CGROOT/db"
check "it says so" grep -q "module forcepoll is not loaded" err
cg_run db bash -c "reads 300 4k; reads 40 128k"
reads 500 4k
rows "of the cgroup only, split or not" "unpolled read 4096 300" \
	"unpolled read null 40"
watch
cg_run db bash -c "reads 300 16k"
reads 200 16k
rows "of everybody" "unpolled read 16384 500"
watch --device "$dev"
reads 10 64k
rows "of a device" "unpolled read 65536 10"
dmsetup --noudevsync create fp-latency \
	--table "0 65536 linear /dev/$dev 0"
defer dmsetup --noudevsync remove fp-latency
watch
dm=$(dmsetup info -c --noheadings -o blkdevname fp-latency)
dd if="/dev/$dm" of=/dev/null bs=4k count=60 iflag=direct status=none
rows "a stack of devices once" "unpolled read 4096 60"

# What is refused, as no tag is free, and submitted again by another thread is no I/O.
modprobe null_blk queue_mode=2 irqmode=2 completion_nsec=1000000 hw_queue_depth=2 \
	submit_queues=1 nr_devices=1
defer modprobe -r null_blk
watch --cgroup "$CGROOT/db"
cg_run db fio --name=j --filename=/dev/nullb0 --readonly --direct=1 --bs=4k \
	--rw=randread --ioengine=io_uring --iodepth=16 --number_ios=200 --output=/dev/null
rows "submitted again" "unpolled read 4096 200"

# Made again, as a service's
cg_make again
watch --cgroup "$CGROOT/again"
cg_remove again
mkdir "$CGROOT/again"
check "it is found" poll_until 60 grep -q "was made again" err
cg_run again bash -c "reads 70 4k"
rows "of that one" "unpolled read 4096 70"

# A process that ends, ends it.
mkfifo go
bash -c "read -r _ <go; exec dd if=/dev/$dev of=/dev/null bs=8k count=100 \
	iflag=direct status=none" &
pid=$!
watch --pid "$pid"
echo >go
wait "$pid"
ended() { [[ ! -d /proc/$watcher || $(</proc/$watcher/stat) == *") Z "* ]]; }
check "it ends with the process" poll_until 60 ended
wait "$watcher" || fail "it ends with status $?"
check "and has what it did" holds '[.rows[].count] == [100]' out

# With it: polled and not are told apart, and what is measured is what the
# module counted.
loader_start --cgroup "$CGROOT/db"
"$LOADER" status --json >before
watch --cgroup "$CGROOT/db"
cg_run db bash -c "reads 1000 4k"
reads 500 4k
cg_run db dd if=/dev/zero of="/dev/$dev" bs=16k count=200 oflag=direct status=none
"$LOADER" status --json >after
if [[ $(jq -s '.[1].counters.held - .[0].counters.held' before after) = 0 ]]; then
	rows "polled" "polled read 4096 1000" "polled write 16384 200"
	check "to the nanosecond" jq -es '
		[.[2].rows[] | select(.kind == "polled") | .mean_ns] == [
		(.[1].wait_ns.read - .[0].wait_ns.read) / 1000,
		(.[1].wait_ns.write - .[0].wait_ns.write) / 200 | floor]' before after out
else # the host kept it from a CPU: it polls where it waits, for some time
	seen >found
	check "polled, where it waits" [ "$(awk '$1 != "ok:" { n[$2] += $4 }
		$1 != "ok:" && $1 != "polled" && $1 != "iopoll" { other = " and others" }
		END { print n["read"], n["write"] other }' found)" = "1000 200" ]
fi

watch --cgroup "$CGROOT/db"
cg_run db bash -c "reads 20 128k"
rows "polled in two pieces" "iopoll read 65536 40"

watch --cgroup "$CGROOT/db"
cg_run db dd if="/dev/$dm" of=/dev/null bs=4k count=60 iflag=direct status=none
rows "polled below a stack of devices, once" "iopoll read 4096 60"

watch --cgroup "$CGROOT/db"
cg_run db fio --name=j --filename="/dev/$dev" --readonly --direct=1 --bs=4k \
	--rw=randread --ioengine=io_uring --hipri --number_ios=150 --output=/dev/null
rows "polled by io_uring" "iopoll read 4096 150"

rm -f err
"$LOADER" latency -c "$CGROOT/db" >table 2>err &
watcher=$!
defer _end "$watcher"
poll_until 60 grep -q "measuring" err || fail "it does not start: $(<err)"
cg_run db bash -c "reads 100 4k"
kill "$watcher"
wait "$watcher" || fail "SIGTERM is no error: $?"
check "a row: $(grep -E "^(polled|iopoll)" table)" \
	grep -qE "^(polled|iopoll) +read +<=4K +[0-9]+( +[0-9.]+){6}$" table
check "of 100" [ "$(awk '/^(polled|iopoll) +read +<=4K/ { n += $4 } END { print n }' table)" = 100 ]
check "its histogram" grep -qE "^ +[0-9]+ - [0-9]+ +[0-9]+ \*+$" table
check "80 columns" [ "$(awk '{ print length }' table | sort -n | tail -n1)" -le 80 ]
loader_stop

# What it cannot use
refused() { expect_fail 1 "^forcepoll-loader: .*$1" "$LOADER" latency "${@:2}"; }
refused "none: no such cgroup" -c none
refused "none: no such block device" --device none
refused "PID 2 is a kernel thread" -p 2
for bad in "-p x" "-d x" "-x" "more"; do
	status=0
	# shellcheck disable=SC2086 # words
	"$LOADER" latency $bad >out 2>err || status=$?
	check "$bad: $(head -n1 err)" [ "$status" = 2 ]
	check "in the command's name" grep -q "^forcepoll-loader latency: " err
done
