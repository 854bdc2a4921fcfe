#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that swap-in is polled, and that reclaim is not, also beside files that are written and verified.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

swapped_out() { awk '$1 == "pswpout" { print $2 }' /proc/vmstat; }

# swapped: the helper, in a third of the memory that it uses.
swapped() {
	local out
	stat_mark
	out=$(swapped_out)
	check "the memory comes back as it was" cg_run db ./swapper 24
	out=$(($(swapped_out) - out))
	check "it was swapped out: $out pages" [ $out -gt 3000 ]
}

requires_forcepoll
n=0
dev=$(nvme_dev)
program swapper
defer sysctl -qw "vm.page-cluster=$(sysctl -n vm.page-cluster)"
sysctl -qw vm.page-cluster=0
cg_controllers memory
cg_make db
cg_make files
echo 8M >"$CGROOT/db/memory.max"
echo 32M >"$CGROOT/files/memory.max"

check "swap on the device" mkswap "/dev/$dev"
swapon "/dev/$dev"
defer swapoff -a
loader_start --cgroup "$CGROOT/db" --cgroup "$CGROOT/files"
swapped
check "swap-in is polled, swap-out is not" stat_is '.swap > 1000 and .write == 0'

# Eight pages at a time: nobody waits for one of them alone.
sysctl -qw vm.page-cluster=3
swapped
check "swap-out is not polled" stat_is '.write == 0'
swapoff -a
sysctl -qw vm.page-cluster=0

fs_make "$dev" ext4
check "swap in a file" dd if=/dev/zero of=mnt/swap bs=1M count=48
chmod 600 mnt/swap
check "swap in a file" mkswap mnt/swap
swapon mnt/swap
defer swapoff -a
swapped
check "swap-in is polled, swap-out is not" stat_is '.swap > 1000 and .write == 0'

# While others write files next to it, and have no memory to spare either.
for args in --direct=1 "--direct=0 --fsync=16" "--direct=0 --ioengine=mmap"; do
	# shellcheck disable=SC2086 # words
	verify_in files "$PWD/mnt/file$((++n))" --allow_file_create=1 $args
done
swapped
check "all of them are polled" poll_until 60 stat_is '.swap > 1000 and .write > 100 and .read > 100 and
	.fault > 100'
verify_stop
loader_stop
swapoff -a
umount mnt
fs_check "$dev" ext4
