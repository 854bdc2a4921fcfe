#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills the loader after each step of a run: stop, or a new run, leaves nothing behind.
# SET: slow
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"
requires_forcepoll
. "$(dirname "$0")/../steps.sh"

full=("${run[@]}" --device "$(nvme_dev)")
[[ $(uname -r) == 6.1.* ]] || full+=(--policy "$TOP/build/bpf/policy_example.o")

# From its start to its end by a signal.
FORCEPOLL_STEPS=list loader_start "${full[@]}"
start=$(steps_of loader.stderr | wc -l)
loader_stop
check "nothing is left" poll_until 10 clean
has 41 mkdir lock pin rename state load parameter maps attach entry seed bind \
	release unpin unload rmdir
turns
for step in $(<steps); do
	if ((start-- > 0)); then
		dies "$step" --module "$KO" "${full[@]}"
	else
		die_at "$step" loader_start "${full[@]}"
		status=0
		kill "$LOADER_PID"
		wait "$LOADER_PID" || status=$?
		dead "$step" $status
	fi
	ends_clean "run, $step"
done

# libbpf pins the maps, one after the other, in one step: here it got to some only.
turns
maps=(targets devices cgroups comms exes events)
for n in "${!maps[@]}"; do
	dies maps:1 --module "$KO" "${run[@]}"
	check "maps and the state" [ "$(find "$PINS" -type f | wc -l)" = $((${#maps[@]} + 1)) ]
	(cd "$PINS" && rm "${maps[@]:n}")
	ends_clean "run, $n maps"
done
