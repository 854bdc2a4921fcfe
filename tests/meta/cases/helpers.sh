#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: uses the helpers of lib.sh.
set -eu
. "$(dirname "$0")/../../lib.sh"

# defer: the last first, also after a failure, arguments kept apart.
out=$(bash -c '. "$1"; defer echo "a  b"; defer echo c; exit 3' x \
	"$TOP/tests/lib.sh") || status=$?
[ "$status $out" = "3 c
a  b" ] || fail "defer: $status $out"

expect_fail 2 "No such file" ls /no/such/file
out=$(expect_fail 1 . ls /no/such/file) && fail "expect_fail: wrong status"
out=$(expect_fail 0 . echo) && fail "expect_fail: no failure"
grep -q "^FAIL: " <<<"$out" || fail "expect_fail says: $out"

(sleep 0.2 && touch flag) &
poll_until 10 [ -e flag ] || fail "poll_until gave up"
! poll_until 1 [ -e no-flag ] || fail "poll_until found what is not there"

cg_make db
cg_run db cat /proc/self/cgroup >cgroup
check "cg_run is inside" grep -qx "0::/db" cgroup
! cg_run no-such touch ran || fail "cg_run without a cgroup"
[ ! -e ran ] || fail "cg_run is outside"
cg_start db sleep 1000
check "cg_start is inside" grep -qx "$CG_PID" "$CGROOT/db/cgroup.procs"
poll_until 5 grep -q sleep "/proc/$CG_PID/comm"
[ "$(ctxt_switches "$CG_PID")" -gt 0 ] || fail "it never went to sleep"

echo '{"a": [{"b": 1.5}]}' >file.json
[ "$(jget file.json .a[0].b)" = 1.5 ] || fail "jget"
! jget file.json .c || fail "jget found what is not there"
! jget /dev/null .a || fail "jget found it in nothing"
echo '{}' >mark
for nothing in true false; do
	! LOADER=$nothing stat_is true || fail "stat_is without a status: $nothing"
	! LOADER=$nothing _settled || fail "settled without a status: $nothing"
done
[ "$(irq_count LOC)" -gt 0 ] || fail "irq_count"
[ "$(irq_count nothing)" = 0 ] || fail "irq_count of nothing"
