#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads and writes what it should while the map of targets is written to at
# random.
# TIMEOUT: 400
#
# FORCEPOLL_SECONDS=N tests/run ...: for how long (10).
# SET: slow
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program fuzz
seconds=${FORCEPOLL_SECONDS:-10}
dev=$(nvme_dev)
jobs=()

# load CGROUP OFFSET FIO-ARGS...: verifies what it writes until the time is up.
load() {
	verify_in "$1" "$dev" --offset="$2" --size=2M --bsrange=4k-16k "${@:3}"
	jobs+=("$CG_PID $1-$2")
}

random() { echo $((SRANDOM % $1)); }
bytes() {
	local i
	for ((i = 0; i < $1; i++)); do
		random 256
	done
}

# By hand: the processes that there are, and everybody.
by_hand() {
	local pid key
	for pid in 0 $(pgrep fio); do
		key="$((pid & 255)) $((pid >> 8 & 255)) $((pid >> 16 & 255)) 0"
		echo "map update pinned $PINS/targets key $key value $(bytes 8 | xargs)"
	done >lines
	bpftool batch file lines >/dev/null
	# shellcheck disable=SC2046 # one word a byte
	bpftool map update pinned "$PINS/targets" key $(bytes 4) value $(bytes 8)
}

cg_make db && cg_make other
# A limit, whose is by the level in the flags.
loader_start --cgroup "$CGROOT/db" --max-poll-cpu 80
offset=0
for cg in db other; do
	for args in "--direct=1 --ioengine=psync" "--direct=0 --ioengine=psync" \
		"--direct=1 --ioengine=libaio --iodepth=8"; do
		# shellcheck disable=SC2086 # words
		load $cg $((offset += 8))M $args
	done
done
stat_mark
check "polled" poll_until 120 polled_both 30
for mode in poll auto; do
	echo $mode >/sys/module/forcepoll/parameters/mode
	seed=$SRANDOM
	: >written
	stat_mark
	./fuzz "$PINS/targets" $((seconds / 2 + 1)) "$seed" >written &
	fuzz=$!
	n=0
	while [[ -d /proc/$fuzz && ! -s written ]]; do
		by_hand
		((++n))
	done
	wait "$fuzz" || fail "fuzz, seed $seed"
	echo "ok: mode $mode, seed $seed: $(<written) changes"
	check "and $n by hand" [ "$n" -gt 0 ]
	check "of those who were targets" poll_until 30 stat_is '.submitted > 20'
done

# Out of all that it was told.
check "empty" ./fuzz -d "$PINS/targets"
touch stop
for job in "${jobs[@]}"; do
	wait "${job% *}" || fail "${job#* } failed"
done
echo "ok: ${#jobs[@]} loads have read what they had written"
check "empty" ./fuzz -d "$PINS/targets"
check "nothing is in flight" poll_until 30 none_in_flight
check "nobody is inside" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]

# It is as it was.
echo poll >/sys/module/forcepoll/parameters/mode
stat_mark
check "read" cg_run db dd if="/dev/$dev" of=/dev/null bs=4k count=200 iflag=direct
check "polled" stat_is '.polled > 20'
check "none is left" targets_are
loader_stop
