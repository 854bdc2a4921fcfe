#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: lets policies in BPF decide what is polled, on kernels that have such.
# SET: slow
# TIMEOUT: 600
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program policy_{set,slow,write,half}.bpf.o
example=$TOP/build/bpf/policy_example.o
dev=$(nvme_dev)
cg_make db
db=$CGROOT/db

undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
# refused REGEX FILE: and nothing is left.
refused() {
	expect_fail 1 "$1" "$LOADER" --module "$KO" -c "$db" --policy "$2"
	check "nothing is done" undone
}
policy_is() { [ "$("$LOADER" status --json | jq -c .policy)" = "$1" ]; }
asked_is() { policy_is "{\"name\":\"$1\",\"disabled\":false}"; }

echo "no object" >garbage
: >empty
refused "none: No such file" none
refused "garbage: not a BPF object" garbage
refused "empty: not a BPF object" empty
refused "not a BPF object" /bin/true
refused "half.bpf.o: has no program forcepoll_policy/select" policy_half.bpf.o
if [[ $(uname -r) == 6.1.* ]]; then
	refused "this kernel lets no module have policies" policy_set.bpf.o
	expect_fail 1 "this kernel lets no module have policies" \
		"$LOADER" --dry-run -c "$db" --policy "$example"
	loader_start -c "$db"
	check "there is none" policy_is null
	loader_stop
	exit 0
fi
refused "policy_write.bpf.o: the kernel refuses it" policy_write.bpf.o
check "it says what it would do" grep -qx "would let $example decide" \
	<("$LOADER" --module "$KO" -c "$db" --policy "$example" --dry-run)
check "nothing is done" undone

# -- what it says ------------------------------------------------------------------

# seen NAME: what policy_set has counted.
seen() {
	bpftool map dump -j name policy_s.bss |
		holds ".[0].formatted.value[\".bss\"] | add | .$1"
}
# From the low byte on.
declare -A bytes=(
	[interrupt]="0 0 0 0 0 0 0 0"
	[poll]="ff ff ff ff ff ff ff ff"
	[default]="fe ff ff ff ff ff ff ff"
	[error]="ea ff ff ff ff ff ff ff" # -EINVAL
	[sleep]="50 c3 0 0 0 0 0 0"	  # 50 us
)
# says NAME: it answers that from now on.
says() {
	# shellcheck disable=SC2086 # words
	bpftool map update name .data.answer key 0 0 0 0 value hex ${bytes[$1]}
}

# reads EXPR ENGINE...: 300 times; EXPR is what was counted.
reads() {
	stat_mark
	check "read, ${*:2}" cg_run db fio --name=j --filename="/dev/$dev" --readonly \
		--direct=1 --rw=randread --bs=4k --number_ios=300 --output=/dev/null \
		--ioengine="$2" "${@:3}"
	check "counted: $1" stat_is "$1"
}

loader_start -c "$db" --policy policy_set.bpf.o
echo 0 >/sys/module/forcepoll/parameters/policy_max_ns # an emulator is slow
check "status names it" asked_is policy_set
check "for people" grep -qx "policy: policy_set" <("$LOADER" status)

says interrupt
reads ".polled == 0 and .skip_judge == 300" psync
reads ".polled == 0 and .skip_judge == 300" libaio --iodepth=16
check "it was asked" [ "$(seen asked)" = 600 ]
check "and told" [ "$(seen told)" = 600 ]
says poll
reads ".polled == 300 and .skip_judge == 0" psync
check "it was told" [ $(((
	$(seen told_alone) >= 600 || $(stat_get held) > 0) && $(seen bytes) >= 300 * 4096)) = 1 ]
told=$(seen told)
reads ".async > 100 and .skip_judge == 0" libaio --iodepth=16
check "it was told of several" [ $(($(seen told) > told + 100)) = 1 ]
asked=$(seen asked)
for answer in default error; do
	says $answer
	reads ".polled + .unpolled == 300 and .skip_judge == 0" psync
