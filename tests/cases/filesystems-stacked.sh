#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that file systems and swap on dm and md, polled, keep what they are given.
# MACHINE: drives=2
# SET: slow
# TIMEOUT: 400
set -eu
. "$(dirname "$0")/../lib.sh"

HALF=$((160 * 2048)) # sectors

# array LEVEL
array() {
	check "raid$1" mdadm --create /dev/md0 --run --assume-clean --level="$1" \
		--raid-devices=2 "$a" "$b"
	keeps md0
	check "stop it" mdadm --stop /dev/md0
}

requires_forcepoll
swap_ready
cg_make db
for n in 0 1; do
	dev=$(nvme_dev $n)
	defer wipefs -qa "/dev/$dev"
	parts[n]=/dev/$(partition "$dev")
done
a=${parts[0]} b=${parts[1]}
loader_start --cgroup "$CGROOT/db"
dm_removes fp-lin fp-stripe
defer eval '[ ! -b /dev/md0 ] || mdadm -q --stop /dev/md0'

keeps "$(dm_make fp-lin "0 $HALF linear $a 0
	$HALF $HALF linear $b 0")"
dmsetup --noudevsync remove fp-lin
keeps "$(dm_make fp-stripe "0 $((2 * HALF)) striped 2 64 $a 0 $b 0")"
dmsetup --noudevsync remove fp-stripe
modprobe -a raid0 raid1
array 0
array 1
loader_stop
