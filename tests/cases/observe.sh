#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts with --observe what would be polled, and changes nothing.
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
requires_command dmsetup
dev=$(nvme_dev) ctrl=$(nvme_ctrl)
is() { [ "$("$LOADER" status --json | jq -c "$1")" = "$2" ]; }

# observed WHAT EXPR CMD...: in the cgroup; an interrupt for each I/O that would be
# polled, and not one is.
observed() {
	local before irqs n
	stat_mark
	before=$(irq_count "${ctrl}q")
	check "$1" cg_run db "${@:3}"
	irqs=$(($(irq_count "${ctrl}q") - before))
	check "nothing was polled" stat_is ".polled + .unpolled + .polls + .looks +
		.backstop + .resubmitted == 0"
	check "it was counted: $2" stat_is "$2"
	n=$(($(stat_get observed) - $(jq .observed mark)))
	check "interrupts as ever: $irqs for $n" [ $((irqs >= n && irqs <= n + 20)) = 1 ]
}
# reads ARGS...: 500 random ones, one by one
reads() {
	echo fio --name=j --readonly --rw=randread --bs=4k --number_ios=500 \
		--output=/dev/null "$@"
}

cg_make db
check "it says what it would do" grep -q "^would observe for cgroup" \
	<("$LOADER" --module "$KO" -c "$CGROOT/db" --observe --dry-run)
loader_start --cgroup "$CGROOT/db" --observe
check "and what it does" grep -q "ready: observing" loader.stderr

# shellcheck disable=SC2046 # words
{
	observed "psync" ".observed == 500 and .submitted == 500" \
		$(reads --filename="/dev/$dev" --direct=1 --ioengine=psync)
	observed "libaio" ".observed == 500 and .submitted == 500" \
		$(reads --filename="/dev/$dev" --direct=1 --ioengine=libaio)
	observed "buffered" ".observed == .submitted and .observed > 400" \
		$(reads --filename="/dev/$dev" --size=64M --ioengine=psync)
	observed "write" ".observed == 100 and .submitted == 100" \
		dd if=/dev/zero of="/dev/$dev" bs=16k count=100 oflag=direct

	dm_removes fp-observe
	dm=$(dm_make fp-observe "0 204800 linear /dev/$dev 0")
	observed "dm-linear" ".observed == 500 and .skip_bio_based == 500 and
		.submitted == 1000" \
		$(reads --filename="/dev/$dm" --direct=1 --ioengine=psync)
}
check "by origin too" is '[.observed.write, .observed_bytes.write,
	([.observed[]] | add) == .counters.observed]' '[100,1638400,true]'
check "for people" grep -qE "^ +write +100 +1638400$" <("$LOADER" status)

# Whoever comes later, too.
cg_start db sleep 1000
check "it runs" poll_until 30 grep -qx sleep "/proc/$CG_PID/comm"
check "the entry says so" is ".targets | map([.tgid, .flags, .observed])" \
	"[[$CG_PID,34,true]]"
check "for people" grep -qE "^ +$CG_PID +sleep +cgroup +- +no +observed$" \
	<("$LOADER" status)
kill "$CG_PID"
wait "$CG_PID" || :
loader_stop

# Lines say what would be polled.
cg_start db fio --name=case --thread --filename="/dev/$dev" --readonly --direct=1 \
	--rw=randread --bs=4k --ioengine=psync --time_based --runtime=3600 \
	--output=/dev/null
has_lines() { (($(wc -l <out) >= 4)); }
"$LOADER" --module "$KO" -c "$CGROOT/db" --observe -i 0.2 >out 2>err &
pid=$!
defer _end "$pid"
check "lines" poll_until 60 has_lines
check "of what would be" grep -qE "^ *SUBMITTED/s +WOULD/s +WOULD%" out
check "it would" poll_until 60 grep -qE "^ *[1-9][0-9]* +[1-9]" out
kill "$pid"
wait "$pid" || fail "status $?: $(<err)"

# One who is observed beside one who is polled.
loader_start --cgroup "$CGROOT/db"
polled() { (($(stat_get polled) > 0)); }
check "fio is polled" poll_until 60 polled
bpftool map update pinned "$PINS/targets" \
	key $((CG_PID & 255)) $((CG_PID >> 8 & 255)) $((CG_PID >> 16 & 255)) 0 \
	value 0x20 0 0 0 0 0 0 0
seen() { (($(stat_get observed) > 100)); }
check "from one moment to the next it is observed" poll_until 60 seen
stat_mark
was=$(stat_get observed)
more() { (($(stat_get observed) > was + 100)); }
check "and goes on" poll_until 60 more
check "nothing is polled any more" stat_is ".polled == 0 and .observed > 100"
loader_stop
