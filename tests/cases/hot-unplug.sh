#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the drive away under polled load: the error is the one without forcepoll.
# TIMEOUT: 240
#
# FORCEPOLL_ROUNDS=N tests/run --slow N ...: N times as often.
set -eu
. "$(dirname "$0")/../lib.sh"

pci=$(nvme_pci)

has_read() { (($(awk '{ print $1 }' "/sys/block/$1/stat") > $2)); }
is_there() { [[ -b /dev/$(nvme_dev) ]]; }

take_unbind() { echo "$pci" >/sys/bus/pci/drivers/nvme/unbind; }
give_unbind() { echo "$pci" >/sys/bus/pci/drivers/nvme/bind; }
take_unplug() { host "unplug 0"; }
give_unplug() { host "plug 0"; }

# lose HOW: prints which error ends a reader whose drive goes.
lose() {
	local dev was
	dev=$(nvme_dev)
	was=$(awk '{ print $1 }' "/sys/block/$dev/stat")
	cg_start db fio --name=j --filename="/dev/$dev" --readonly --direct=1 \
		--ioengine=psync --rw=randread --bs=4k --time_based --runtime=1h \
		--output-format=json --output=fio.json
	poll_until 30 has_read "$dev" $((was + 300))
	"take_$1" >/dev/null
	wait "$CG_PID" && return 1
	"give_$1" >/dev/null
	poll_until 30 is_there
	sed -n '/^{/,$p' fio.json | jq -e '.jobs[0].error'
}

requires_forcepoll
cg_make db
for how in unbind unplug; do
	without=$(lose $how) || fail "$how without forcepoll: $without"
	loader_start --cgroup "$CGROOT/db"
	for ((i = 0; i < 2 * ${FORCEPOLL_ROUNDS:-1}; i++)); do
		was=$(stat_get polled)
		with=$(lose $how) || fail "$how: $with"
		check "polled" [ "$(stat_get polled)" -gt $((was + 100)) ]
		check "$how: error $with, was $without" [ "$with" = "$without" ]
		check "no poller is left" \
			[ "$("$LOADER" status --json | jq .inflight)" = 0 ]
	done
	loader_stop
done

# Without poll queues when it comes back: read as ever.
loader_start --cgroup "$CGROOT/db"
nvme_rebind "$pci" 0
check "read" cg_run db dd if="/dev/$(nvme_dev)" of=/dev/null bs=4k count=100 \
	iflag=direct
check "not polled" [ "$(stat_get polled)" = 0 ]
check "for the reason" [ "$(stat_get skip_no_queue)" -gt 80 ]
nvme_rebind "$pci" 1
check "read" cg_run db dd if="/dev/$(nvme_dev)" of=/dev/null bs=4k count=100 \
	iflag=direct
check "polled again" [ "$(stat_get polled)" -gt 80 ]
loader_stop
