#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the drive away, and its driver, under polled load: all that is told of it is as without forcepoll.
# TIMEOUT: 240
#
# FORCEPOLL_ROUNDS=N tests/run --slow S ...: how often each (3).
set -eu
. "$(dirname "$0")/../lib.sh"

pci=$(nvme_pci)

# has_io DEV READS WRITES: since it has its name it has done more than so many.
has_io() {
	local reads writes
	read -r reads _ _ _ writes _ <"/sys/block/$1/stat"
	((reads > $2 && writes > $3))
}
is_there() { [[ -b /dev/$(nvme_dev) ]]; }
# has_open DEV PID: it has come that far.
has_open() {
	local fd
	for fd in "/proc/$2/fd/"*; do
		[[ ! $fd -ef /dev/$1 ]] || return 0
	done
	return 1
}

take_unbind() { echo "$pci" >/sys/bus/pci/drivers/nvme/unbind; }
give_unbind() { echo "$pci" >/sys/bus/pci/drivers/nvme/bind; }
take_unplug() { host "unplug 0" >said; }
give_unplug() { host "plug 0" >said; }

# lose HOW: who reads and writes when the drive goes, and what each is told from then on.
# Nothing here ends it but return: errexit is off where its status is looked at.
lose() {
	local dev reads writes way pids=()
	dev=$(nvme_dev) || return
	for way in direct aio buffered ahead mmap around write awrite; do
		cg_start db ./blocks $way 4096 "/dev/$dev" 0 2000 again >told.$way
		pids+=("$CG_PID")
	done
	for way in "${pids[@]}"; do
		poll_until 30 has_open "$dev" "$way" || return
	done
	read -r reads _ _ _ writes _ <"/sys/block/$dev/stat"
	poll_until 30 has_io "$dev" $((reads + 300)) $((writes + 100)) || return
	"take_$1" || return
	for way in "${pids[@]}"; do
		wait "$way" && return 1
		[[ $? == 3 ]] || return 1
	done
	"give_$1" && poll_until 30 is_there || return
	# Some were in flight just then, or none, and get EIO, of which a fault makes SIGBUS.
	for way in told.*; do
		sed '$d; / ok$/d; /Input\/output error$/d; /SIGBUS$/d' "$way"
		tail -n1 "$way" | sed 's/:.*[0-9]-[0-9]*//'
	done
}

requires_forcepoll
program blocks
cg_make db
check "what is to be read" ./blocks write 4096 "/dev/$(nvme_dev)" 0 2000
for how in unbind unplug; do
	lose $how >without || fail "$how without forcepoll: $(<without)"
	check "each was told, without" [ "$(grep -vc ' ok$' without)" = 8 ]
	loader_start --cgroup "$CGROOT/db"
	for ((i = 1; i <= ${FORCEPOLL_ROUNDS:-3}; i++)); do
		stat_mark
		lose $how >with || fail "$how: $(<with)"
		check "$how $i: the same as without" diff without with
		check "polled" stat_is '.read > 50 and .write > 50 and .async > 10'
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
