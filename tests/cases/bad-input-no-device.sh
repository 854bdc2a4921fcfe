#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: starts the loader where no device has a poll queue.
# MACHINE: poll_queues=0
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=$(nvme_dev)
nothing_changed() { [[ ! -d /sys/module/forcepoll && ! -e $PINS ]]; }

cg_make db
for words in "" "--dry-run" "--background"; do
	# shellcheck disable=SC2086 # words
	expect_fail 1 "no block device here can be polled \($dev: .*poll queues" \
		"$LOADER" --module "$KO" --cgroup "$CGROOT/db" $words
	check "nothing has changed" nothing_changed
done
expect_fail 1 "$dev cannot be polled: it has no poll queues" \
	"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --device "$dev"
check "nothing has changed" nothing_changed

# Asking is possible all the same.
"$LOADER" status --json >status.json
check "status says why" [ "$(jq -r ".devices[] | select(.name == \"$dev\") |
	[.pollable, .poll_queues, .why] | @csv" status.json)" = \
	'false,0,"it has no poll queues"' ]
check "nothing to stop" "$LOADER" stop
