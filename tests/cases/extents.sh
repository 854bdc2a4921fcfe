#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: waits for a file of many extents as a whole, not for one after the other.
# TIMEOUT: 200
# shellcheck disable=SC2016 # jq's variables
set -eu
. "$(dirname "$0")/../lib.sh"

# pieces_are EXPR: of what was polled since the mark, how many waited in submit_bio().
pieces_are() { stat_is "(.polled - .async) as \$alone | $1"; }
fio_in_db() {
	check "$*" cg_run db fio --name=j --ioengine=psync --direct=1 --allow_file_create=0 \
		--output=/dev/null "$@"
}

requires_forcepoll
dev=$(nvme_dev)
cg_make db
fs_make "$dev" ext4
defer wipefs -qaf "/dev/$dev"
for ((i = 0; i < 32; i++)); do
	for file in one other; do
		dd if=/dev/urandom of=mnt/$file bs=4k count=1 seek=$i conv=notrunc,fsync \
			status=none
	done
done
dd if=/dev/urandom of=mnt/whole bs=1M count=4 conv=fsync status=none
dd if=/dev/urandom of=mnt/joined bs=132K count=32 conv=fsync status=none
# Each block on its own, in two leaves at least.
perl -e '$b = "x" x 4096; for ($i = 0; $i < 2048; $i += 2) { seek STDOUT, $i * 4096, 0;
	syswrite STDOUT, $b or die }' >mnt/sparse
sync -f mnt/sparse
extents=$(filefrag mnt/one | grep -oE '[0-9]+ extents?' | cut -d' ' -f1)
check "extents: $extents" [ "$extents" -gt 10 ]

loader_start --cgroup "$CGROOT/db"
for rw in read write; do
	stat_mark
	fio_in_db --filename=mnt/one --size=128k --bs=128k --rw=$rw --loops=50
	check "$rw: few waited for alone" pieces_are \
		".$rw > 10 * 50 and \$alone < .$rw / 20"
done
dd if=mnt/other of=mnt/one bs=128k oflag=direct conv=notrunc status=none
stat_mark
check "the same bytes" cmp mnt/other <(cg_run db dd if=mnt/one bs=128k iflag=direct \
	status=none)
check "polled" stat_is '.read > 10'

# Nor the small piece before one that is too large for that: of 128 KiB each, 16 and 112.
for ((i = 31; i >= 0; i--)); do
	fallocate -c -o $((i * 132 + 16))K -l 4K mnt/joined
done
sync -f mnt/joined
stat_mark
fio_in_db --filename=mnt/joined --size=4M --bs=128k --rw=read --loops=15 --readonly
check "two pieces: few waited for alone" pieces_are \
	'.read > 1.9 * 480 and $alone < .read / 20'

# Who waits for each does so in submit_bio(), soon again on each CPU. And what the file
# system reads for that, as where the blocks of a file are, takes nothing from it.
stat_mark
fio_in_db --filename=mnt/whole --size=4M --bs=4k --rw=randread --number_ios=1000
check "one by one: alone" pieces_are \
	'.polled > 900 and $alone > 900 - 32 * 2 and .skip_unattended == 0 or .held > 0'
umount mnt
mount -o nodelalloc "/dev/$dev" mnt
stat_mark
fio_in_db --filename=mnt/sparse --size=8M --bs=4k --rw=randread --number_ios=1000 \
	--readonly # every second one is of nothing
check "where they are is read, and alone" pieces_are \
	'.polled > 300 and $alone > .polled * 0.9 and .skip_unattended == 0 or .held > 0'
loader_stop
