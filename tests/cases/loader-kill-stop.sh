#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader after each step of stop: another stop, or a new run, leaves nothing behind.
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"
requires_forcepoll
. "$(dirname "$0")/../steps.sh"

background
FORCEPOLL_STEPS=list "$LOADER" stop 2>loader.stderr
check "nothing is left" poll_until 10 clean
has 16 lock release unpin unload rmdir
turns
for step in $(<steps); do
	background
	dies "$step" stop
	ends_clean "stop, $step"
done
