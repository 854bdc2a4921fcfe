#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees that all other kinds of devices on top of polled drives work as ever.
# MACHINE: drives=3
# SET: slow
# TIMEOUT: 480
set -eu
. "$(dirname "$0")/../lib.sh"

PART_MB=80 # bcache wants 1024 of its buckets
SECTORS=$((PART_MB * 2048))

# kind NAME MODULE...: from here on NAME is tested, on partitions that nothing knows
# as its own.
kind() {
	local module part
	name=$1
	shift
	for module; do
		modprobe -q "$module" || fail "$name: this kernel has no module $module"
	done
	for part in "$a" "$b" "$c"; do
		dd if=/dev/zero of="$part" bs=1M count=1 oflag=direct status=none
	done
}

# next_counts: what has been counted since the last call is for counts JQ-EXPR. Only
# what runs in the cgroup counts: the end of one run is the begin of the next one.
next_counts() {
	[[ ! -e now ]] || mv now before
	poll_until 30 balanced || fail "$name: unbalanced: $(status .)"
}
balanced() {
	status 'if .targets == [] and .bios_in_flight == 0 and (.counters | .submitted ==
		.polled + .unpolled + ([to_entries[] |
			select(.key | startswith("skip_")).value] | add))
		then .counters + .polled else null end' >now
}
counts() {
	holds "with_entries(.value -= \$was[0][.key]) | $1" now -r --slurpfile was before
}

# QEMU's drives lose a request now and then (tests/vm.py): told, but no failure.
timeouts() { dmesg | grep -cE 'nvme.* timeout' || :; }

# run WHAT CMD...: in the cgroup, without a stall.
run() {
	local what=$1 start=${EPOCHREALTIME/./} ms
	shift
	check "$name: $what" cg_run db "$@"
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	next_counts
	counts '"    \(.submitted) bios, \(.skip_bio_based) of them for stacked devices, " +
		"\(.polled) polled, \(.unpolled) marked in vain; '"$ms ms\""
	((ms < 100000 * FORCEPOLL_SLOW)) ||
		fail "$name: $what: stalled; $(timeouts) timeouts"
}

# works DEV: is written by each way, and the data is right.
works() {
	set -- --stonewall --filename="/dev/$1" --allow_file_create=0 --rw=randwrite \
		--bs=4k --size=1M --verify=crc32c --ioengine=psync
	run "write and verify" fio \
		--name=direct "$@" --direct=1 \
		--name=buffered "$@" --bsrange=4k-64k --offset=2M --fsync=8 \
		--name=aio "$@" --direct=1 --offset=4M --ioengine=libaio --iodepth=16
}

# reads DEV EXPR: 256 blocks, one at a time, that have been written.
reads() {
	run reading dd if="/dev/$1" of=/dev/null bs=4k count=256 iflag=direct status=none
	check "$name: $2" counts "$2"
}
POLLED='.polled > 170'
LEFT='.polled + .unpolled < 50' # but for a few from which it learns

# works_as DEV EXPR
works_as() {
	works "$1"
	reads "$1" "$2"
}

# down NAME...: of device-mapper.
down() {
	local dev
	for dev; do
		dmsetup --noudevsync remove --retry "$dev"
	done
}

# array LEVEL N EXPR ARGS...: of md, of N drives.
array() {
	local level=$1 n=$2 expr=$3 parts=("$a" "$b" "$c")
	shift 3
	check "$name: create" mdadm --create /dev/md0 --run --assume-clean \
		--level="$level" --raid-devices="$n" "$@" "${parts[@]:0:n}"
	works_as md0 "$expr"
	check "$name: stop" mdadm --stop /dev/md0
}

# part N: makes a partition of that drive.
part() {
	local dev
	dev=$(nvme_dev "$1")
	echo "size=${PART_MB}M" | sfdisk -q -X dos "/dev/$dev"
	echo "/dev/${dev}p1"
}

requires_forcepoll
for command in dmsetup mdadm veritysetup make-bcache sfdisk; do
	requires_command "$command"
done
cg_make db
a=$(part 0)
b=$(part 1)
c=$(part 2)
defer wipefs -qaf "${a%p1}" "${b%p1}" "${c%p1}"
dm_removes fp-low fp-top fp-side
defer eval '[ ! -b /dev/md0 ] || mdadm -q --stop /dev/md0'
loader_start --cgroup "$CGROOT/db"
name=start
next_counts
lost=$(timeouts)

