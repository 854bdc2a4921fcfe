#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads files of squashfs: it waits for each block, so each is polled alone.
# shellcheck disable=SC2016 # jq's variables
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
modprobe -q squashfs || skip "no squashfs in this kernel"
dev=$(nvme_dev)
cg_make db
mkdir files mnt
dd if=/dev/urandom of=files/one bs=1M count=4 status=none
mksquashfs files "/dev/$dev" -noappend -quiet -no-progress -b 4K >/dev/null
mount -t squashfs -o ro "/dev/$dev" mnt
defer umount mnt

loader_start --cgroup "$CGROOT/db"
stat_mark
for _ in {1..5}; do
	echo 3 >/proc/sys/vm/drop_caches
	check "the same bytes" cmp files/one <(cg_run db cat mnt/one)
done
check "each waited for alone" stat_is '.polled > 4000 and
	(.polled - .async > .polled * 0.95 and .skip_unattended == 0 or .held > 0)'
loader_stop
