#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader after each step of taking over a run, which goes on: stop, or a new run, leaves nothing behind.
# SET: slow
# TIMEOUT: 450
set -eu
. "$(dirname "$0")/../lib.sh"
requires_forcepoll
. "$(dirname "$0")/../steps.sh"

# Whoever joins is a target, who exits is none, and it is bound.
goes_on() {
	cg_start db sleep 1000
	check "$1: who joins is a target" poll_until 30 targets_are "$CG_PID:2"
	kill "$CG_PID"
	wait "$CG_PID" || :
	check "$1: who exits is none" targets_are
	check "$1: it is bound" status .bound
}

background
FORCEPOLL_STEPS=list loader_start "${run[@]}"
has 20 lock state parameter maps attach pin rename entry seed bind
loader_stop
turns
for step in $(<steps); do
	background
	dies "$step" --module "$KO" "${run[@]}"
	goes_on "taken over, $step"
	ends_clean "taken over, $step"
done
