#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: has device-mapper fail, delay and change what it passes on: each error is the one without forcepoll.
# TIMEOUT: 300
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

MB=2048 # sectors

# So many sectors of the drive are read and written one by one.
SIZE=512

blocks() {
	echo "-- $*"
	timeout "$LIMIT" ./blocks "$@" || [[ $? == [34] ]]
}

# empty, filled: what is on the drive there.
empty() {
	dd if=/dev/zero of="/dev/$one" bs=$((SIZE * 512)) count=1 oflag=direct status=none
}
filled() { ./blocks write 32768 "/dev/$one" 0 $((SIZE / 64)) >/dev/null; }

# outcomes DEV: what comes of each block, by each way.
outcomes() {
	local way size
	filled
	for size in 512 4096 65536; do
		blocks direct $size "/dev/$1" 0 $((SIZE * 512 / size))
		blocks aio $size "/dev/$1" 0 $((SIZE * 512 / size))
	done
	for way in buffered ahead mmap around; do
		blocks $way 4096 "/dev/$1" 0 $((SIZE / 8))
	done
	for way in "write 512" "awrite 4096" "write 65536" "fsync 4096"; do
		size=${way#* }
		empty
		# shellcheck disable=SC2086 # words
		blocks $way "/dev/$1" 0 $((SIZE * 512 / size))
		# What has got there, and what has not.
		dd if="/dev/$one" of=now bs=$((SIZE * 512)) count=1 iflag=direct \
			status=none
		blocks ahead 512 now 0 "$SIZE"
	done
}

# delayed: those of less, where each takes its time.
delayed() {
	local SIZE=128
	outcomes "$delay"
	outcomes "$slow"
}

# errors_at TEXT...: without forcepoll, too.
errors_at() {
	local text
	for text; do
		check "without: $text" grep -qxE -- "$text" without
	done
}

# changing WAY BLOCK: the kinds of outcomes from there on, as long as the tables change,
# and until there have been errors and none.
changing() {
	local status good='' bad=''
	until [[ -e changed && $good && $bad ]]; do
		status=0
		./blocks "$1" 4096 "/dev/$change" "$2" 16 >"out.$1" || status=$?
		case $status in
		0) good=1 ;;
		3) bad=1 ;;
		*) return "$status" ;;
		esac
		sed 's/.*[-0-9] //' "out.$1" >>"kinds.$1"
	done
	sort -u -o "kinds.$1" "kinds.$1"
}

# table TEXT: from now on, for what is in flight, too.
table() {
	dmsetup suspend fp-change
	dmsetup reload fp-change --table "0 $MB $1"
	dmsetup --noudevsync resume fp-change
}

# change_tables: the kinds of outcomes by each way, meanwhile.
change_tables() {
	local pids=() way at=0 i
	rm -f changed kinds.*
	./blocks write 65536 "/dev/$one" 0 16 >/dev/null
	for way in direct aio mmap; do
		cg_run db timeout "$LIMIT" bash -euc "changing $way $at" &
		pids+=($!)
		at=$((at + 64)) # what one has in memory the other must not find
	done
	for ((i = 0; i < 2; i++)); do
		for way in "linear /dev/$one 0" error "linear /dev/$one 0" \
			"flakey /dev/$one 0 0 9"; do
			table "$way"
			sleep 0.1
		done
	done
	table "flakey /dev/$one 0 1 1"
	touch changed
	for way in "${pids[@]}"; do
		wait "$way" || fail "it failed while tables change: $(cat out.*)"
	done
	grep . kinds.*
}

requires_forcepoll
for module in dm-flakey dm-delay; do
	modprobe -q $module || skip "no module $module"
done
program blocks
one=$(nvme_dev)
export one SIZE MB
export -f outcomes delayed blocks empty filled changing
dm_removes fp-faults fp-delay fp-slow fp-change
flakey="flakey /dev/$one"
# Linux 6.1 may have no error_reads.
reads=error_reads
dmsetup --noudevsync create fp-change --table "0 8 $flakey 0 0 9 1 $reads" 2>/dev/null &&
	dmsetup --noudevsync remove fp-change || reads=error_writes
faults=$(dm_make fp-faults "0 100 linear /dev/$one 0
	100 17 error
	117 83 linear /dev/$one 117
	200 32 $flakey 200 0 9
	232 32 linear /dev/$one 232
	264 32 $flakey 264 0 9 1 error_writes
	296 32 $flakey 296 0 9 1 $reads
	328 1 error
	329 $((128 * MB - 329)) linear /dev/$one 329")
delay=$(dm_make fp-delay "0 $((128 * MB)) delay /dev/$one 0 0")
slow=$(dm_make fp-slow "0 $SIZE delay /dev/$one 0 1 /dev/$one 0 1")
change=$(dm_make fp-change "0 $MB linear /dev/$one 0")
export change delay slow

outcomes "$faults" >without
errors_at "direct 512: 100-116 Input/output error" \
	"aio 512: (296|328)-328 Input/output error" "direct 512: 329-511 ok" \
	"mmap 4096: 12-14 SIGBUS" "around 4096: 25-28 SIGBUS" \
	"ahead 4096: (37|41)-41 Input/output error" "fsync: Input/output error" \
	"aio 65536: 0-2 Input/output error" "ahead 512: 264-(295|328) wrong"
delayed >without.delay
check "no errors without" eval "! grep -v '^--\| ok\$' without.delay"
cg_make db
change_tables >without.change

loader_start --cgroup "$CGROOT/db"
stat_mark
cg_run db bash -euc "outcomes $faults" >with
check "the same errors as without" diff without with
check "polled" stat_is '.read > 400 and .write > 100 and .async > 50 and .fault > 10'
stat_mark
cg_run db bash -euc delayed >with.delay
check "delayed: the same as without" diff without.delay with.delay
check "polled, or would have been" stat_is '.polled + .unpolled > 100'
verify_start "$faults" --offset=16M
aio_verify_start "$faults"
stat_mark
change_tables >with.change
check "changed: the same kinds of errors as without" diff without.change with.change
check "polled meanwhile" stat_is '.polled > 50'
verify_stop
stat_mark
check "verify" cg_run db fio --name=j --filename="/dev/$delay" --direct=1 --rw=randrw \
	--bs=4k --size=1M --verify=crc32c --ioengine=libaio --iodepth=8 \
	--allow_file_create=0
check "polled where there is no delay" stat_is '.polled > 200'
for name in fp-faults fp-delay fp-slow fp-change; do
	check "remove $name" dmsetup --noudevsync remove $name
done
check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
loader_stop
