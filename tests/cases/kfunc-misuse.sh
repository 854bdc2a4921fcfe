#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: refuses programs whose calls of its kfuncs are mistakes, and goes on.
set -eu
. "$(dirname "$0")/../lib.sh"

requires_forcepoll
program kfunc
cp "$TOP/build/tests/kfunc_misuse.bpf.o" "$TOP/build/bpf/control.bpf.o" .
# refused PROGRAM RESULT TEXT: by the kfunc, or by the kernel, which says so.
refused() {
	local said
	said=$(./kfunc kfunc_misuse.bpf.o "$1" 2>&1) || :
	[[ $said == "$2" ]] || grep -q "$3" <<<"$said" || fail "$1: $said"
	echo "ok: refused: $1: ${said##*$'\n'}"
}

cg_make db
loader_start --cgroup "$CGROOT/db"
refused stats_nowhere EINVAL "Possibly NULL pointer"
refused release_by_timer EBUSY "must be called from sleepable"
if ! grep -qw forcepoll_bind_fd /proc/kallsyms; then
	refused bind_no_map EBUSY "must be referenced or trusted"
	# Where nothing is bound it would be looked at.
	check "released" [ "$(./kfunc control.bpf.o control_release)" = OK ]
	refused bind_no_map EINVAL "must be referenced or trusted"
fi
check "it still tells" status '.abi > 0'
loader_stop
