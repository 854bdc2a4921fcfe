#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: cannot unload the module while it is bound, and leaves one alone
# that it did not load.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

# Without -w, rmmod does not wait; the kernel's word for "in use".
in_use() {
	local status=0
	rmmod forcepoll 2>err || status=$?
	((status)) && grep -qi "in use" err
}
exists_already() {
	local status=0
	insmod "$KO" 2>err || status=$?
	((status)) && grep -q "File exists" err
}
loaded() { [[ -d /sys/module/forcepoll ]]; }
unloaded() { ! loaded; }
polled() { (($(stat_get polled) > goal)); }

cg_make db
cg_start db fio --name=case --thread --filename="/dev/$(nvme_dev)" --readonly \
	--direct=1 --rw=randread --bs=4k --ioengine=psync --time_based \
	--runtime=3600 --output=/dev/null

loader_start --cgroup "$CGROOT/db"
goal=0
check "fio is polled" poll_until 60 polled
check "rmmod is refused: in use" in_use
check "so is a second insmod" exists_already
goal=$(stat_get polled)
check "fio is polled on" poll_until 60 polled
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
check "rmmod is refused without a loader too" in_use
goal=$(stat_get polled)
check "fio is polled on" poll_until 60 polled
check "stop" "$LOADER" stop
check "it has unloaded the module" unloaded

# Held by another command meanwhile: it says so.
loader_start --cgroup "$CGROOT/db"
"$LOADER" latency --json >/dev/null 2>err &
latency=$!
defer _end $latency
check "another" poll_until 60 grep -q measuring err
loader_stop
check "it stays: $(tail -n1 loader.stderr)" grep -q "stays loaded" loader.stderr
check "it is loaded" loaded
_end $latency
check "rmmod works" poll_until 10 rmmod forcepoll

# Loaded by hand: whoever loads it unloads it.
insmod "$KO"
loader_start --cgroup "$CGROOT/db"
check "rmmod is refused" in_use
loader_stop
check "it is loaded" loaded
check "status says it is not bound" [ "$("$LOADER" status --json |
	jq -c '[.module_loaded, .bound]')" = "[true,false]" ]
check "rmmod works" poll_until 10 rmmod forcepoll
check "it is gone" unloaded
