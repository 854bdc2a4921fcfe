#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that nothing is lost on six kinds of device at once, by targets and by others.
# MACHINE: drives=2 virtio=1 poll_queues=2
# SET: slow
# TIMEOUT: 500
#
# FORCEPOLL_SECONDS=N tests/run ...: for how long (5).
set -eu
. "$(dirname "$0")/../lib.sh"

MB=2048 # sectors
seconds=${FORCEPOLL_SECONDS:-5}
jobs=()

# load CGROUP DEVICE OFFSET FIO-ARGS...: verifies what it writes until the time is up.
load() {
	verify_in "$1" "$2" --offset="$3" --size=2M --bsrange=4k-16k "${@:4}"
	jobs+=("$CG_PID $1-$2-$3")
}

requires_forcepoll
one=$(nvme_dev 0)
two=$(nvme_dev 1)
modprobe virtio_blk poll_queues=1
modprobe null_blk nr_devices=1 memory_backed=1 gb=1 poll_queues=1 irqmode=2
defer modprobe -r null_blk
modprobe loop
for dev in "$one" "$two"; do
	check "parts of $dev" sfdisk -q "/dev/$dev" <<<$'1MiB,200MiB\n201MiB,200MiB\n401MiB,100MiB'
	defer wipefs -qa "/dev/$dev"
done
loop=$(losetup -f --show "/dev/${two}p3")
defer losetup -d "$loop"
dm_removes fp-stripe fp-crypt
stripe=$(dm_make fp-stripe "0 $((300 * MB)) striped 2 64 /dev/${one}p1 0 /dev/${two}p1 0")
crypt=$(dm_make fp-crypt "0 $((200 * MB)) crypt aes-xts-plain64 $(printf %064d%064d 7 8) \
	0 /dev/${one}p2 0")
cg_make db
cg_make other
loader_start --cgroup "$CGROOT/db"
stat_mark

for dev in "${one}p3" vda nullb0 "$stripe" "$crypt" "${loop#/dev/}"; do
	load db "$dev" 0 --ioengine=psync
	load db "$dev" 8M --ioengine=libaio --iodepth=8
	load other "$dev" 16M --ioengine=psync
done
check "polled" poll_until 120 polled_both 300
after "$seconds"
touch stop
for job in "${jobs[@]}"; do
	wait "${job% *}" || fail "${job#* } failed"
done
echo "ok: ${#jobs[@]} loads have read what they had written"
check "nothing is in flight" poll_until 30 none_in_flight
loader_stop
