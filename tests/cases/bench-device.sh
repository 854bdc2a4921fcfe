#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: measures on a drive of this machine, beside another module, without a
# write to it, and refuses to write to one that is in use.
# SET: slow
# TIMEOUT: 240
set -eu
. "$(dirname "$0")/../lib.sh"
requires_forcepoll
requires_command gnuplot

dev=$(nvme_dev)
bench() { "$TOP/tests/bench/run" --device "/dev/$dev" --out "$CASE_TMP/out" "$@"; }
refuses() { expect_fail 1 "$1" bench "${@:2}"; }
written() { awk '{ print $5 }' "/sys/block/$dev/stat"; }

sfdisk -q -X dos "/dev/$dev" <<<1MiB,320MiB
mkfs.ext4 -qF "/dev/${dev}p1"
mkdir mnt
mount "/dev/${dev}p1" mnt
defer eval 'umount mnt 2>/dev/null || :'
refuses "in use" --write
dev=${dev}p1 refuses "in use" --write
umount mnt
dm_removes fp-held
dm_make fp-held "0 2048 linear /dev/${dev}p1 0" >name
refuses "in use" --write
dmsetup --noudevsync remove --retry fp-held
dev=no-such-drive refuses "not a block device"
dev=null refuses "not a block device"
expect_fail 1 "go with --device" "$TOP/tests/bench/collect" --write
expect_fail 2 "does not take 'x'" "$TOP/tests/bench/collect" --chart x
expect_fail 2 "does not take 'x'" "$TOP/tests/bench/collect" --peer x
# In a user namespace: nobody, who may still read this script.
expect_fail 1 "needs root" unshare --user "$TOP/tests/bench/collect" --device "/dev/$dev"

sync
was=$(written)
check "measures" bench --reps 1 --seconds 1 --chart modes \
	--peer "other=touch $CASE_TMP/on,mv $CASE_TMP/on $CASE_TMP/off"
check "nothing was written" [ "$(written)" = "$was" ]
check "the other one was on, and is off" [ -e off ]
check "all modes are there" holds '[.charts[].mode] ==
	["interrupts", "polled", "hybrid", "judged", "iopoll", "other"]' out/results.json
check "it is known as emulated" holds .facts.emulated out/results.json
check "what fio said is kept" holds '.jobs[0].read.total_ios > 0' \
	out/raw/modes-sync-polled-1.json
check "charts are drawn" grep -q EMULATED out/charts/08-percentiles.svg
check "a report is written" grep -q "<svg" out/report.html
check "two are compared" "$TOP/tests/bench/report" out out
check "and nothing has changed" sh -c '! grep -q "class=\"\(faster\|slower\)\"" \
	out/report.html'
# One that is half as fast, in runs enough to tell.
cp -r out slower
jq '.charts[] |= (.runs = 5)' slower/results.json >out/results.json
jq '.charts[].iops |= map_values(. / 2)' out/results.json >slower/results.json
check "compared with it" "$TOP/tests/bench/report" out slower
check "that is marked" grep -q 'class="slower"' slower/report.html
