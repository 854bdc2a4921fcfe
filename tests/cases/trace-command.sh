#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: traces a command, a PID and a cgroup to their ends; hands on
# signals and exit statuses; refuses bad input.
# TIMEOUT: 400
# shellcheck disable=SC2016 # for other shells
set -eu
. "$(dirname "$0")/../lib.sh"

status_of() { local status=0; "$@" >out 2>err || status=$?; echo $status; }
traced() { grep -q '^forcepoll-loader: tracing$' err; }
# start ARGS...: trace in the background, under way when this returns
start() {
	rm -f out err
	"$LOADER" trace "$@" >out 2>err &
	pid=$!
	defer _end "$pid"
	check "trace $*" poll_until 60 traced
}
# done_with STATUS: it ends by itself, says what it saw
done_with() {
	local status=0
	wait "$pid" || status=$?
	check "status $1" [ $status = "$1" ]
	check "a table" grep -q '^all ' out
}

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
check "exit status" [ "$(status_of "$LOADER" trace -- sh -c 'exit 7')" = 7 ]
check "a child is traced" sh -c \
	'"$1" trace -- sh -c "sleep 0.1; :" | grep -q clock_nanosleep' sh "$LOADER"
check "killed: 128 and the signal" [ "$(status_of "$LOADER" trace -- \
	sh -c 'kill -9 $$')" = 137 ]
export SUDO_UID=65534 SUDO_GID=65534
check "as the invoking user" [ "$("$LOADER" trace --user -- id -u |
	head -n1)" = 65534 ]

check "of a user that has no number" [ "$(SUDO_UID='' status_of "$LOADER" trace --user \
	-- id -u)" = 1 ]

status=0
"$LOADER" trace -i 0.1 -- sh -c 'sleep 1; >over; exit 6' >/dev/full 2>err || status=$?
check "it waits when nothing can be said" test -e over
check "status 1: $(tail -n1 err)" [ $status = 1 ]
mkfifo none
(exec 3<none; sleep 0.3) & # opened when the other end is
status=0
"$LOADER" trace -i 0.1 -- sh -c 'sleep 1; exit 6' >none || status=$?
check "its status when nobody reads" [ $status = 6 ]

start -- sh -c 'trap "exit 9" TERM; >set; while :; do sleep 0.1; done'
check "its trap is set" poll_until 60 test -e set
kill -TERM $pid
done_with 9

start -d 1 -- sh -c 'until [ -e over_now ]; do sleep 0.1; done; exit 4'
check "--duration does not end the command" poll_until 60 grep -q '^all ' out
touch over_now
done_with 4

sleep 1000 &
sleeper=$!
start -p $sleeper
kill $sleeper
done_with 0

cg_make db
cg_start db sleep 1000
start -c "$CGROOT/db" -i 0.5
check "three tables" poll_until 60 eval '(($(grep -c "^all " out) >= 3))'
kill -INT $pid
done_with 0
check "at most 80 columns" [ "$(wc -L <out)" -le 80 ]

start -c "$CGROOT/db" --json
cg_remove db
mkdir "$CGROOT/db"
check "made again" poll_until 60 grep -q "was made again" err
cg_run db sleep 0.1
kill -INT $pid
wait $pid || fail "status $?"
check "it is found" holds 'any(.causes[]; .name == "clock_nanosleep")' out

# Who was stopped does not tell of each interval that was missed.
start -c "$CGROOT/db" -i 1 --json
check "it tells" poll_until 60 test -s out
kill -STOP $pid
after 8
kill -CONT $pid
after 3
kill -INT $pid
wait $pid
check "no burst" jq -es '[.[] | select((.final | not) and .ns < 500000000)] |
	length <= 3' out

start -a -d 1 --folded --ustack
wait $pid
check "stacks, and counts" sh -c '[ -s out ] && ! grep -vE "^[^;]+;.* [0-9]+$" out'

# What a process has run may have gone, and its name be that of something else.
cp "$(command -v yes)" gone
./gone >/dev/null &
yes=$!
defer _end $yes
check "it runs" poll_until 30 grep -qx gone "/proc/$yes/comm"
rm gone
mkfifo "gone (deleted)"
start -p $yes -d 1 --stacks 1 --ustack
done_with 0

check "not found" [ "$(status_of "$LOADER" trace -- ./nothing)" = 127 ]
touch plain
check "not executable" [ "$(status_of "$LOADER" trace -- ./plain)" = 126 ]
check "in one line" [ "$(wc -l <err)" = 1 ]
check "whoever ignores SIGCHLD hands that on" timeout "$LIMIT" perl -e \
	'$SIG{CHLD} = "IGNORE"; exec @ARGV' "$LOADER" trace -- true
T=("$LOADER" trace)
expect_fail 1 'no such cgroup' "${T[@]}" -c "$CGROOT/none"
expect_fail 1 'not a cgroup2 directory' "${T[@]}" -c "$CASE_TMP"
expect_fail 1 'no such process' "${T[@]}" -p 999999
expect_fail 1 'kernel thread' "${T[@]}" -p 2
unset SUDO_UID
expect_fail 1 'not run by sudo' "${T[@]}" --user -- true
expect_fail 1 'must be run as root' setpriv --reuid 65534 "${T[@]}" -- true
usage() { check "usage: $*" [ "$(status_of "${T[@]}" "$@")" = 2 ]; }
usage
usage -p 5abc
usage -d 0 -a
usage -a -p 1
usage --stacks 0 -a
usage --ustack -a
usage --folded --json -a
usage -f -a
usage --user -a
