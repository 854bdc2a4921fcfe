#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: checks the data of polled reads and writes, and that every bio is counted.
set -eu
. "$(dirname "$0")/../lib.sh"

# verify ARGS...: four jobs write, mixed with reads, then read all of it back.
verify() {
	check "verify $*" cg_run db fio --name=j --rw=randrw --bsrange=4k-64k \
		--verify=crc32c --numjobs=4 --size=3M "$@"
}

requires_forcepoll
requires_command sfdisk
dev=$(nvme_dev)
cg_make db
loader_start --cgroup "$CGROOT/db" --max-bytes 64K
stat_mark

verify --filename="/dev/$dev" --offset_increment=8M --direct=1 --ioengine=psync
check "polled" stat_is '.polled > 50 and .read > 10 and .write > 10'
verify --filename="/dev/$dev" --offset_increment=8M --ioengine=psync --fsync=8

# Bios to a partition are remapped to the whole disk while they are submitted.
check "partition" sfdisk -q "/dev/$dev" <<<'1MiB,128MiB'
defer wipefs -qa "/dev/$dev"
check "file system" mkfs.ext4 -qF "/dev/${dev}p1"
mkdir mnt
mount "/dev/${dev}p1" mnt
defer umount mnt
stat_mark
verify --directory=mnt --direct=1 --ioengine=psync
check "polled" stat_is '.polled > 50 and .read > 10 and .write > 10'
stat_mark
verify --directory=mnt --ioengine=psync --fsync=8
check "polled" stat_is '.read > 20 and .write > 20 and .async > 20'
verify --directory=mnt --ioengine=mmap --rw=write # fio cannot verify randrw

check "every bio of a target has one outcome" status '.inflight == 0 and
	(.polled | add) == .counters.polled and (.counters | .submitted ==
		.polled + .unpolled + ([to_entries[] |
			select(.key | startswith("skip_")).value] | add))'
loader_stop
