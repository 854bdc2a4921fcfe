#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls what linear and striped targets of device-mapper pass on, while tables change.
# MACHINE: drives=2
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

MB=2048 # sectors

# all_polled EXPR: since the mark; of dm's own bios each is passed on.
all_polled() {
	stat_is ".unpolled == 0 and .skip_bio_based > 0 and
		.polled > .submitted * 0.3 and ($1)"
}

# verify DEV ENGINE...: by each way to read and write, and the data is right.
verify() {
	local dev=$1 arg
	shift
	for arg; do
		stat_mark
		# shellcheck disable=SC2086 # words
		check "$dev: $arg" cg_run db fio --name=j --filename="/dev/$dev" \
			--allow_file_create=0 --rw=randrw --bsrange=4k-256k --size=4M \
			--offset=98M --verify=crc32c --ioengine=$arg
		# 6.1 has no place to wait for io_uring.
		[[ $arg == io_uring* && $(uname -r) == 6.1.* ]] ||
			check "polled" all_polled '.async > 20'
	done
	echo 3 >/proc/sys/vm/drop_caches
	stat_mark
	check "$dev: mmap" cg_run db fio --name=j --filename="/dev/$dev" --rw=randread \
		--bs=4k --size=64M --number_ios=200 --ioengine=mmap --allow_file_create=0
	check "polled" all_polled '.fault > 100'
}

requires_forcepoll
one=$(nvme_dev 0)
two=$(nvme_dev 1)
cg_make db
dm_removes fp-lin fp-stripe fp-nest

lin=$(dm_make fp-lin "0 $((100 * MB)) linear /dev/$one 2048
	$((100 * MB)) $((100 * MB)) linear /dev/$two 4096")
stripe=$(dm_make fp-stripe "0 $((200 * MB)) striped 2 64 /dev/$one $((200 * MB)) /dev/$two $((200 * MB))")
nest=$(dm_make fp-nest "0 $((200 * MB)) linear /dev/$stripe 0")
loader_start --cgroup "$CGROOT/db"

# 4 MiB at 98 MiB: across the end of the first drive's part.
verify "$lin" "psync --direct=1" "libaio --direct=1 --iodepth=16"
verify "$stripe" "psync --fsync=8" "io_uring --direct=1 --iodepth=8"
verify "$nest" "psync --direct=1" "libaio --direct=1 --iodepth=16"

stat_mark
keeps_files "$nest" ext4 '.unpolled == 0 and .read > 250 and .write > 100'

# Tables are loaded anew, with I/O in flight.
verify_start "$lin"
aio_verify_start "$nest"
for ((i = 0; i < 6; i++)); do
	# What is read back must be what was written: the same place, told differently.
	dmsetup suspend fp-lin
	dmsetup reload fp-lin --table "0 $((100 * MB)) $( ((i % 2)) && echo "linear /dev/$one 2048" ||
		echo "striped 1 128 /dev/$one 2048")"
	dmsetup --noudevsync resume fp-lin
	dmsetup suspend fp-nest
	dmsetup --noudevsync resume fp-nest
	sleep 0.2
done
progress "$lin" "on a table that changed"
progress "$nest" "after it was suspended"
was=$(stat_get polled)
more() { (($(stat_get polled) > was + 100)); }
check "polled still" poll_until 60 more
verify_stop

# Gone, as soon as nobody uses it.
for name in fp-lin fp-nest fp-stripe; do
	check "remove $name" dmsetup --noudevsync remove $name
done
loader_stop
