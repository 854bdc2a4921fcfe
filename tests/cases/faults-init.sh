#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: has each allocation fail that the module makes when it is loaded: it is there, or nothing of it is.
# SET: debug-only
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"

allocation() {
	bpftool map update name nth key 0 0 0 0 value $(($1 & 255)) $(($1 >> 8)) 0 0 &&
		bpftool map update name nth key 1 0 0 0 value 0 0 0 0
}
allocations() { bpftool map dump name nth -j | holds '.[1].formatted.value'; }

# leaks: but for one of the kernel's own: of a cache that gets no directory in sysfs the
# directory's name is left (sysfs_slab_add(), 6.12).
leaks() { awk 'BEGIN { RS = "unreferenced object" } NR > 1 && !/sysfs_slab_add/' $KMEMLEAK; }
nothing_else_leaked() {
	look_for_leaks || return
	! leaks | grep .
}

requires_forcepoll
expect_splat "kmemleak: [0-9]+ new suspected memory leaks"
program fail_init.bpf.o attach
./attach fail_init.bpf.o >attached 2>&1 &
defer _end $!
check "it can have them fail" poll_until 20 grep -q '^attached' attached

refused=0
for ((n = 1; ; n++)); do
	allocation $n
	if insmod "$KO" 2>said; then
		rmmod forcepoll
	else
		grep -q "Cannot allocate memory" said || fail "insmod: $(<said)"
		((++refused))
	fi
	[[ ! -d /sys/module/forcepoll ]] || fail "$n: half a module is loaded"
	(($(allocations) >= n)) || break
done
check "without one of $((n - 1)): not loaded $refused times" [ $refused -gt 10 ]
allocation 0
check "without none: loaded" insmod "$KO"
check "and unloaded" rmmod forcepoll
check "nothing is leaked" poll_until 10 nothing_else_leaked
echo clear >$KMEMLEAK
