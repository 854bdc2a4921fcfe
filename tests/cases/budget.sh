#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls for no more CPU time than it may.
# SET: slow
# TIMEOUT: 200
set -eu
. "$(dirname "$0")/../lib.sh"

now_ns() { echo $((${EPOCHREALTIME/./} * 1000)); }
spun() { "$LOADER" status --json | jq '.spin_ns | add'; }
load() {
	cg_run "$1" fio --name=j --filename="/dev/$dev" --readonly --direct=1 \
		--rw=randread --bs=4k --size=256M --time_based --runtime=4 \
		--output=/dev/null "${@:2}"
}

# limited PERCENT CGROUP...: all of these read, and poll for so much of a CPU.
limited() {
	local percent=$1 cg pids=() pid start spent
	shift
	stat_mark
	start=$(now_ns) spent=$(spun)
	for cg; do
		load "$cg" "${args[@]}" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "the load failed"
	done
	spent=$(($(spun) - spent)) start=$(($(now_ns) - start))
	# A purse holds what is for 100 ms, and the last spins may be too much: by
	# their length, 2 ms, or by as long as this machine's host stood still.
	check "$spent of $start ns are $percent percent at the most" \
		[ $((spent * 100)) -le $((start * percent + 100 * (100000000 * percent / 100 + 60000000))) ]
	check "some is polled, some is not" stat_is '.polled > 20 and .skip_budget > 20'
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
cg_make db2
cg_make db/a
cg_make db/b

args=(--ioengine=psync)
loader_start --max-poll-cpu 10 --cgroup "$CGROOT/db" --cgroup "$CGROOT/db2"
limited 10 db
limited 20 db db2
limited 10 db/a db/b # what was chosen is above both
args=(--ioengine=libaio --iodepth=1)
limited 10 db
loader_stop

args=(--ioengine=psync)
loader_start --max-poll-cpu-total 10 --cgroup "$CGROOT/db" --cgroup "$CGROOT/db2"
limited 10 db db2
loader_stop

# What was polled while there was another limit, or none, is not owed.
check "the module is there" insmod "$KO"
for limit in max-poll-cpu max-poll-cpu-total max-poll-cpu; do
	loader_start --$limit 10 --cgroup "$CGROOT/db"
	stat_mark
	load db --ioengine=psync
	check "polled with --$limit" stat_is '.polled > 20'
	loader_stop
	loader_start --$limit 100 --cgroup "$CGROOT/db"
	load db --ioengine=psync --runtime=10
	loader_stop
done
check "the module is not in use" poll_until 30 module_unused
rmmod forcepoll

# Without a limit the same load is polled for more: it is the limit that holds it back.
loader_start --cgroup "$CGROOT/db"
free=$(spun)
load db --ioengine=psync
free=$(($(spun) - free))
loader_stop
loader_start --max-poll-cpu 5 --cgroup "$CGROOT/db"
spent=$(spun)
load db --ioengine=psync
spent=$(($(spun) - spent))
check "$spent ns are less than without a limit, $free ns" [ $spent -lt $free ]
loader_stop

# A run without a limit has none from the one before.
loader_start --cgroup "$CGROOT/db"
stat_mark
load db --ioengine=psync
check "no limit" stat_is '.polled > 20 and .skip_budget == 0'
loader_stop
