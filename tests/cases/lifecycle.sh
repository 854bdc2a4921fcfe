#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: under a verifying load that is polled, binds and releases 200 times, loads
# and unloads the module 20 times with a binding in between, and twice with the whole
# loader.
# MACHINE: append="preempt=full"
# SET: slow
# TIMEOUT: 600
#
# FORCEPOLL_ROUNDS=N tests/run --slow S ...: N bindings, and N loads.
set -eu
. "$(dirname "$0")/../lib.sh"

load() { insmod "$KO" mode=poll skip_busy=N; }
# A program that called into the module holds it until grace periods have passed.
unload() { poll_until 20 rmmod forcepoll; }
# What there is of BPF, by name, and what names the module.
bpf() {
	bpftool link list -j
	bpftool map list -j | jq -c 'map([.name, .type])'
}
traces() { cat /proc/modules /proc/slabinfo /proc/vmallocinfo | grep forcepoll; }
as_before() { diff before <(bpf) && ! traces; }
# What the kernel holds for itself, in KiB.
memory() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu|VmallocUsed):/ { n += $2 } END { print n }' /proc/meminfo
}
within() { (($(memory) <= $1)); }

# round BINDINGS LOADS LOADERS: all of it so often, under load.
round() {
	local n
	verify_start "$dev"
	load
	check "$1 times bound, polled and released" ./bindings "$1"
	check "and unloaded" unload
	for ((n = 0; n < $2; n++)); do
		load
		./bindings 1
		unload
	done
	echo "ok: $n times loaded, bound, polled, released and unloaded"
	for ((n = 0; n < $3; n++)); do
		loader_start --cgroup "$CGROOT/db"
		progress "$dev" "with loader $n"
		loader_stop
	done
	verify_stop
}

requires_forcepoll
program bindings
bindings=${FORCEPOLL_ROUNDS:-200} loads=${FORCEPOLL_ROUNDS:-20}
dev=$(nvme_dev)
cg_make db
bpf >before

round 5 2 1 # what is made once only
check "nothing is left" poll_until 10 as_before
was=$(memory)
round "$bindings" "$loads" 2
check "nothing is left" poll_until 10 as_before
# Less than a KiB for each time, and what slabs come to hold under such a load: 212 KiB
# from the first hundred times to the next, up to 152 after that. (KASAN keeps for a while
# what was freed: kmemleak knows.)
if [[ -e /sys/kernel/debug/kmemleak ]]; then
	check "nothing is leaked" poll_until 10 nothing_leaked
else
	check "no memory: $was KiB, now $(memory)" poll_until 10 within \
		$((was + 300 + bindings + loads))
fi
