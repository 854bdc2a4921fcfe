#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: writes and reads back files on each file system, polled.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# on TYPE MKFS-ARGS... -- CHECK CMD...
on() {
	local type=$1 mkfs=() file
	shift
	while [[ $1 != -- ]]; do mkfs+=("$1") && shift; done
	shift
	check "make $type" "mkfs.$type" "${mkfs[@]}" "$part"
	mount -t "$type" "$part" mnt
	stat_mark
	check "write" cg_run db cp data mnt/copied
	check "write" cg_run db dd if=data of=mnt/direct bs=16k oflag=direct
	check "verify" cg_run db fio --name=j --directory=mnt --direct=1 \
		--ioengine=psync --rw=randrw --bs=4k-32k --size=2M --verify=crc32c
	umount mnt
	mount -t "$type" "$part" mnt
	for file in mnt/copied mnt/direct; do
		check "data of $file" cg_run db cmp data "$file"
	done
	check "random reads" cg_run db fio --name=j --filename=mnt/copied \
		--readonly --ioengine=psync --rw=randread --bs=4k --number_ios=200
	umount mnt
	check "reads polled on $type" stat_is '.read > 150'
	# btrfs turns direct writes into buffered ones where it has checksums.
	[[ $type == btrfs ]] ||
		check "writes polled on $type" stat_is '.write > 100'
	check "fsck of $type" "$@" "$part"
}

requires_forcepoll
dev=$(nvme_dev)
check "partition" sfdisk -q "/dev/$dev" <<<'1MiB,512MiB'
defer wipefs -qa "/dev/$dev"
part=/dev/${dev}p1
head -c 4M /dev/urandom >data
mkdir mnt
defer eval 'umount mnt 2>/dev/null || :'
cg_make db
loader_start --cgroup "$CGROOT/db"
on ext4 -qF -- e2fsck -fn
on xfs -qf -- xfs_repair -n
on btrfs -qf -- btrfs check
on f2fs -qf -- fsck.f2fs
loader_stop
