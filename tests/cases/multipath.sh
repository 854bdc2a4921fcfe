#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls an NVMe drive with two paths, which are reset, lost and found again.
# MACHINE: paths=2
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

# paths: how many there are.
paths() { compgen -G "/sys/class/nvme/nvme*/nvme*c*n*" | wc -l; }
both_live() {
	[ "$(paths)" = 2 ] && ! cat /sys/class/nvme/nvme*/state | grep -qvx live
}
ctrl_of() { basename "$(readlink -f "/sys/bus/pci/devices/$1/nvme/"nvme*)"; }

# polled WHAT: what runs goes on, and is polled.
polled() {
	local was
	was=$(stat_get polled)
	check "$1" poll_until 60 polled_since "$was"
}
polled_since() { (($(stat_get polled) > $1 + 200)); }

requires_forcepoll
dev=$(nvme_head)
check "two paths" [ "$(paths)" = 2 ]
echo round-robin >/sys/block/"$dev"/device/iopolicy
cg_make db
# By name, so that paths are polled only if the loader follows when they come and go.
loader_start --cgroup "$CGROOT/db" --device "$dev"

stat_mark
check "read" cg_run db fio --name=j --filename="/dev/$dev" --direct=1 --rw=randread \
	--bs=4k --ioengine=psync --number_ios=500
check "polled" stat_is '.read > 450'
stat_mark
check "several at a time" cg_run db fio --name=j --filename="/dev/$dev" --direct=1 \
	--rw=randwrite --bs=4k --size=8M --ioengine=libaio --iodepth=16 --verify=crc32c
check "polled" stat_is '.async > 3000 and .write > 1500'

# Writes and verifies by both ways, while paths come and go.
pci=()
for path in /sys/class/nvme/nvme*/nvme*c*n*; do
	pci+=("$(basename "$(readlink -f "$(dirname "$path")/device")")")
done
verify_start "$dev"
aio_verify_start "$dev"
polled "polled by two paths"

for n in 0 1 0 1 0 1; do
	echo 1 >"/sys/class/nvme/$(ctrl_of "${pci[n]}")/reset_controller"
done
check "both are back" poll_until 60 both_live
polled "polled after resets"

# One without poll queues beside one with.
echo 0 >/sys/module/nvme/parameters/poll_queues
echo "${pci[1]}" >/sys/bus/pci/drivers/nvme/unbind
check "one path is lost" [ "$(paths)" = 1 ]
polled "polled by the other"
echo "${pci[1]}" >/sys/bus/pci/drivers/nvme/bind
check "it is back, without poll queues" poll_until 60 both_live
echo 1 >/sys/module/nvme/parameters/poll_queues # read in the background, too
stat_mark
polled "polled where that can be"
check "and not where not" poll_until 60 stat_is '.skip_no_queue > 100'

# No path at all for a moment: what is in flight waits.
echo "${pci[0]}" >/sys/bus/pci/drivers/nvme/unbind
echo "${pci[0]}" >/sys/bus/pci/drivers/nvme/bind
check "back" poll_until 60 both_live
polled "polled again"
for n in 0 1; do
	echo "${pci[n]}" >/sys/bus/pci/drivers/nvme/unbind
	echo "${pci[n]}" >/sys/bus/pci/drivers/nvme/bind
	check "path $n, again" poll_until 60 both_live
done
polled "polled in the end"

verify_stop
loader_stop
