#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: takes the drive from under a database that writes, without forcepoll and polled: what was committed is there afterwards.
# SET: slow
# TIMEOUT: 500
set -eu
. "$(dirname "$0")/../lib.sh"

is_there() { [[ -b /dev/$(nvme_dev) ]]; }
# flushes: of the drive, that have been done.
flushes() { awk '{ print $16 }' "/sys/block/$(nvme_dev)/stat"; }
has_lines() { (($(wc -l <committed) > $1)); }

# writes: a row each, and its number when it is committed. Only with EXTRA, as SQLite
# says, is the last one kept that it has committed by removing its journal.
writes() {
	seq 1000000 | sed 's/.*/INSERT INTO t VALUES(&, randomblob(300));\n.print &/
			1 i PRAGMA synchronous=EXTRA;' |
		stdbuf -oL sqlite3 -bail mnt/db >committed 2>writes.stderr
}
export -f writes

# cut TYPE JOURNAL: on a file system of that type.
cut() {
	local type=$1 journal=$2 writer reader last flushed
	fs_make "$(nvme_dev)" "$type"
	sqlite3 mnt/db "PRAGMA journal_mode=$journal;
		CREATE TABLE t(n INTEGER PRIMARY KEY, data)" >mode
	check "journal_mode=$journal" grep -qx "$journal" mode
	: >committed
	flushed=$(flushes)
	[[ ! ${LOADER_PID-} ]] || stat_mark
	cg_start db bash -euo pipefail -c writes
	writer=$CG_PID
	cg_start db fio --name=j --thread --directory=mnt --ioengine=psync --direct=1 \
		--rw=randrw --bs=4k --size=4M --time_based --runtime=1h --output=/dev/null
	reader=$CG_PID
	poll_until 60 has_lines 100 || fail "it writes nothing: $(<writes.stderr)"
	[[ ! ${LOADER_PID-} ]] ||
		check "polled meanwhile" poll_until 60 stat_is '.read > 100 and .write > 100'
	# The drive keeps what it has: that it was told to, after each row, is seen here.
	last=$(tail -n1 committed)
	check "$last were flushed" [ $(($(flushes) - flushed)) -ge "$last" ]
	host "unplug 0" >/dev/null
	wait "$writer" && fail "the database has not noticed"
	wait "$reader" && fail "the reader has not noticed"
	umount mnt
	host "plug 0" >/dev/null
	poll_until 30 is_there
	check "mount it again" cg_run db mount -t "$type" "/dev/$(nvme_dev)" mnt
	cg_run db sqlite3 mnt/db "PRAGMA integrity_check;
		SELECT count(*) = max(n) FROM t; SELECT max(n) FROM t" >found
	check "the database is whole, and lacks no row" \
		[ "$(head -n2 found)" = $'ok\n1' ]
	last=$(tail -n1 committed)
	check "all $last that were committed" [ "$(tail -n1 found)" -ge "$last" ]
	umount mnt
	fs_check "$(nvme_dev)" "$type"
}

requires_forcepoll
requires_command sqlite3
wipe() { wipefs -qa "/dev/$(nvme_dev)"; } # another name, once it was plugged in again
defer wipe
cg_make db
cuts() {
	local journal
	for journal in delete wal; do
		cut ext4 $journal
		cut xfs $journal
	done
}
cuts
loader_start --cgroup "$CGROOT/db"
cuts
loader_stop
