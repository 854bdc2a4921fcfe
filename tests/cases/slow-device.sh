#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls a slow drive: it naps, and does not burn the CPU.
set -eu
. "$(dirname "$0")/../lib.sh"

# slow WHAT: reads 100 blocks at 50 a second; most of that time is not used.
slow() {
	local start=${EPOCHREALTIME/./} cpu
	stat_mark
	cpu=$(awk '/^usage_usec/ { print $2 }' "$CGROOT/db/cpu.stat")
	check "read, $1" cg_run db dd if="/dev/$dev" of=/dev/null bs=4k count=100 \
		iflag=direct
	cpu=$(($(awk '/^usage_usec/ { print $2 }' "$CGROOT/db/cpu.stat") - cpu))
	start=$((${EPOCHREALTIME/./} - start))
	check "$cpu us of CPU in $start us" [ $((cpu * 2)) -lt $start ]
}

requires_forcepoll
dev=$(nvme_dev)
cg_controllers cpu io
cg_make db
loader_start --cgroup "$CGROOT/db"

nvme_throttle 0 50
slow "the drive is slow"
# Or the host kept it from a CPU: then it waits where it sleeps.
check "napped" stat_is '.polled > 80 and
	(.napped > 60 and .naps > .napped or .held > 0 and .napped + .async > 60)'
nvme_throttle 0 0

# Held back before it gets a request at all: nothing to poll for. (A few go
# through at once, and are polled.)
tracing=/sys/kernel/tracing
defer eval "echo 0 >$tracing/events/forcepoll/enable; echo >$tracing/trace"
echo 1 >$tracing/events/forcepoll/enable
echo "$(<"/sys/block/$dev/dev") riops=50" >"$CGROOT/db/io.max"
slow "the cgroup is limited"
check "napped" stat_is '.polled + .unpolled > 80 and (.naps > 100 or .held > 0)'
grep -o 'wait_ns=.* naps=.*' $tracing/trace | tr '=' ' ' |
	awk '$2 > 20e6 { print $6, $8 }' >held
check "some were held back" [ "$(($(wc -l <held) > 5 || $(stat_get held) > 0))" = 1 ]
# But for those that the drive, or its host, was slow with as well.
# shellcheck disable=SC2016 # awk's fields
check "and not polled meanwhile" awk '$1 > 5 || $2 < 5 { n++ }
	END { exit n * 10 > NR }' held
# What is read into the page cache is so under a lock of the file: not for so long.
echo "$(<"/sys/block/$dev/dev") riops=20" >"$CGROOT/db/io.max"
stat_mark
check "read, buffered" cg_run db fio --name=j --filename="/dev/$dev" --readonly \
	--rw=randread --bs=4k --size=64M --number_ios=60 --ioengine=psync --output=/dev/null
check "waited for where the lock is not held" stat_is '.held > 0 and .async > 20'
loader_stop
