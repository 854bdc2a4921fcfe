#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: follows the children of --pid, old and new, with -f only, and
# forgets whoever exits.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program proc

children() { pgrep -P "$1" || :; }
has_children() { (($(children "$1" | wc -l) == $2)); }
threads_of() {
	local dirs=("/proc/$1/task/"*)
	printf '%s\n' "${dirs[@]##*/}"
}
has_threads() { [ "$(threads_of "$1" | wc -l)" = "$2" ]; }

# A process with a child; when told to it makes two more, one of which has a
# child, the other one threads.
mkfifo go
tree() {
	cg_make tree
	cg_start tree bash -c 'sleep 1000 & read -r _ <go
		(sleep 1000; :) & ./proc threads 3 & wait'
	top=$CG_PID
	check "a child before" poll_until 30 has_children "$top" 1
}

has_grandchild() { [[ $(children "$top" | xargs -n1 pgrep -P) ]]; }
grow() {
	echo >go
	check "three children" poll_until 30 has_children "$top" 3
	check "one has a child" poll_until 30 has_grandchild
	check "one is the program" poll_until 30 pgrep -P "$top" -x proc
	middle=$(children "$top" | xargs -n1 pgrep -P | xargs ps -o ppid= -p | tr -d ' ')
	check "a grandchild" poll_until 30 has_children "$middle" 1
	threads=$(pgrep -P "$top" -x proc)
	check "threads" poll_until 30 has_threads "$threads" 4
}

# 5: by PID, followed
tree
loader_start --pid "$top" --follow-forks
check "the process and its child" targets_are "$top:5" "$(children "$top"):5"
before=$(event fork_thread)
grow
family=$({ echo "$top"; children "$top"; children "$middle"; } | sed 's/$/:5/')
check "five processes and none of their threads" \
	targets_are "$family"
check "the threads were seen" [ $(($(event fork_thread) - before)) -ge 3 ]
kill "$threads"
check "one has gone" poll_until 30 targets_are \
	"$(grep -v "^$threads:" <<<"$family")"
kill "$top"
wait "$top" || :
check "its parent's end changes nothing for a child" [ "$(targets | wc -l)" = 3 ]
cg_remove tree
check "all have gone" targets_are
check "every end was counted" [ "$(event exit_target)" = 5 ]
loader_stop

# 4: by PID. Given the number of a thread, its process is meant.
tree
cg_start tree ./proc threads 3
check "threads" poll_until 30 has_threads "$CG_PID" 4
loader_start --pid "$top" --pid "$(threads_of "$CG_PID" | tail -n1)"
grow
check "no child" targets_are "$top:4" "$CG_PID:4"
check "none was counted" [ "$(event fork_follow)" = 0 ]
cg_remove tree
check "both have gone" targets_are
loader_stop

# In a chosen cgroup, too, those who are followed are so wherever they go.
tree
loader_start --pid "$top" --follow-forks --cgroup "$CGROOT/tree"
grow
family=$({ echo "$top"; children "$top"; children "$middle"; } | sed 's/$/:5/')
check "five processes that are followed" targets_are "$family"
cg_make elsewhere
cg_move "$middle" elsewhere
check "one has left" poll_until 30 cg_has "$middle" elsewhere
check "and is followed still" targets_are "$family"
cg_remove elsewhere
cg_remove tree
check "all have gone" targets_are
loader_stop

# Who follows when a run is taken over is what the new one says, those between included.
tree
grow
family=$({ echo "$top"; children "$top"; children "$middle"; } | sed 's/$/:5/')
check "in the background" "$LOADER" --module "$KO" -q --background --pid "$top" -f
check "five processes that are followed" targets_are "$family"
loader_start --pid "$top" -f --observe
check "all are observed" targets_are "${family//:5/:37}"
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
loader_start --pid "$top" -f
check "none is" targets_are "$family"
# One of them itself: with its children, and no others.
kill -KILL "$LOADER_PID"
wait "$LOADER_PID" || :
loader_start --pid "$middle" -f --observe
mine=$({ echo "$middle"; children "$middle"; } | sed 's/$/:37/')
others=$({ echo "$top"; children "$top"; } | grep -vx "$middle" | sed 's/$/:5/')
check "one and its child are observed" targets_are "$mine" "$others"
cg_remove tree
loader_stop
