#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that page faults on a mapped file are polled, data intact.
# SET: debug
set -eu
. "$(dirname "$0")/../lib.sh"

# verify [HINT]: reads all of the file through a mapping, in random order. (fio begins
# with an empty cache.)
verify() {
	stat_mark
	check "verify" cg_run db fio --name=j --ioengine=mmap --bs=4k --size=4M \
		--verify=crc32c --filename=mnt/data --rw=randread --verify_only \
		--fadvise_hint="${1:-1}"
}

requires_forcepoll
dev=$(nvme_dev)
check "file system" mkfs.ext4 -qF "/dev/$dev" 64M
mkdir mnt
mount "/dev/$dev" mnt
defer umount mnt
check "write" fio --name=j --ioengine=mmap --bs=4k --size=4M --verify=crc32c \
	--filename=mnt/data --rw=write --do_verify=0 --end_fsync=1
sync

cg_make db
loader_start --cgroup "$CGROOT/db"
verify
check "polled as faults" stat_is '.fault > 900 and .write + .swap == 0'

# Without the hint a fault reads around itself.
defer blockdev --setra "$(blockdev --getra "/dev/$dev")" "/dev/$dev"
blockdev --setra 32 "/dev/$dev"
verify 0
# One that was kept from a CPU meanwhile waits elsewhere for some time.
check "16 KiB around are polled" stat_is '.fault - .async > 100 or
	(.held > 0 and .fault > 100)'
blockdev --setra 256 "/dev/$dev"
verify 0
check "128 KiB around too, where it waits" stat_is '.async > 5 and .fault >= .async'
loader_stop
