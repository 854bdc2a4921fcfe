#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: holds the ledger of polling against the counters that it is made
# of, /proc/interrupts, and loads that do exactly so much.
# shellcheck disable=SC2016 # jq's variables, not the shell's
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
dev=$(nvme_dev) ctrl=$(nvme_ctrl)

mark() { "$LOADER" status --json >mark; }
# since EXPR: of the ledger as $l and the counters as $c, grown since the mark
since() {
	status '(.ledger | with_entries(.value -= $was[0].ledger[.key])) as $l |
		(.counters | with_entries(.value -= $was[0].counters[.key])) as $c |
		(if '"$1"' then true else [$l, $c | tostring] | join(" ") | error end)' \
		--slurpfile was mark
}
reads() { cg_run "$1" dd if="/dev/$dev" of=/dev/null bs=4k count="$2" iflag=direct status=none; }
irqs() { irq_count "${ctrl}q"; }
set_irq_ns() { echo "$1" >/sys/module/forcepoll/parameters/irq_ns; }
lines_say() { [ "$(jq -s 'map(.polled) | add' lines)" = "$1" ]; }

cg_make db
cg_make other
loader_start --cgroup "$CGROOT/db" --interval 0.3 --json --per-target >lines
poll_until 60 test -s lines || fail "no lines"
irq_ns=$(</sys/module/forcepoll/parameters/irq_ns)
check "the cost of an interrupt was measured: $irq_ns ns" \
	[ "$irq_ns" -gt 100 -a "$irq_ns" -lt 10000000 ]

# What polling avoided is no more than what did not happen.
before=$(irqs)
reads other 500
unpolled=$(($(irqs) - before))
check "unpolled reads interrupt: $unpolled" [ "$unpolled" -ge 450 ]
mark
before=$(irqs)
reads db 500
polled=$(($(irqs) - before))
check "polled reads: $polled interrupts" since '$c.polled == 500 and
	$l.interrupts_avoided_estimate == ([500 - $c.naps, 0] | max) and
	$l.interrupts_avoided_estimate + '"$polled <= $unpolled"' + $c.naps'
check "spin is useful or wasted" since '
	$l.spin_ns == $l.useful_ns_estimate + $l.wasted_ns_estimate and
	($c.held > 0 or $l.useful_ns_estimate <= 500 * '"$irq_ns"') and $l.useful_ns_estimate > 0 and
	$l.spin_ns > 0 and $l.spin_ns < $l.time_ns'

# The cost is the bound: none, and all.
set_irq_ns 0
mark
reads db 100
check "free interrupts: all is wasted" since '$l.spin_ns > 0 and
	$l.useful_ns_estimate == 0 and $l.wasted_ns_estimate == $l.spin_ns'
set_irq_ns 4000000000
mark
reads db 100
check "dear ones: nothing is" since '$l.spin_ns > 0 and
	$l.useful_ns_estimate == $l.spin_ns and $l.wasted_ns_estimate == 0'
set_irq_ns "$irq_ns"

check "the lines have it all" poll_until 60 lines_say 700
loader_stop
check "by process, each its own, together all" jq -es '
	([.[].targets[]] | group_by(.tgid) | map(map(.polled) | add)) as $by |
	($by | sort) == [100, 100, 500] and
	([.[].targets[].spin_ns] | add) == (map(.spin_ns) | add) and
	(map(.useful_ns_estimate + .wasted_ns_estimate) | add) ==
		(map(.spin_ns) | add)' lines

# In flight together: a process that submits, and waits, has them all.
loader_start --cgroup "$CGROOT/db" --interval 0.3 --json --per-target >lines
poll_until 60 test -s lines || fail "no lines"
mark
cg_run db fio --name=j --filename="/dev/$dev" --readonly --rw=randread --bs=4k \
	--io_size=4M --direct=1 --ioengine=libaio --iodepth=4 --thread --output=/dev/null
check "some were found in flight" since '$c.async > 100 and $l.spin_ns > 0'
polled=$("$LOADER" status --json | jq --slurpfile was mark \
	'.counters.polled - $was[0].counters.polled')
check "the lines have them" poll_until 60 lines_say "$polled"
loader_stop
check "by process, in flight: $polled" jq -es --argjson polled "$polled" '
	[.[].targets[]] as $t | ($t | map(.tgid) | unique | length) <= 2 and
	($t | map(.polled) | add) == $polled and
	($t | map(.spin_ns) | add) == (map(.spin_ns) | add) and
	($t | map(.useful_ns_estimate) | add) == (map(.useful_ns_estimate) | add)' lines

loader_start --cgroup "$CGROOT/db" --interval 0.3 --per-target >lines
poll_until 60 test -s lines || fail "no lines"
reads db 200
check "for people" poll_until 60 grep -qE \
	'^  [^ ]+ +[0-9]+ +[0-9]+ polled/s +[0-9.]+ cpu% +[0-9.]+ useful%$' lines
"$LOADER" status >out
check "in status" grep -qE "^ +[0-9]+  irqs avoided +estimate" out
check "80 columns" [ "$(awk '{ print length }' lines out | sort -n | tail -n1)" -le 80 ]
loader_stop
status=0
"$LOADER" --all --per-target >out 2>err || status=$?
check "not without lines: $(head -n1 err)" [ "$status" = 2 ]
