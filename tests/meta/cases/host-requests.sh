#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: unplugs, plugs and throttles a drive through the host.
set -eu
. "$(dirname "$0")/../../lib.sh"

dev=$(nvme_dev)
check "any command of QEMU" host 'qmp {"execute": "query-status"}'
host "hmp info status" | grep -qx "VM status: running" || fail "hmp"
out=$(host "qmp {}") && fail "an error is not told: $out"
out=$(host "hmp nonsense") && fail "an error is not told: $out"

# 20 reads at 20 a second; 1 s but for the bucket that starts full.
nvme_throttle 0 20
begin=$EPOCHREALTIME
check "reads" dd if="/dev/$dev" of=/dev/null bs=4k count=20 iflag=direct
took=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
[ "$took" -gt 500 ] || fail "20 reads took $took ms"
host "throttle 0 0" >/dev/null

host "unplug 0" >/dev/null
check "it has gone" [ ! -e "/dev/$dev" ]
host "plug 0" >/dev/null
check "it is back" poll_until 20 nvme_dev
check "it reads" \
	dd if="/dev/$(nvme_dev)" of=/dev/null bs=4k count=1 iflag=direct
