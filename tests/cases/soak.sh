#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: has all that can happen to drives, CPUs and loader happen at random, while what is written is verified.
# MACHINE: drives=3 virtio=1 poll_queues=2
# SET: slow
# TIMEOUT: 400
#
# FORCEPOLL_SECONDS=N FORCEPOLL_SEED=S tests/run ...: for how long (20); the seed of
# a run that is to be had again: the same faults in the same order.
set -eu
. "$(dirname "$0")/../lib.sh"

seconds=${FORCEPOLL_SECONDS:-20}
seed=${FORCEPOLL_SEED:-$SRANDOM}
MB=2048 # sectors
param=/sys/module/forcepoll/parameters
lost=/sys/kernel/debug/fail_io_timeout
jobs=()

# -- what happens: each is called with a number at random; all works on afterwards ---

for_a_while() { after "0.$(($1 % 10))"; }

# The first two are never taken away; the third is one to be without.
drive() { nvme_dev $(($1 % 2)); }
third_is_there() { [[ -b /dev/$(nvme_dev 2) ]]; }

reset() { echo 1 >"/sys/class/nvme/$(nvme_ctrl $(($1 % 2)))/reset_controller"; }
scheduler() {
	local file
	file=/sys/block/$(drive "$1")/queue/scheduler
	echo mq-deadline >"$file"
	for_a_while "$1"
	echo none >"$file"
}
requests() { echo $((16 + $1 % 64)) >"/sys/block/$(drive "$1")/queue/nr_requests"; }
slow_drive() {
	host "throttle $(($1 % 2)) $((50 + $1 % 500))" >/dev/null
	for_a_while "$1"
	host "throttle $(($1 % 2)) 0" >/dev/null
}
unplug() {
	host "unplug 2" >/dev/null
	for_a_while "$1"
	host "plug 2" >/dev/null
	poll_until 60 third_is_there
}
queues() {
	_nvme_probe "$(nvme_pci 2)" $(($1 % 3))
	poll_until 60 third_is_there
}
cpu() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
	for_a_while "$1"
	echo 1 >/sys/devices/system/cpu/cpu1/online
}
table() {
	dmsetup --noudevsync suspend fp-soak
	dmsetup --noudevsync reload fp-soak --table "$table"
	dmsetup --noudevsync resume fp-soak
}
caches() { echo $((1 + $1 % 3)) >/proc/sys/vm/drop_caches; }
mode() {
	local modes=(poll hybrid auto)
	echo "${modes[$1 % 3]}" >$param/mode
}
spin() { echo $((1 + $1 % 3000)) >$param/spin_us; }
disabled() {
	echo N >$param/enabled
	for_a_while "$1"
	echo Y >$param/enabled
}
again() {
	count
	loader_stop
	counted=0
	loader_start --cgroup "$CGROOT/db"
}
killed() {
	kill -KILL "$LOADER_PID"
	wait "$LOADER_PID" || :
	for_a_while "$1"
	loader_start --cgroup "$CGROOT/db"
}
# The drive is asked to abort it, or is reset.
completion() {
	echo 1 >$lost/times
	poll_until 60 grep -qx 0 $lost/times
}
faults=(reset scheduler requests slow_drive unplug queues cpu table caches mode spin
	disabled again killed)

# count: adds what was polled to $polled, as often as the counters begin anew.
count() {
	local now
	now=$(stat_get polled)
	polled=$((polled + now - counted))
	counted=$now
}

# -- who reads and writes meanwhile -----------------------------------------------

# load CGROUP DEVICE FIO-ARGS...: verifies what it writes until the time is up.
load() {
	verify_in "$@"
	jobs+=("$CG_PID in $1: ${*:2}")
}

# Whose drive goes away sees errors, but no bytes that it has not written; and none at all
# once, at least. fio removes, to write a new one, a file that it has not found when it
# began: should the drive come back meanwhile, that is a link of ours.
third() {
	local dev
	until [[ -e stop && -e verified.third ]]; do
		dev=$(nvme_dev 2) || { sleep 0.1 && continue; }
		ln -sf "/dev/$dev" third
		if fio --name=j --filename="$PWD/third" --allow_file_create=0 --direct=1 \
			--rw=randrw --bs=4k --size=4M --verify=crc32c "$@" >log.third 2>&1; then
			: >verified.third
		else
			sleep 0.1
		fi
		! wrong_bytes log.third || { cat log.third && exit 1; }
	done
}
export -f third nvme_dev nvme_ctrl wrong_bytes

requires_forcepoll
echo "seed $seed, $seconds s"
one=$(nvme_dev 0)
modprobe virtio_blk poll_queues=1
defer eval "echo $(</sys/module/nvme/parameters/poll_queues) \
	>/sys/module/nvme/parameters/poll_queues"
for n in 0 1; do
	requests=/sys/block/$(nvme_dev $n)/queue/nr_requests
	defer eval "echo $(<"$requests") >$requests"
done
table="0 $((100 * MB)) linear /dev/$one $((512 * MB))"
dm_removes fp-soak
linear=$(dm_make fp-soak "$table")
fs_make "$(nvme_dev 1)" ext4
if [[ -d $lost ]]; then
	faults+=(completion)
	echo 1 >"/sys/block/$one/io-timeout-fail"
	defer eval "echo 0 >/sys/block/$one/io-timeout-fail"
	defer eval "echo 0 >$lost/probability"
	echo 0 >$lost/times && echo 0 >$lost/verbose && echo 100 >$lost/probability
fi
cg_make db && cg_make other
polled=0 counted=0
loader_start --cgroup "$CGROOT/db"

load db "$one"
load db "$one" --offset=16M --ioengine=libaio --iodepth=16
load other "$one" --offset=32M
load db "$linear" --bsrange=4k-64k
load db vda --ioengine=io_uring --iodepth=4
load db "$PWD/mnt/mapped" --allow_file_create=1 --direct=0 --ioengine=mmap
load db "$PWD/mnt/file" --allow_file_create=1 --direct=0 --fsync=8
cg_start db bash -euc third
jobs+=("$CG_PID in db: the third drive")

# -- the time passes ---------------------------------------------------------------

declare -A injected=()
RANDOM=$seed
end=$((SECONDS + seconds))
while ((SECONDS < end)); do
	fault=${faults[RANDOM % ${#faults[@]}]} number=$RANDOM
	echo "$fault $number"
	"$fault" "$number"
	injected[$fault]=$((${injected[$fault]-0} + 1))
	progress "$one" "after $fault"
done
count
touch stop
wrong=0
for job in "${jobs[@]}"; do
	wait "${job%% *}" || {
		echo "FAIL: ${job#* }"
		((++wrong))
	}
done
umount mnt
fs_check "$(nvme_dev 1)" ext4
poll_until 30 none_in_flight || :
flying=$(in_flight)
splat=$(dmesg | case_splat) || :

printf '%-24s %s\n' seed "$seed" "I/Os polled" "$polled"
for fault in "${!injected[@]}"; do
	printf '%-24s %s\n' "  $fault" "${injected[$fault]}"
done | sort
printf '%-24s %s\n' "splats" "$([[ ! $splat ]] && echo 0 || echo "at least 1")" \
	"lost" "$flying" "loads with wrong bytes" $wrong
check "some were polled" [ "$polled" -gt 0 ]
check "none is lost" [ "$flying" = 0 ]
check "no wrong byte" [ "$wrong" = 0 ]
loader_stop
