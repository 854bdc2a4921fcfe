#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads and writes a bad sector: each error arrives as it does without forcepoll.
# MACHINE: blkdebug=1
# SET: debug
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# all_ways: what comes of the bad block and its neighbours, in each way; a drive that
# cannot read it cannot write it either. Of io_uring: fio's error.
all_ways() {
	local way size
	for size in 512 4096 16384; do
		for way in write awrite direct aio; do
			blocks $way $size
		done
	done
	for way in buffered ahead mmap around; do
		blocks $way 4096
	done
	fio --name=j --thread --filename="/dev/$dev" --readonly --direct=1 --rw=randread \
		--bs=4k --offset=$(((bad - 32) * 4096)) --size=256k --ioengine=io_uring \
		--iodepth=8 --continue_on_error=all --output-format=json 2>&1 |
		sed -n '/^{/,$p' | jq -r '"io_uring: \(.jobs[0].error)"'
}
# blocks WAY SIZE: 64 blocks of 4 KiB, the bad one in the middle.
blocks() {
	./blocks "$1" "$2" "/dev/$dev" $(((bad - 32) * 4096 / $2)) $((64 * 4096 / $2)) ||
		[[ $? == 3 ]]
}

requires_forcepoll
program blocks
dev=$(nvme_dev)
bad=$((FORCEPOLL_BAD_SECTOR / 8))
blocks write 512 >/dev/null # what is not bad
export -f all_ways blocks
export dev bad
bash -euc all_ways >without
for line in "direct 512: $FORCEPOLL_BAD_SECTOR-$FORCEPOLL_BAD_SECTOR No data available" \
	"awrite 4096: $bad-$bad No data available" "aio 4096: $bad-$bad No data available" \
	"mmap 4096: $bad-$bad SIGBUS" "buffered 4096: $bad-$bad Input/output error" "io_uring: 61"; do
	check "without: $line" grep -qxF "$line" without
done

cg_make db
loader_start --cgroup "$CGROOT/db"
stat_mark
for i in 1 2; do
	cg_run db bash -euc all_ways >with
	check "the same as without" diff without with
done
check "polled" stat_is '.read > 800 and .write > 400 and .async > 200 and .fault > 80'
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