kind bcache bcache
bcache_there() { [[ -b /dev/bcache0 && -e /sys/block/bcache0/bcache/cache ]]; }
bcache_gone() { [[ ! -e /sys/block/bcache0 && ! -e /sys/fs/bcache/$set ]]; }
check "$name: make" make-bcache --bucket 64k -C "$a" -B "$b"
echo "$a" >/sys/fs/bcache/register
echo "$b" >/sys/fs/bcache/register
check "$name: there" poll_until 20 bcache_there
echo writeback >/sys/block/bcache0/bcache/cache_mode
works_as bcache0 true
set=$(basename "$(readlink -f /sys/block/bcache0/bcache/cache)")
echo 1 >/sys/block/bcache0/bcache/stop
echo 1 >"/sys/fs/bcache/$set/stop"
check "$name: stop" poll_until 20 bcache_gone

kind loop loop
loop=$(losetup -f --show --direct-io=on "$a")
works_as "${loop#/dev/}" '.polled == 0'
losetup -d "$loop"

kind zram zram
zram=/sys/block/zram0
[[ ! -e $zram/backing_dev ]] || echo "$a" >$zram/backing_dev
echo 32M >$zram/disksize
works zram0
if [[ -e $zram/backing_dev ]]; then
	# What is read comes from the drive then.
	echo all >$zram/idle
	echo idle >$zram/writeback
	name="zram with a drive"
fi
reads zram0 true
echo 1 >$zram/reset
rmmod zram

kind raid0 raid0
array 0 3 "$POLLED"
kind raid1 raid1
array 1 2 "$POLLED" --bitmap=internal
kind raid10 raid10
array 10 3 "$POLLED"
kind raid5 raid456
array 5 3 "$POLLED"

kind thin dm-thin-pool
pool=$(dm_make fp-low "0 $SECTORS thin-pool $a $b 128 0")
dmsetup message fp-low 0 "create_thin 0"
works_as "$(dm_make fp-top "0 $SECTORS thin /dev/$pool 0")" "$POLLED"
down fp-top fp-low

kind cache dm-cache dm-cache-smq
works_as "$(dm_make fp-top "0 $SECTORS cache $a $b $c 64 1 writethrough smq 0")" \
	"$POLLED"
down fp-top

kind snapshot dm-snapshot
low=$(dm_make fp-low "0 $SECTORS linear $a 0")
top=$(dm_make fp-top "0 $SECTORS snapshot /dev/$low $b N 8")
works_as "$top" "$POLLED"
name="snapshot's origin"
works_as "$(dm_make fp-side "0 $SECTORS snapshot-origin /dev/$low")" "$POLLED"
down fp-side fp-top fp-low

kind crypt dm-crypt
table="0 $SECTORS crypt aes-cbc-plain64 $(printf '%064d' 7) 0 $a 0"
works_as "$(dm_make fp-top "$table")" "$LEFT"
down fp-top
name="crypt without queues"
works_as "$(dm_make fp-top "$table 2 no_read_workqueue no_write_workqueue")" "$LEFT"
down fp-top

kind integrity dm-integrity
args="integrity $a 0 - J 1 internal_hash:crc32c"
# It formats itself, and tells its size.
dd if=/dev/zero of="$a" bs=4k count=1 oflag=direct status=none
dm_make fp-top "0 1 $args" >/dev/null
size=$(dmsetup status fp-top | awk '{ print $5 }')
down fp-top
works_as "$(dm_make fp-top "0 $size $args")" "$LEFT"
down fp-top

kind verity dm-verity
blocks=256
dd if=/dev/urandom of="$a" bs=4k count=$blocks status=none
check "format" veritysetup format --no-superblock --data-blocks=$blocks --salt=00 \
	--root-hash-file=root "$a" "$b"
top=$(dm_make fp-top "0 $((blocks * 8)) verity 1 $a $b 4096 4096 $blocks 0 sha256 \
	$(<root) 00" --readonly)
reads "$top" "$LEFT"
check "$name: the data" cmp -n $((blocks * 4096)) "/dev/$top" "$a"
down fp-top

echo "$(($(timeouts) - lost)) timeouts"
loader_stop
