#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: sees io_uring's worker threads as part of their process.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll

dev=/dev/$(nvme_dev)
has_worker() { cat "/proc/$1/task/"*/comm 2>/dev/null | grep -q "^iou-$2"; }
ended() { [[ $(ps -o stat= -p "$1") != [!Z]* ]]; }

cg_make db
loader_start --cgroup "$CGROOT/db"

# Workers (io_uring_enter hands every read to one) and a submission thread.
for kind in wrk:--force_async=1 sqp:--sqthread_poll=1; do
	born=$(event fork_cgroup)
	cg_start db fio --name=case --thread --output-format=json \
		--output="$kind.json" --filename="$dev" --readonly --direct=0 \
		--rw=randread --bs=4k --ioengine=io_uring --iodepth=8 \
		--invalidate=0 --time_based --runtime=3600 "${kind#*:}"
	check "a thread iou-${kind%:*}" \
		poll_until 60 has_worker "$CG_PID" "${kind%:*}"
	progress "${dev#/dev/}" "by $kind"
	check "one target" [ "$(targets)" = "$CG_PID:2" ]
	check "no thread is a child" [ "$(event fork_cgroup)" = "$born" ]
	kill -INT "$CG_PID"
	check "it ends" poll_until 60 ended "$CG_PID"
	wait "$CG_PID" || :
	sed -i -n '/^{/,$p' "$kind.json"
	check "it has read" [ "$(jget "$kind.json" .jobs[0].read.total_ios)" -gt 0 ]
	check "without an error" [ "$(jget "$kind.json" .jobs[0].error)" = 0 ]
	check "it is no target any more" [ -z "$(targets)" ]
done
check "workers were left alone" [ "$(stat_get skip_worker)" -gt 0 ]
loader_stop
