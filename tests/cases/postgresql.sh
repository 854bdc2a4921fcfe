#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: kills PostgreSQL while it writes, without forcepoll and polled: it recovers, is whole, and lacks nothing that was committed.
# SET: slow
# TIMEOUT: 900
set -eu
. "$(dirname "$0")/../lib.sh"

CLIENTS=4
PATH=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1):$PATH
export PGHOST=$CASE_TMP/mnt PGUSER=postgres PGDATABASE=bench

# server COMMAND...: as its own user, in the cgroup.
server() {
	cg_run db setpriv --reuid postgres --regid postgres --clear-groups "$@"
}

ask() { psql -qAtXc "$1"; }

start() {
	check "$1" server pg_ctl -D mnt/pg -s -w -t $((120 * ${FORCEPOLL_SLOW:-1})) -l mnt/log start -o "-k $PGHOST \
		-h '' -c shared_buffers=16MB -c max_wal_size=32MB -c min_wal_size=32MB \
		-c huge_pages=off"
}

none_runs() { ! pgrep -u postgres; }
kill_all() {
	pkill -KILL -u postgres || :
	poll_until 30 none_runs
}

has_committed() { (($(ask "SELECT count(*) FROM pgbench_history") > $1)); }

# What a transaction of pgbench's adds in one place it adds in all of them.
SUMS="SELECT count(*) FROM (SELECT sum(delta) FROM pgbench_history
	UNION SELECT sum(abalance) FROM pgbench_accounts
	UNION SELECT sum(tbalance) FROM pgbench_tellers
	UNION SELECT sum(bbalance) FROM pgbench_branches) AS sums"

# polled EXPR: since the mark, where there is a loader.
mark() { [[ ! ${LOADER_PID-} ]] || stat_mark; }
polled() { [[ ! ${LOADER_PID-} ]] || check "polled meanwhile" poll_until 60 stat_is "$1"; }

# recovers TYPE: on a file system of that type.
recovers() {
	local clients committed kept
	fs_make "$dev" "$1"
	defer kill_all
	chown postgres mnt
	check "initdb" server initdb -D mnt/pg -A trust --data-checksums
	start "start it"
	createdb
	check "pgbench -i" pgbench -i -q -s 4
	sync
	echo 1 >/proc/sys/vm/drop_caches
	rm -f clients.*
	mark
	pgbench -n -c $CLIENTS -j 2 -T 3600 -l --log-prefix=clients >out 2>&1 &
	clients=$!
	defer _end "$clients"
	check "it commits" poll_until 120 has_committed 300
	polled '.read > 100 and .write > 100'
	# Ascending: the first one is the parent, which would restart the others.
	# shellcheck disable=SC2046 # words
	kill -KILL $(pgrep -u postgres) || : # one may just have ended
	poll_until 30 none_runs
	wait "$clients" && fail "the clients have not noticed"
	committed=$(cat clients.* | wc -l)

	echo 1 >/proc/sys/vm/drop_caches
	mark
	start "start it again"
	check "it recovers" grep -q "redo done" mnt/log
	polled '.read > 20'
	kept=$(ask "SELECT count(*) FROM pgbench_history")
	# The last of each client may be there without its having been told.
	check "$kept transactions are there, $committed were committed" \
		eval "((committed > 250 && kept >= committed && kept <= committed + CLIENTS))"
	check "all of each" [ "$(ask "$SUMS")" = 1 ]
	check "pg_amcheck" pg_amcheck --install-missing --heapallindexed
	check "stop it" server pg_ctl -D mnt/pg -s -w -t $((120 * ${FORCEPOLL_SLOW:-1})) stop
	check "pg_checksums" server pg_checksums --check -D mnt/pg
	umount mnt
	fs_check "$dev" "$1"
}

requires_forcepoll
requires_command pg_amcheck
dev=$(nvme_dev)
defer wipefs -qa "/dev/$dev"
cg_make db
recovers ext4
recovers xfs
loader_start --cgroup "$CGROOT/db"
recovers ext4
recovers xfs
loader_stop
