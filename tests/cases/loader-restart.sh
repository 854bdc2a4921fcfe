#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and stops the loader eight times, loads and unloads the module five
# times, under a load that checks what it reads.
# SET: slow
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=/dev/$(nvme_dev) ctrl=$(nvme_ctrl)
cg_make db

# Short runs of fio, one after the other, so that processes come and go too.
load() {
	local rounds=0
	while [[ ! -e enough ]]; do
		cg_run db fio --name=load --filename="$dev" --offset=64M \
			--size=1M --rw=randwrite --bs=4k --direct=1 --thinktime=1000 \
			--ioengine=psync --verify=crc32c --verify_fatal=1 \
			--output=fio.out || return
		((++rounds))
	done
	echo "$rounds" >rounds
}
load &
load=$!
defer touch "$CASE_TMP/enough"

undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
# By the drive itself, which is quicker than to ask the loader.
ios() {
	local stat
	read -ra stat <"/sys/block/${dev#/dev/}/stat"
	echo $((stat[0] + stat[4]))
}
irqs() { irq_count "${ctrl}q[1-9]"; }
polled() { (($(ios) > ios + 50 && ($(irqs) - irqs) * 4 < $(ios) - ios)); }
for ((i = 1; i <= 8; i++)); do
	loader_start --cgroup "$CGROOT/db"
	ios=$(ios) irqs=$(irqs)
	check "round $i is polled" poll_until 60 polled
	loader_stop
	check "round $i is undone" undone
done
for ((i = 1; i <= 5; i++)); do
	check "the module is loaded, $i" insmod "$KO"
	check "and unloaded" rmmod forcepoll
done

touch enough
wait "$load" || {
	cat fio.out
	fail "fio has found an error"
}
check "it ran many times: $(<rounds)" [ "$(<rounds)" -gt 5 ]
