#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: counts system calls, page faults and context switches of a program
# that knows how many it makes, without the module.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

# trace DOOR N [OPTION...]: what the program says in file said, the trace in out
trace() {
	check "trace $*" sh -c '"$@" >all' sh "$LOADER" trace --json "${@:3}" -- \
		./enter "$1" "$2"
	head -n1 all >said && tail -n +2 all >out
	check "no cause is lost" is '.lost_causes == 0'
	check "the sum is the total" is '.other + ([.causes[] | select(.name |
		endswith("I/O") | not).count] | add) == .total'
}
is() { holds ". as \$all | def n(kind; name): [.causes[] | select(
	.kind == kind and (.name | startswith(name))).count] | add // 0; $1" out; }
# near A B: within 1 %, and the handful that the program's own start makes
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a - b <= 0.01 * b + 5 &&
	b - a <= 0.01 * b + 5) }'; }

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter

trace syscalls 100003
check "system calls, exactly" is 'n("system call"; "getppid") == 100003'

# getrusage() counts those from kernel mode too, as of exec's own arguments.
trace faults 10000
check "page faults, at least" is 'n("page fault"; "write") >= 10000'
read -r _ faults _ <said
sum=$(is 'n("page fault"; "read") + n("page fault"; "write") +
	n("page fault"; "exec") - n("page fault"; "x")')
major=$(jq '[.causes[] | select(.name | endswith("I/O")).count] | add // 0' out)
check "$((sum - major)) page faults are $faults" near $((sum - major)) "$faults"

trace faults 10000 --software-events
check "by software events" is '(.sources | contains("page-faults")) and
	(n("page fault"; "read") | . >= 10000 and . < 11000)'

# More stacks than there is room for: the counters do not care.
trace stacks 18000 --stacks 1 --ustack
check "the stacks that found no room are shown" is '.lost_stacks > 1000'
check "all are counted" is 'n("system call"; "getppid") == 18000'
trace stacks 1000 --stacks 1 --ustack
check "none is lost where there is room" is '.lost_stacks == 0'

# Of one that goes on they are of one moment.
./enter stacks 1000000000 >/dev/null &
goes_on=$!
defer _end $goes_on
check "one that goes on" sh -c '"$@" >out' sh "$LOADER" trace --json -p $goes_on -d 2 \
	--stacks 1000 --ustack
# shellcheck disable=SC2016 # jq's variables
check "its stacks are no more than what they are of" holds '
	([.stacks[] | select(.name == "getppid").count] | add) as $n | $n > 0 and
	$n <= ([.causes[] | select(.name == "getppid").count] | add)' out
_end $goes_on

# A switch is counted when it ends, which the last ones of a process do not.
trace naps 1000
read -r _ _ voluntary _ <said
check "voluntary switches: $voluntary" \
	near "$(jq .voluntary out)" "$voluntary"
check "system calls of these" is 'n("system call"; "clock_nanosleep") == 1000'

# All returns as one, on a kernel that has a function for them: what has no
# cause is less than 1 %, NMIs are not part of it.
if [[ $(uname -r) == 6.1.* ]] || holds 'has("exits")' out; then
	check "all returns" is '.exits >= .total * 0.99 and .other * 100 < .total'
fi
check "the module was not needed" [ ! -d /sys/module/forcepoll ]

# What a stacked driver makes of a bio is not another one.
dev=$(nvme_dev)
dm_removes fp-exact
linear=$(dm_make fp-exact "0 8192 linear /dev/$dev 0")
for disk in "$dev" "$linear"; do
	"$LOADER" trace --json -- dd if="/dev/$disk" of=/dev/null bs=4k count=64 \
		iflag=direct status=none >out
	check "64 block I/Os of $disk" is '.ios == 64'
done
