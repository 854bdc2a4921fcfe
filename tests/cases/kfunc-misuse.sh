#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: refuses programs whose calls of its kfuncs are mistakes, and goes on.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program kfunc
cp "$TOP/build/tests/kfunc_misuse.bpf.o" "$TOP/build/bpf/control.bpf.o" .
is_refusal() { [[ $1 == load:* || $1 == "$2" ]]; }
# refused PROGRAM RESULT: by the kfunc, or the kernel does not load it.
refused() {
	local said
	said=$(./kfunc kfunc_misuse.bpf.o "$1" 2>&1) || :
	said=${said##*$'\n'}
	echo "$1: $said"
	check "refused: $1" is_refusal "$said" "$2"
}

cg_make db
loader_start --cgroup "$CGROOT/db"
refused stats_nowhere EINVAL
refused release_by_timer EBUSY
if ! grep -qw forcepoll_bind_fd /proc/kallsyms; then
	refused bind_no_map EBUSY
	# Where nothing is bound it would be looked at.
	check "released" [ "$(./kfunc control.bpf.o control_release)" = OK ]
	refused bind_no_map EINVAL
fi
check "it still tells" status '.abi > 0'
loader_stop