done
says sleep
reads ".polled + .unpolled == 300 and (.hybrid > 250 or .held > 0)" psync
check "it was asked" [ "$(seen asked)" = $((asked + 900)) ]
check "nothing was strange" [ "$(seen strange)" = 0 ]

# -- one after the other -------------------------------------------------------------

verify_start "$dev"
aio_verify_start "$dev"
for ((i = 0; i < 3; i++)); do
	for answer in interrupt poll default error sleep; do
		says $answer
		progress "$dev" "with $answer"
	done
done
says poll

kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
check "it is there without its loader" asked_is policy_set
asked=$(seen asked)
more() { (($(seen asked) > asked + 100)); }
check "and is asked" poll_until 60 more
check "nothing was strange" [ "$(seen strange)" = 0 ]

expect_fail 1 "is taken: another forcepoll" "$LOADER" -c "$db" \
	--pin-dir /sys/fs/bpf/other --policy "$example"
check "its pins are gone" [ ! -e /sys/fs/bpf/other ]
expect_fail 1 "has no program" "$LOADER" -c "$db" --policy policy_half.bpf.o
check "nothing has changed" asked_is policy_set

loader_start -c "$db" --policy "$example"
check "another takes its place" asked_is policy_example
gone() { ! bpftool map list | grep -q "$1"; }
check "and the first is gone" poll_until 60 gone .data.answer
for ((i = 0; i < 3; i++)); do
	for policy in policy_set.bpf.o "$example"; do
		kill -KILL "$LOADER_PID"
		wait "$LOADER_PID" || :
		loader_start -c "$db" --policy "$policy"
		progress "$dev" "with $policy"
	done
done
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
loader_start -c "$db"
check "who brings none leaves it" asked_is policy_example

# By hand
rm "$PINS/policy"
check "it goes with its pin" poll_until 60 policy_is null
check "all of it" poll_until 60 gone struct_ops
goal=$(($(stat_get polled) + 100))
polls() { (($(stat_get polled) > goal)); }
check "polled as without one" poll_until 60 polls
verify_stop
loader_stop
check "it undoes all" undone

"$LOADER" --module "$KO" -q -b -c "$db" --policy "$example"
check "in the background" asked_is policy_example
expect_fail 1 "forcepoll is in use" rmmod forcepoll
bpftool link detach pinned "$PINS/policy"
check "it can be cut off" policy_is null
"$LOADER" -q -b -c "$db" --policy "$example"
check "and put in again" asked_is policy_example
check "stop" "$LOADER" stop
check "it undoes all" undone

# Who fails leaves the run that is there as it was.
"$LOADER" --module "$KO" -q -b -c "$db"
kptr=$(</proc/sys/kernel/kptr_restrict)
defer sysctl -qw kernel.kptr_restrict="$kptr"
sysctl -qw kernel.kptr_restrict=2
"$LOADER" -c "$db" --policy "$example" --count-switches 2>err && fail "it has started"
sysctl -qw kernel.kptr_restrict="$kptr"
check "that goes on: $(tail -n1 err)" grep -q "kallsyms" err
check "nobody is asked" policy_is null
check "stop" "$LOADER" stop

# -- a slow one ------------------------------------------------------------------

loader_start -c "$db" --policy policy_slow.bpf.o
check "fio" cg_run db fio --name=j --filename="/dev/$dev" --readonly --direct=1 \
	--rw=randread --bs=4k --ioengine=psync --number_ios=1500 --output=/dev/null
check "it is not asked any more" policy_is '{"name":"policy_slow","disabled":true}'
check "for people" grep -qx "policy: policy_slow, disabled: too slow" \
	<("$LOADER" status)
reads ".polled > 0" psync
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
loader_start -c "$db" --policy policy_set.bpf.o
echo 0 >/sys/module/forcepoll/parameters/policy_max_ns
check "another is" asked_is policy_set
says interrupt
reads ".polled == 0 and .skip_judge == 300" psync
loader_stop
check "it undoes all" undone
