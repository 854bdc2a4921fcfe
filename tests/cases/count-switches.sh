#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts mode switches of the targets of a run, and of nobody else,
# in pinned maps and in lines.
# TIMEOUT: 120
set -eu
. "$(dirname "$0")/../lib.sh"

# switches N: what the pinned map has for cause N
switches() {
	bpftool -j map lookup pinned "$PINS/switches" key "$(($1 % 256))" \
		"$(($1 / 256))" 0 0 |
		jq '.formatted.values | map(.value) | add'
}
has_lines() { (($(grep -c '^{"switches"' out) >= 2)); }

requires_forcepoll
program enter
cg_make db
"$LOADER" --module "$KO" -c "$CGROOT/db" --count-switches --interval 1 --json \
	>out 2>err &
pid=$!
defer _end $pid
check "it runs" poll_until 100 grep -q ready: err
check "the maps are there" poll_until 60 test -e "$PINS/switches"

check "a target" cg_run db ./enter syscalls 20001
check "somebody else" ./enter syscalls 30000
check "counted exactly" [ "$(switches 110)" = 20001 ]
check "page faults before" [ "$(switches 1537)" -lt 1000 ]
check "page faults" cg_run db ./enter faults 5000
check "written pages" [ "$(switches 1537)" -ge 5000 ]

check "trace works beside it" [ "$("$LOADER" trace --json -- ./enter syscalls \
	1000 | sed 1d | jq '.causes[] | select(.name == "getppid").count')" = 1000 ]
check "lines" poll_until 60 has_lines
check "of all kinds" jq -es '[.[] | .switches // empty | keys] | all(. ==
	["fault", "ipi", "irq", "nmi", "syscall", "timer"])' out
status=0
kill $pid
wait $pid || status=$?
check "ends with status 0" [ $status = 0 ]
check "nothing stays pinned" [ ! -e "$PINS" ]
status=0
"$LOADER" -c "$CGROOT/db" -b --count-switches 2>err || status=$?
check "a usage error with --background" [ $status = 2 ]
