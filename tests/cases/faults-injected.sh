#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: injects faults into the kernel: requests that fail, completions that are lost, memory that the module does not get.
# MACHINE: append="nvme_core.io_timeout=5"
# SET: debug debug-only
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

faults=/sys/kernel/debug
requires_forcepoll
dev=$(nvme_dev)
sys=/sys/block/$dev
cg_make db
cg_make other

# fault NAME TIMES: each tenth time, so often; off again at the end.
fault() {
	echo 100 >"$faults/$1/probability"
	echo 10 >"$faults/$1/interval"
	echo "$2" >"$faults/$1/times"
	echo 0 >"$faults/$1/verbose"
}
no_fault() { echo 0 >"$faults/$1/probability"; }
times() { cat "$faults/$1/times"; }
defer no_fault fail_make_request
defer no_fault fail_io_timeout
defer no_fault failslab

# load CGROUP ARGS...: some I/O, errors or not.
load() {
	local cg=$1
	shift
	cg_run "$cg" fio --name=j --thread --filename="/dev/$dev" --size=16M --direct=1 \
		--bs=4k --continue_on_error=all --output-format=json "$@"
}
# errors CGROUP ARGS...: how many fail for a thousand that do not, and with what. The
# first and the last may be on either side.
errors() {
	load "$@" --readonly --rw=randread --number_ios=1000 |
		jq -r '.jobs[0] | "\(.total_err | if . >= 110 and . <= 112
			then "a tenth" else . end) \(.error)"'
}

engines=("--ioengine=psync" "--ioengine=libaio --iodepth=8"
	"--ioengine=io_uring --iodepth=8")
fault fail_make_request -1
echo 1 >"$sys/make-it-fail"
for engine in "${engines[@]}"; do
	# shellcheck disable=SC2086 # words
	errors other $engine
done >without
loader_start --cgroup "$CGROOT/db"
stat_mark
for engine in "${engines[@]}"; do
	# shellcheck disable=SC2086
	errors db $engine
done >with
echo 0 >"$sys/make-it-fail"
no_fault fail_make_request
check "a tenth fails, with EIO" [ "$(sort -u without)" = "a tenth 5" ]
check "the same fail, in the same way" diff without with
check "what does not is polled" stat_is '.polled > 2000'

# A completion that is lost: the drive is asked to abort it, or is reset.
stat_mark
echo 1 >"$sys/io-timeout-fail"
for engine in "${engines[@]:0:2}"; do
	fault fail_io_timeout 2
	# shellcheck disable=SC2086
	check "ends, and nothing is wrong: $engine" load db $engine --rw=randrw \
		--verify=crc32c --number_ios=500 --output=out
	check "two were lost: $engine" [ "$(times fail_io_timeout)" = 0 ]
	check "no error: $engine" jq -e '.jobs[0].total_err == 0' out
done
echo 0 >"$sys/io-timeout-fail"
check "polled meanwhile" stat_is '.polled > 500'

stat_mark
echo 1 >/sys/kernel/slab/forcepoll/failslab
echo Y >"$faults/failslab/cache-filter"
fault failslab -1
echo 2 >"$faults/failslab/interval"
check "no memory: nothing is wrong" load db --ioengine=libaio --iodepth=64 --rw=randrw \
	--verify=crc32c --number_ios=4000 --output=out
check "no memory: no error" jq -e '.jobs[0].total_err == 0' out
no_fault failslab
check "no memory: some were polled" stat_is '.polled > 500'
check "no memory: some were not" stat_is '.skip_full > 0'
loader_stop

check "nothing is leaked" poll_until 10 nothing_leaked
