#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts and ends polling for a process with bpftool alone.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=$(nvme_dev)
map=$PINS/targets
reads() { awk '{ print $1 }' "/sys/block/$dev/stat"; }
read_more() { (($(reads) >= goal)); }
# does_read N: waits for N more reads of the drive.
does_read() {
	goal=$(($(reads) + $1))
	poll_until 60 read_more
}
polled_more() { (($(stat_get polled) >= goal)); }

cg_make unrelated && cg_make case
loader_start --cgroup "$CGROOT/unrelated"
cg_start case fio --name=case --thread --numjobs=2 --filename="/dev/$dev" \
	--readonly --direct=1 --rw=randread --bs=4k --ioengine=psync \
	--time_based --runtime=3600 --output=/dev/null
check "fio reads" does_read 100
check "nothing is submitted by a target" [ "$(stat_get submitted)" = 0 ]

# As in bpf/forcepoll.h, for process 12345: key 0x39 0x30 0 0.
pid=$CG_PID
key=("$((pid & 255))" "$((pid >> 8 & 255))" "$((pid >> 16 & 255))" 0)
bpftool map update pinned "$map" key "${key[@]}" value 0 0 0 0 0 0 0 0
goal=100
check "it is polled from now on" poll_until 60 polled_more
check "the entry has names" [ "$(bpftool map dump pinned "$map" | tr -d ' \t\n')" = \
	"[{\"key\":$pid,\"value\":{\"flags\":0,\"max_bytes\":0}}]" ]
check "status says by whom" [ "$("$LOADER" status --json |
	jq -c '.targets[] | [.tgid, .comm, .by, .max_bytes]')" = \
	"[$pid,\"fio\",\"hand\",0]" ]

# A smaller limit: 2048 bytes, read as a whole with the next request.
large=$(stat_get skip_large)
bpftool map update pinned "$map" key "${key[@]}" value 0 0 0 0 0 8 0 0
too_large() { (($(stat_get skip_large) >= large + 100)); }
check "a limit holds" poll_until 60 too_large
bpftool map update pinned "$map" key "${key[@]}" value 0 0 0 0 0 0x10 0 0
goal=$(($(stat_get polled) + 100))
check "4096 bytes are within 4096" poll_until 60 polled_more

# The reads that were under way when it was deleted are polled to their end.
bpftool map delete pinned "$map" key "${key[@]}"
check "fio reads on" does_read 50
check "they have ended" poll_until 20 status '.inflight == 0'
polled=$(stat_get polled)
check "fio reads on" does_read 500
check "it is not polled any more" [ "$(stat_get polled)" = "$polled" ]

bpftool map update pinned "$map" key "${key[@]}" value 0 0 0 0 0 0 0 0
goal=$((polled + 100))
check "it can begin again" poll_until 60 polled_more
kill -KILL "$pid"
wait "$pid" || :
check "its end ends the entry" [ "$(bpftool map dump -j pinned "$map")" = "[]" ]
loader_stop
