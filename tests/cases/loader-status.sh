#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: reads the status of no run and of one, as text and as JSON.
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

cg_make db
cg_start db fio --name=case --thread --filename="/dev/$(nvme_dev)" --readonly \
	--direct=1 --rw=randread --bs=4k --ioengine=psync --time_based \
	--runtime=3600 --output=/dev/null

"$LOADER" status >out 2>err
check "status works without a run" grep -qx "run:    no run" out
check "and has nothing to say on stderr" [ ! -s err ]
loader_start --cgroup "$CGROOT/db"
polled() { (($(stat_get polled) > 0)); }
check "fio is polled" poll_until 60 polled
"$LOADER" status --json >status.json 2>err
check "nothing on stderr" [ ! -s err ]
check "all fields" holds '.abi == 9 and .run_started > 1e9 and .policy == null and .run == "running" and .module_loaded and
	.bound and .targets_map_id > 0 and .max_wait_ns > 0 and
	(.targets[0] | .comm == "fio" and .by == "cgroup" and .max_bytes == 0) and
	any(.devices[]; .pollable and .poll_queues == 1 and .why == "") and
	([.polled, .bytes, .wait_ns, .spin_ns | .read > 0] | all) and
	.events.seed_add == 1' status.json
check "for people too" grep -qE "^ +$CG_PID +fio +cgroup +- " <("$LOADER" status)

# A name is for a terminal, whatever it is.
# shellcheck disable=SC2016 # perl's
cg_start db perl -e '$0 = "a\033c"; sleep 1000'
named() { "$LOADER" status >out && grep -qE "^ +$CG_PID +a\?c +cgroup" out; }
check "control characters are shown as such" poll_until 30 named

# Others come and go while it reads, and the one that it stands at may be among them.
program fill
(
	while :; do
		for what in "" -d; do
			./fill $what "$PINS/targets" $((1 << 23)) 2000 >/dev/null
		done
	done
) &
for ((i = 0; i < 20; i++)); do
	"$LOADER" status --json | jq -c '[.targets[].tgid]' >>lists
done
kill $!
wait $! || :
check "some are there" jq -es 'map(length) | max > 100' lists
check "nobody is listed twice" jq -es 'all(length == (unique | length))' lists
# A device's name is for a terminal, too.
dmsetup --noudevsync --manglename none create $'a\e[31m' --table "0 8 zero"
defer dmsetup --noudevsync --manglename none remove $'a\e[31m'
for command in status doctor; do
	"$LOADER" $command >said || :
	check "printable: $command" eval '! grep -q $'"'\e'"' said'
done
check "named" grep -qF 'a?[31m' said

cg_remove db
check "a poll is 4096 bytes" status '.bytes.read == 4096 * .polled.read and
	(.counters | .submitted >= .polled)'
loader_stop

# Whoever watches is told of a run, or of none, also while the module comes and goes.
cg_make db
(
	for ((i = 0; i < 8; i++)); do
		"$LOADER" -q --module "$KO" --cgroup "$CGROOT/db" --background
		"$LOADER" -q stop
	done
	touch over
) &
churn=$!
defer _end $churn
n=0
until [[ -e over || ! -d /proc/$churn ]]; do
	check "told $((++n))" "$LOADER" status --json
done
wait $churn || fail "status $?"
