#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: gets the machine it asks for.
# MACHINE: smp=1 mem=1G poll_queues=0 drives=2 append="a=1 nvme_core.io_timeout=7"
set -eu
. "$(dirname "$0")/../../lib.sh"

[ "$(nproc)" = 1 ] || fail "processors: $(nproc)"
memory=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
[ "$memory" -lt 1048576 ] || fail "memory: $memory"
for n in 0 1; do
	dev=$(nvme_dev $n)
	check "drive $n has no poll queue" grep -qx 0 "/sys/block/$dev/queue/io_poll"
done
check "the command line" grep -q " a=1 " /proc/cmdline
check "a module's parameter" \
	grep -qx 7 /sys/module/nvme_core/parameters/io_timeout
