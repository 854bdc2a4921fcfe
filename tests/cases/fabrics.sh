#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: leaves NVMe over TCP, and over no network, to interrupts, also while it reconnects.
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../nvmet.sh"

state_is() { grep -qx "$1" "/sys/class/nvme/$ctrl/state"; }

# untouched TYPE WHY: by each way to read and write, and said to be so.
untouched() {
	local engine
	"$LOADER" status --json >status.json
	check "status: $2" holds ".devices[] | select(.name == \"$path\") |
		(.pollable | not) and .type == \"nvme $1\" and (.why | test(\"$2\"))" status.json
	check "and of the one above" holds ".devices[] | select(.name == \"$dev\") |
		(.pollable | not) and .below == [\"$path\"] and (.why | test(\"$2\"))" status.json
	"$LOADER" doctor >doctor.out || :
	check "doctor: $2" grep -qE "^no +$path +not polled: .*$2" doctor.out
	check "and of the controller" grep -qE "^warn +$ctrl +$1, .*($3)" doctor.out
	for engine in psync "libaio --iodepth=16"; do
		stat_mark
		# shellcheck disable=SC2086 # words
		check "$1: $engine" cg_run db fio --name=j --filename="/dev/$dev" \
			--allow_file_create=0 --direct=1 --rw=randwrite --bs=4k \
			--size=1M --verify=crc32c --ioengine=$engine
		check "not polled" stat_is ".polled + .unpolled + .resubmitted == 0 and
			.skip_no_queue == 512"
	done
}

requires_forcepoll
truncate -s 128M backing
nvmet_load tcp
defer served_not tcp
defer disconnect
cg_make db
loader_start --cgroup "$CGROOT/db"

tcp=nr_io_queues=2,traddr=127.0.0.1,nr_poll_queues=1,reconnect_delay=1,ctrl_loss_tmo=100
serve tcp "$CASE_TMP/backing" 1
connect tcp "$tcp,trsvcid=4420"
check "it could be polled" grep -qx 1 "/sys/block/$path/queue/io_poll"
untouched tcp "NVMe over tcp must not be polled" "which is not polled"

# The target goes and comes back: who waits, waits, and there is no error.
# The driver sends in the task that submits, without MSG_NOSIGNAL: a lost connection
# is a SIGPIPE to it, with or without forcepoll.
trap '' PIPE
verify_start "$dev"
aio_verify_start "$dev"
stat_mark
for n in 1 2; do
	progress "$path" "before it is lost"
	unlink tcp 1
	check "lost, $n" poll_until 20 state_is connecting
	link tcp 1
	check "back, $n" poll_until 60 state_is live
done
progress "$path" "after it was lost"
verify_stop
trap - PIPE
left_alone() {
	stat_is '.polled + .unpolled + .resubmitted == 0 and .skip_no_queue > 100'
}
check "nothing of it was polled" left_alone

# A second path, and what the paths say of the namespace (ANA) changes under load. Not
# beside one by PCIe: QEMU's drives know no ANA, and a subsystem's controllers all must.
paths=([1]="$path")
port tcp 2
connect tcp "$tcp,trsvcid=4421"
paths[2]=$path
# ana N STATE: when this returns the initiator has heard of it.
ana() {
	echo "$2" >"$nvmet/ports/$1/ana_groups/1/ana_state"
	check "path $1: $2" poll_until 20 grep -qx "$2" "/sys/block/${paths[$1]}/ana_state"
}
"$LOADER" status --json >status.json
check "two paths, not polled, nor what is above" holds ".devices[] |
	select(.name == \"$dev\") | (.pollable | not) and
	(.below | sort) == ([\"${paths[1]}\", \"${paths[2]}\"] | sort)" status.json
stat_mark
verify_start "$dev"
aio_verify_start "$dev"
for n in 1 2; do
	ana 1 inaccessible
	progress "${paths[2]}" "by the other"
	ana 1 non-optimized
	ana 2 change
	progress "${paths[1]}" "by one that is not optimized"
	ana 1 inaccessible # now none is left: who waits, waits
	ana 2 optimized
	progress "${paths[2]}" "when there is one again"
	ana 1 optimized
done
verify_stop
check "nothing of it was polled" left_alone
disconnect
served_not tcp

if modprobe -q nvme-loop; then # Debian 12 has none
	defer modprobe -r nvme-loop
	defer served_not loop
	defer disconnect
	serve loop "$CASE_TMP/backing" 1
	connect loop nr_io_queues=2
	untouched loop "it has no poll queues" "none of them for polling"
	disconnect
	served_not loop
fi
loader_stop
