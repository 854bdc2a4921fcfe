#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: limits polling by --device and --max-bytes, and widens it by --all.
# MACHINE: drives=2
# SET: slow
# TIMEOUT: 300
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

one=$(nvme_dev 0) two=$(nvme_dev 1)
undone() { [[ ! -e $PINS && ! -d /sys/module/forcepoll ]]; }
grown() { (($(stat_get "$1") >= goal)); }
# grows COUNTER: by 100 more
grows() {
	goal=$(($(stat_get "$1") + 100))
	check "$1 grows" poll_until 60 grown "$1"
}
fio_start() {
	cg_start "$1" fio --name=case --thread --filename="/dev/$2" --readonly \
		--direct=1 --rw=randread --bs="$3" --ioengine=psync \
		--time_based --runtime=3600 --output=/dev/null
}

cg_make db && cg_make other
db=$CGROOT/db

# One device of two: flag 16, and the other one is counted apart.
loader_start --cgroup "$db" --device "/dev/$one"
fio_start db "$two" 4k
other=$CG_PID
grows skip_device
check "$two is not polled" [ "$(stat_get polled)" = 0 ]
check "the entry says so" [ "$("$LOADER" status --json |
	jq -c '.targets | map([.tgid, .flags])')" = "[[$other,18]]" ]
fio_start db "$one" 4k
grows polled
kill "$other" "$CG_PID"
wait "$other" "$CG_PID" || :
loader_stop
check "all is undone" undone

# A limit: up to it, and not a byte more.
loader_start --cgroup "$db" --max-bytes 8K
fio_start db "$one" 16k
grows skip_large
check "16 KiB are not polled" [ "$(stat_get polled)" = 0 ]
kill "$CG_PID"
wait "$CG_PID" || :
large=$(stat_get skip_large)
fio_start db "$one" 8k
grows polled
check "8 KiB are not too large" [ "$(stat_get skip_large)" = "$large" ]
kill "$CG_PID"
wait "$CG_PID" || :
loader_stop

# Everybody, whoever started when; nobody afterwards.
fio_start other "$one" 4k
loader_start --all
check "the entry is for all" [ "$("$LOADER" status --json |
	jq -c '.targets | map([.tgid, .comm])')" = '[[0,"(every process)"]]' ]
grows polled
loader_stop
check "all is undone" undone
loader_start --cgroup "$db"
reads() { awk '{ print $1 }' "/sys/block/$one/stat"; }
goal=$(($(reads) + 100))
read_more() { (($(reads) >= goal)); }
check "fio goes on" poll_until 60 read_more
check "it is no target any more" [ "$(stat_get submitted)" = 0 ]
loader_stop
