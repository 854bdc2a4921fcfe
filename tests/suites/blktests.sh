#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: is the part of run-blktests inside the machine: tests without and with.
# TIMEOUT: 3600
set -eu
. "$(dirname "$0")/../lib.sh"

share=/run/forcepoll/share
mapfile -t tests <"$share/tests"

# run HOW: results go to the host as they come.
run() {
	# The drive may have another name than before.
	echo "TEST_DEVS=(/dev/$(nvme_dev))" >config
	./check -o "$share/$1" "${tests[@]}" || echo "check: status $?"
}

udev_stop() { udevadm control --exit --timeout=30; }

requires_forcepoll
modprobe loop
configfs_mount
/lib/systemd/systemd-udevd --daemon
defer udev_stop
cp -r "$(<"$share/dir")" blktests
cd blktests
# Some versions take the 117+deb12 of 6.12.117+deb12-amd64 for a number.
grep -rlZ 'uname -r' common 2>/dev/null |
	xargs -0r sed -i '/uname -r/s:s/-\.\*//:s/[-+].*//:'

run without
loader_start --all
stat_mark
run with
"$LOADER" status --json | jq --slurpfile was mark \
	'.counters.polled - $was[0].polled' >"$share/polled"
loader_stop
