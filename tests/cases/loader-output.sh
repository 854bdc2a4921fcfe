#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads what the loader prints: data on stdout, talk on stderr; and
# ends it by each of the signals of an end, and by not reading on.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
has_lines() { (($(wc -l <out) >= $1)); }
bound() { [ "$("$LOADER" status --json | jq .bound)" = true ]; }
# run ARGS...: in the background, stdout in file out, stderr in file err
run() {
	"$LOADER" --module "$KO" --cgroup "$CGROOT/db" "$@" >out 2>err &
	pid=$!
	defer _end "$pid"
	check "it is bound" poll_until 60 bound
	skip_busy N
}
# ends SIGNAL: it exits with status 0, all undone.
ends() {
	local status=0
	kill -"$1" "$pid"
	wait "$pid" || status=$?
	check "SIG$1 ends it with status 0" [ "$status" = 0 ]
	check "all is undone" undone
}

cg_make db
cg_start db fio --name=case --thread --filename="/dev/$(nvme_dev)" --readonly \
	--direct=1 --rw=randread --bs=4k --ioengine=psync --time_based \
	--runtime=3600 --output=/dev/null

# Silence
run --quiet
check "it is bound" poll_until 60 bound
ends TERM
check "-q says nothing" [ ! -s out ] && check "nothing at all" [ ! -s err ]

# Lines
run --interval 0.2
check "three lines and a head" poll_until 60 has_lines 4
ends INT
check "a head" grep -q "^ *SUBMITTED/s  *POLLED/s" <(head -n1 out)
# The head comes again every so many lines.
all_numbers() { ! grep -v "SUBMITTED/s" out | grep -vE '^( +[0-9.]+){9}$'; }
check "numbers" all_numbers
check "talk is on stderr" grep -qx "forcepoll-loader: ready: polling" err
check "no line is wider than 80" [ "$(awk '{ print length }' out | sort -n | tail -n1)" -lt 80 ]

# Lines of before skip_busy was N may tell of nothing polled.
polled() { has_lines 3 && jq -es '(map(.polled) | add) > 0' out; }
run --interval 0.2 --json
check "three lines, some of what was polled" poll_until 60 polled
ends HUP
check "each is an object" [ "$(jq -c 'type' out | sort -u)" = '"object"' ]
check "one a line" [ "$(jq -c . out | wc -l)" = "$(wc -l <out)" ]
check "each says what was submitted and polled" \
	jq -es 'all(.[]; .seconds > 0 and .polled >= 0 and .submitted >= 0)' out

# A reader who does not read: signals are heard
mkfifo full
exec 5<>full
perl -e 'fcntl(STDIN, 1031, 4096) or die' <&5 # F_SETPIPE_SZ
"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --interval 0.05 >full 2>err &
pid=$!
defer _end "$pid"
check "it is bound" poll_until 60 bound
check "it begins" grep -q "^ *SUBMITTED/s" <(timeout "$LIMIT" head -n1 <&5)
# FIONREAD: what is there fills it, as poll() has it: it is one page.
is_full() { perl -e '$n = pack "L", 0; ioctl(STDIN, 0x541b, $n) or die;
	exit !unpack "L", $n' <&5; }
check "it is full" poll_until 60 is_full
after 1
kill "$pid"
check "nobody reads, and it ends" poll_until 30 undone
wait "$pid" || fail "status $?"
check "it had gone on" grep -qE "^( +[0-9.]+){9}$" <(timeout "$LIMIT" head -n1 <&5)
# Nor one who does not read more at once than a pipe has room for
"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --mode poll --interval 5 --per-target --json \
	>full 2>err &
pid=$!
defer _end "$pid"
check "it is bound" poll_until 60 bound
skip_busy N
for ((i = 0; i < 60; i++)); do
	cg_run db dd if="/dev/$(nvme_dev)" of=/dev/null bs=4k count=2 iflag=direct status=none
done
after 6
kill "$pid"
check "nobody reads, and it ends" poll_until 30 undone
wait "$pid" || fail "status $?"
check "all is there" jq -ne 'input.targets | length > 0' <(timeout "$LIMIT" head -n1 <&5)
# Nor what it says, where there is no room even for one line
perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die;
	1 while defined syswrite STDOUT, "x"' >&5
"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --explain >out 2>full &
pid=$!
defer _end "$pid"
check "it is bound" poll_until 60 bound
after 10 # it changes its mind at once, and may again
kill "$pid"
check "nobody hears it, and it ends" poll_until 30 undone
wait "$pid" || fail "status $?"
exec 5>&-
# One who has gone, as nohup's
(
	trap '' HUP
	exec "$LOADER" --module "$KO" --cgroup "$CGROOT/db" >out 2>err
) &
pid=$!
defer _end "$pid"
check "it is bound" poll_until 60 bound
kill -HUP "$pid"
after 2
check "it takes no notice of SIGHUP" bound
ends TERM

# A reader who has enough
"$LOADER" --module "$KO" --cgroup "$CGROOT/db" --interval 0.2 2>err | head -n1 >out
status=${PIPESTATUS[0]}
check "a closed pipe ends it with status 0: $(<err)" [ "$status" = 0 ]
check "it says no more than ready" [ "$(cat err)" = "forcepoll-loader: ready: polling" ]
check "all is undone" undone
# One who leaves what has come unread
for more in --count-switches "--per-target --json"; do
	# shellcheck disable=SC2086 # words
	timeout "$LIMIT" "$LOADER" --module "$KO" --cgroup "$CGROOT/db" --interval 0.2 $more \
		2>err | read -rN 1
	status=${PIPESTATUS[0]}
	check "it ends with status 0, $more: $(<err)" [ "$status" = 0 ]
done
check "all is undone" undone
# One who takes nothing
status=0
"$LOADER" status >/dev/full 2>err || status=$?
check "a full disk is an error: $(<err)" [ "$status:$(wc -l <err)" = 1:1 ]
for mode in 0 L; do # what is lost before the end is lost, too
	status=0
	stdbuf -o$mode "$LOADER" status >/dev/full 2>err || status=$?
	check "-o$mode, too: $(<err)" [ "$status:$(wc -l <err)" = 1:1 ]
done
