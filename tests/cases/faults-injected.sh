#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: injects faults into the kernel: requests that fail, completions that are lost, memory that the module does not get.
# MACHINE: append="nvme_core.io_timeout=5"
# SET: debug debug-only
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

faults=/sys/kernel/debug
requires_forcepoll
dev=$(nvme_dev)
sys=/sys/block/$dev
cg_make db
cg_make other

# fault NAME TIMES [INTERVAL]: each tenth time, so often; off again at the end.
fault() {
	echo 100 >"$faults/$1/probability"
	echo "${3-10}" >"$faults/$1/interval"
	echo "$2" >"$faults/$1/times"
	echo 0 >"$faults/$1/verbose"
}
no_fault() { echo 0 >"$faults/$1/probability"; }
times() { cat "$faults/$1/times"; }
defer no_fault fail_make_request
defer no_fault fail_io_timeout
defer no_fault failslab
defer eval "echo N >$faults/failslab/task-filter"

# For what runs as such, with task-filter.
may_fail=(sh -c 'echo 1 >/proc/self/make-it-fail && exec "$@"' sh)
as=()

# load CGROUP ARGS...: some I/O, errors or not.
load() {
	local cg=$1
	shift
	cg_run "$cg" "${as[@]}" fio --name=j --thread --filename="/dev/$dev" --size=16M --direct=1 \
		--bs=4k --continue_on_error=all --output-format=json "$@"
}
# errors CGROUP ARGS...: how many fail for a thousand that do not, and with what. The
# first and the last may be on either side.
errors() {
	load "$@" --readonly --rw=randread --number_ios=1000 |
		jq -r '.jobs[0] | "\(.total_err | if . >= 110 and . <= 112
			then "a tenth" else . end) \(.error)"'
}

# blocks_errors CGROUP WAY: of a thousand, likewise.
blocks_errors() {
	{ cg_run "$1" ./blocks "$2" 4096 "/dev/$dev" 0 1000 || [[ $? == 3 ]]; } |
		awk -v way="$2" '!/ ok$/ {
				split($3, at, "-")
				bad += at[2] - at[1] + 1
				$1 = $2 = $3 = ""
				kinds[$0]
			}
			END {
				tenth = bad >= 99 && bad <= 101
				printf "%s %s", way, tenth ? "a tenth" : bad + 0
				for (kind in kinds)
					printf "%s", kind
				print ""
			}'
}

# all_errors CGROUP: those of each way. What a page was not read ahead with the kernel
# asks for a second time, so that of each tenth nobody is told.
all_errors() {
	local engine way
	echo 1 >"$sys/make-it-fail"
	fault fail_make_request -1
	for engine in "${engines[@]}"; do
		# shellcheck disable=SC2086 # words
		errors "$1" $engine
	done
	for way in write awrite buffered mmap; do
		blocks_errors "$1" $way
	done
	fault fail_make_request -1 1
	for way in buffered mmap; do
		blocks_errors "$1" $way
	done
	no_fault fail_make_request
	echo 0 >"$sys/make-it-fail"
}

program blocks
engines=("--ioengine=psync" "--ioengine=libaio --iodepth=8"
	"--ioengine=io_uring --iodepth=8")
./blocks write 65536 "/dev/$dev" 0 64 >/dev/null
all_errors other >without
check "a tenth fails, with EIO" [ "$(grep -cxF "a tenth 5" without)" = ${#engines[@]} ]
for line in "write a tenth   Input/output error" "mmap 0" "mmap 1000   SIGBUS" \
	"buffered 1000   Input/output error"; do
	check "without: $line" grep -qxF "$line" without
done
loader_start --cgroup "$CGROOT/db"
stat_mark
all_errors db >with
check "the same fail, in the same way" diff without with
check "what does not is polled" stat_is '.read > 2500 and .write > 1500 and .fault > 800'

# A completion that is lost: the drive is asked to abort it, or is reset.
stat_mark
echo 1 >"$sys/io-timeout-fail"
for engine in "${engines[@]:0:2}"; do
	fault fail_io_timeout 2
	# shellcheck disable=SC2086
	check "ends, and nothing is wrong: $engine" load db $engine --rw=randrw \
		--verify=crc32c --number_ios=500 --output=out
	check "two were lost: $engine" [ "$(times fail_io_timeout)" = 0 ]
	check "no error: $engine" holds '.jobs[0].total_err == 0' out
done
echo 0 >"$sys/io-timeout-fail"
check "polled meanwhile" stat_is '.polled > 500'

stat_mark
echo 1 >/sys/kernel/slab/forcepoll/failslab
echo Y >"$faults/failslab/cache-filter"
fault failslab -1 2
check "no memory: nothing is wrong" load db --ioengine=libaio --iodepth=64 --rw=randrw \
	--verify=crc32c --number_ios=4000 --output=out
check "no memory: no error" holds '.jobs[0].total_err == 0' out
no_fault failslab
check "no memory: some were polled" stat_is '.polled > 500'
check "no memory: some were not" stat_is '.skip_full > 0'
loader_stop

# Nor for what the module notes of a drive at its first bio: of the process alone that may
# fail, as others have not asked for it.
loader_start --cgroup "$CGROOT/db"
stat_mark
echo N >"$faults/failslab/cache-filter"
echo Y >"$faults/failslab/task-filter"
fault failslab -1 1
first=("--ioengine=libaio" --iodepth=16 --rw=randread --number_ios=500)
as=("${may_fail[@]}")
check "none for a drive: no error" load db "${first[@]}" --readonly --output=out
check "none for a drive: none" holds '.jobs[0].total_err == 0' out
no_fault failslab
as=()
check "none for a drive: none was polled" stat_is '.async == 0 and .skip_full > 300'
check "later" load db "${first[@]}" --readonly --output=out
check "polled later" stat_is '.async > 300'
loader_stop

check "nothing is leaked" poll_until 10 nothing_leaked
