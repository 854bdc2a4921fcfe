#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: grows and shrinks drives under polled load: what ends beyond them does so as without forcepoll.
# MACHINE: virtio=1
# SET: slow
# TIMEOUT: 240
#
# QEMU's NVMe drives cannot: they read their size when they are made, and block_resize is
# refused. Those of virtio_blk tell the guest, and so does a table of device-mapper.
set -eu
. "$(dirname "$0")/../lib.sh"

MB=2048 # sectors
export WAYS="write awrite fsync direct aio buffered ahead mmap around"

# block_resize N MB: the Nth drive.
block_resize() {
	host "qmp $(jq -nc '{execute: "block_resize", arguments: $ARGS.named}' \
		--arg node-name "disk$1" --argjson size $(($2 << 20)))"
}

# size_vda, size_dm MB: from now on.
size_vda() { block_resize 1 "$1" >/dev/null; }
size_dm() {
	dmsetup suspend fp-size
	dmsetup reload fp-size --table "0 $(($1 * MB)) linear /dev/$one 0"
	dmsetup --noudevsync resume fp-size
}
size_is() { [[ $(<"/sys/block/$1/size") == $(($2 * MB)) ]]; }

# edge DEV MB: what comes of the blocks at its end, and of those beyond.
edge() {
	local way
	for way in $WAYS; do
		echo "-- $way"
		./blocks "$way" 4096 "/dev/$1" $(($2 * 256 - 8)) 16 || [[ $? == 3 ]]
	done
}

# edges HOW DEV MB...: at each of these sizes.
edges() {
	local how=$1 dev=$2 mb
	for mb in "${@:3}"; do
		"size_$how" "$mb"
		poll_until 20 size_is "$dev" "$mb" || fail "$dev is not of $mb MiB"
		cg_run db bash -euc "edge $dev $mb"
	done
}

# resized HOW DEV MB...: the same under load, and at the last of these sizes as large.
resized() {
	local how=$1 dev=$2 last=${!#}
	edges "$@" >without
	check "$dev: there is an end, without" \
		[ "$(grep -c ' ok$' without)" = "$(grep -c ^-- without)" ]
	check "$dev: all of it has one" \
		[ "$(grep -vc ' ok$' without)" = $((2 * $(grep -c ^-- without))) ]
	loader_start --cgroup "$CGROOT/db"
	each_verify_start "$dev"
	stat_mark
	check "$dev: the load is polled" poll_until 60 stat_is '.polled > 100'
	edges "$@" >with
	check "$dev: the same as without" diff without with
	progress "$dev" "afterwards"
	verify_stop
	stat_mark
	for how in write direct aio mmap; do
		check "$dev: $how what is new" cg_run db ./blocks $how 4096 "/dev/$dev" \
			$((last * 256 - 128)) 128
	done
	check "polled" stat_is '.write > 100 and .read > 200 and .fault > 100'
	check "no poller is left" [ "$("$LOADER" status --json | jq .inflight)" = 0 ]
	loader_stop
}

requires_forcepoll
program blocks
one=$(nvme_dev)
export -f edge
cg_make db
defer block_resize 1 1024
defer modprobe -r virtio_blk
modprobe virtio_blk poll_queues=1
poll_until 20 test -b /dev/vda
dm_removes fp-size
dm=$(dm_make fp-size "0 $((128 * MB)) linear /dev/$one 0")
resized vda vda 1536 512 2048
resized dm "$dm" 256 96 512
