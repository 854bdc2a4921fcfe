#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: follows what the devices of --device are made of: tables, legs, and disks that go and come back.
# MACHINE: drives=3
# TIMEOUT: 180
set -eu
. "$(dirname "$0")/../lib.sh"

SIZE=$((200 * 2048)) # sectors

# numbers NAME...: of these disks, as the map has them.
numbers() {
	local name
	for name; do
		awk -v name="$name" '$3 == name { print $1 * 2 ^ 20 + $2 }' /proc/diskstats
	done | sort
}
# chosen NAME...: the map has these, and no others.
chosen() {
	[ "$(bpftool map dump -j pinned "$PINS/devices" |
		jq -r '.[].formatted.key' | sort)" = "$(numbers "$@")" ]
}
# reads DEV EXPR: 100 blocks one after the other; EXPR says what was counted.
reads() {
	stat_mark
	check "read $1" cg_run db dd if="/dev/$1" of=/dev/null bs=4k count=100 \
		iflag=direct status=none
	check "$2" stat_is "$2"
}
POLLED='.polled > 50 and .skip_device == 0'
LEFT='.polled == 0 and .skip_device == 100'

requires_forcepoll
one=$(nvme_dev 0) two=$(nvme_dev 1) three=$(nvme_dev 2)
for dev in "$one" "$two" "$three"; do
	partition "$dev" >/dev/null
	defer wipefs -qaf "/dev/$dev"
done
modprobe -a raid1 dm-crypt
cg_make db
dm_removes fp-low fp-top
low=$(dm_make fp-low "0 $SIZE linear /dev/${one}p1 0")
top=$(dm_make fp-top "0 $SIZE linear /dev/$low 0")
check "an array of one leg" mdadm --create /dev/md0 --run --force --level=1 \
	--size=64M --raid-devices=2 "/dev/${three}p1" missing
defer eval '[ ! -b /dev/md0 ] || mdadm -q --stop /dev/md0'
loader_start --cgroup "$CGROOT/db" --device "/dev/$top" --device md0

check "the disks below" chosen "$top" "$low" "$one" md0 "$three"
reads "$top" "$POLLED"
reads "$one" "$POLLED"
reads "$two" "$LEFT"

# The table of the one in the middle.
dmsetup suspend fp-low
dmsetup reload fp-low --table "0 $SIZE linear /dev/${two}p1 0"
dmsetup --noudevsync resume fp-low
check "the other drive" poll_until 20 chosen "$top" "$low" "$two" md0 "$three"
reads "$top" "$POLLED"
reads "$two" "$POLLED"
reads "$one" "$LEFT"

# The same drive by a target that does not pass on what it is given.
crypt="0 $SIZE crypt aes-cbc-plain64 $(printf '%064d' 7) 0 /dev/${two}p1 0"
dmsetup suspend fp-low
dmsetup reload fp-low --table "$crypt"
dmsetup --noudevsync resume fp-low
check "not below dm-crypt" poll_until 20 chosen "$top" "$low" md0 "$three"
dmsetup suspend fp-low
dmsetup reload fp-low --table "0 $SIZE linear /dev/${two}p1 0"
dmsetup --noudevsync resume fp-low
check "and again" poll_until 20 chosen "$top" "$low" "$two" md0 "$three"

# A leg comes, and goes.
check "add a leg" mdadm -q /dev/md0 --add "/dev/${one}p1"
check "it is followed" poll_until 20 chosen "$top" "$low" "$two" md0 "$three" "$one"
reads md0 "$POLLED"
check "fail it" mdadm -q /dev/md0 --fail "/dev/${one}p1"
check "remove it" poll_until 20 mdadm -q /dev/md0 --remove "/dev/${one}p1"
check "it is followed" poll_until 20 chosen "$top" "$low" "$two" md0 "$three"

# A chosen one goes, and comes back by its name. What was made by hand stays.
hand=(0xff 0xff 0xff 0)
bpftool map update pinned "$PINS/devices" key "${hand[@]}" value 1 0 0 0
dmsetup --noudevsync remove fp-top
only_md() { [ "$(bpftool map dump -j pinned "$PINS/devices" | jq length)" = 3 ]; }
check "one less" poll_until 20 only_md
bpftool map delete pinned "$PINS/devices" key "${hand[@]}"
check "the array, and its leg" chosen md0 "$three"
check "the same name" [ "$(dm_make fp-top "0 $SIZE linear /dev/$low 0")" = "$top" ]
check "it is back" poll_until 20 chosen "$top" "$low" "$two" md0 "$three"
reads "$top" "$POLLED"
check "it says no more than ready" [ "$(cat loader.stderr)" = "forcepoll-loader: ready: polling" ]
loader_stop

# What a run before has chosen stays.
cg_make log
"$LOADER" --module "$KO" -q --background --cgroup "$CGROOT/log" --device "$two"
defer "$LOADER" -q stop
loader_start --cgroup "$CGROOT/db" --device "/dev/$low"
check "both" chosen "$low" "$two"
dmsetup suspend fp-low
dmsetup reload fp-low --table "0 $SIZE linear /dev/${one}p1 0"
dmsetup --noudevsync resume fp-low
check "it is followed, and the other stays" poll_until 20 chosen "$low" "$two" "$one"
loader_stop
