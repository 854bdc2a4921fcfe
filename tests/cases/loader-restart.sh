#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and stops the loader 30 times, and the module, under a load
# that checks what it reads.
# TIMEOUT: 900
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=/dev/$(nvme_dev)
cg_make db

# Short runs of fio, one after the other, so that processes come and go too.
load() {
	local region=$1 rounds=0
	while [[ ! -e enough ]]; do
		cg_run db fio --name="load$region" --filename="$dev" \
			--offset="${region}M" --size=1M --rw=randwrite --bs=4k \
			--direct=1 --ioengine=psync --verify=crc32c \
			--verify_fatal=1 --output="fio$region" || return
		((++rounds))
	done
	echo "$rounds" >"rounds$region"
}
load 64 &
loads=($!)
load 128 &
loads+=($!)
defer touch "$CASE_TMP/enough"

undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
# With two loads on two CPUs not all is polled, see back_off() in kmod/poll.c.
submitted() {
	"$LOADER" status --json >status.json
	jq -e '.counters.submitted > 50' status.json >/dev/null
}
polled=0
for ((i = 1; i <= 30; i++)); do
	loader_start --cgroup "$CGROOT/db"
	check "round $i has targets" poll_until 60 submitted
	((polled += $(jq .counters.polled status.json))) || :
	loader_stop
	check "round $i is undone" undone
done
for ((i = 1; i <= 30; i++)); do
	check "the module is loaded, $i" insmod "$KO"
	check "and unloaded" rmmod forcepoll
done

check "much was polled: $polled" [ "$polled" -gt 100 ]
touch enough
for pid in "${loads[@]}"; do
	wait "$pid" || {
		cat fio*
		fail "fio has found an error"
	}
done
check "both did their part: $(cat rounds*)" [ "$(cat rounds* | wc -l)" = 2 ]
