#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: polls while others trace the functions that forcepoll replaces.
set -eu
. "$(dirname "$0")/../lib.sh"

tracing=/sys/kernel/tracing

reads() {
	stat_mark
	check "read, $1" cg_run db dd if="/dev/$dev" of=/dev/null bs=4k count=200 \
		iflag=direct
	check "polled" stat_is '.submitted == 200 and .polled > 150 and
		.read == .polled'
}

tracers_on() {
	printf '%s\n' 'p:fp/entry submit_bio_noacct' 'r:fp/return submit_bio_noacct' \
		'r:fp/poll bio_poll' >$tracing/kprobe_events
	echo 1 >$tracing/events/fp/enable
	# Without a filter every function there is would be slow.
	echo 'submit_bio* blk_mq_* bio_poll' >$tracing/set_ftrace_filter
	echo submit_bio_noacct >$tracing/set_graph_function
	echo function_graph >$tracing/current_tracer
}
tracers_off() {
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/set_graph_function
	[[ ! -e $tracing/events/fp ]] || echo 0 >$tracing/events/fp/enable
	echo >$tracing/kprobe_events
}
# hits PROBE: how often it fired.
hits() { awk -v name="$1" '$1 == name { print $2 }' $tracing/kprobe_profile; }

requires_forcepoll
dev=$(nvme_dev)
tracefs_mount $tracing
defer tracers_off
cg_make db

tracers_on
loader_start --cgroup "$CGROOT/db"
reads "traced before it was bound"
check "the graph shows it" grep -q 'submit_bio' $tracing/trace
check "the probes saw it" [ "$(hits return)" -ge 200 ]
tracers_off
reads "tracers gone"
tracers_on
reads "traced after it was bound"
check "the probes saw it" [ "$(hits return)" -ge 200 ]
echo function >$tracing/current_tracer
reads "the function tracer on it"
check "it saw it" grep -q 'bio_poll' $tracing/trace

check "not turned off by accident" expect_fail 1 'busy' \
	sysctl -qw kernel.ftrace_enabled=0
loader_stop
reads_after=$(cg_run db dd if="/dev/$dev" of=/dev/null bs=4k count=200 \
	iflag=direct 2>&1) || fail "read, tracers on, forcepoll gone: $reads_after"

# One that replaces what is polled where tasks wait: forcepoll does without, for so long.
check "the module is there" insmod "$KO"
defer rmmod forcepoll
check "and somebody else's" insmod "$TOP/build/$(uname -r)/tests/fp_replace.ko"
waits() { status ".waits | .io_schedule == $1 and .aio == $1"; }
for there in false true; do
	loader_start --cgroup "$CGROOT/db"
	check "replaced, polled where they wait: $there" waits $there
	reads "replaced, polled where they wait: $there"
	loader_stop
	[ $there = true ] || rmmod fp_replace
done
check "it is not in use" poll_until 30 module_unused
