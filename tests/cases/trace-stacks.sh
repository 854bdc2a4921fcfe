#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DESCRIPTION: names the frames of user stacks: those of what a process has become by
# exec, of two files at one path, and of symbols that would command the terminal.
# TIMEOUT: 300
# shellcheck disable=SC2016 # for other shells
set -eu
. "$(dirname "$0")/../lib.sh"

# trace ARGS...: what it says, in file out
trace() {
	check "trace $*" sh -c '"$@" >out' sh "$LOADER" trace "$@"
}
named() { jq -r '.stacks[].user[]' out | grep -qxF "$1"; }

[[ -x $LOADER ]] || skip "no build/forcepoll-loader"
program enter

# The shell is known when it becomes another.
cat >becomes <<-'END'
	while [ ! -e go ]; do sleep 0.1; done
	exec ./enter naps 1000000000
END
sh becomes &
shell=$!
defer _end $shell
traced() { grep -q '^forcepoll-loader: tracing$' err; }
"$LOADER" trace -p $shell --json --stacks 9 --ustack >out 2>err &
tracer=$!
defer _end $tracer
check "it is traced" poll_until 60 traced
after 1
touch go
check "it is another" poll_until 60 grep -qx enter "/proc/$shell/comm"
after 1
kill -INT $tracer
wait $tracer || fail "status $?"
check "its caller is named" named "main (enter)"

# Each has its own at the same path, as containers have.
objcopy --prefix-symbols=$'other_\e[31m\n' enter other
cat >in_own <<-'END'
	mount -t tmpfs none /mnt
	cp "$1" /mnt/program
	exec /mnt/program naps 1000000000
END
cg_make db
for file in enter other; do
	cg_start db unshare -m sh in_own $file
	defer _end "$CG_PID"
done
runs() { [[ $(pgrep -fc '^/mnt/program naps') == 2 ]]; }
check "both run" poll_until 60 runs
trace -c "$CGROOT/db" -d 2 --json --stacks 9 --ustack
check "that of one" named "main (program)"
check "that of the other, printable" named "other_?[31m?main (program)"

# Nor is it the file that is at its path now, of whomever.
cp other /mnt/program
defer rm /mnt/program
cg_make hidden
cg_start hidden unshare -m sh in_own enter
defer _end "$CG_PID"
check "it runs" poll_until 60 grep -qx program "/proc/$CG_PID/comm"
nsenter -t "$CG_PID" -m mount -t tmpfs none /mnt
trace -c "$CGROOT/hidden" -d 2 --json --stacks 9 --ustack
check "what it runs" named "main (program)"

# A file may claim more sections than there is memory, and more symbols than anybody needs,
# all with one name that has no end.
perl -e 'local $/; open F, "<enter"; $_ = <F>; $o = length;
	substr($_, 40, 8) = pack "Q", $o; substr($_, 60, 2) = pack "S", 0;
	open O, ">many"; print O; seek O, $o + 32, 0; print O pack "Q", 10_000_000;
	truncate O, $o + 640_000_000'
chmod +x many
cg_make odd
cg_make tracer
cg_controllers memory
echo 300M >"$CGROOT/tracer/memory.max"
cg_start odd ./many naps 1000000000
defer _end "$CG_PID"
check "more sections than memory" cg_run tracer "$LOADER" trace -c "$CGROOT/odd" -d 2 \
	--stacks 1 --ustack
cg_remove odd
cg_make odd
# SHT_SYMTAB is 2; a section's offset and size are at 24 of its header, its names' index at 40.
perl -e 'local $/; open F, "<enter"; $elf = <F>; $at = unpack "Q", substr $elf, 40, 8;
	$symbols++ until unpack("L", substr $elf, $at + 64 * $symbols + 4, 4) == 2;
	$names = unpack "L", substr $elf, $at + 64 * $symbols + 40, 4;
	sub put {
		substr($elf, $at + 64 * $_[0] + 24, 16) = pack "QQ", length $elf, length $_[1];
		$elf .= $_[1];
	}
	put $names, "A" x (16 << 20);
	put $symbols, pack("LCCSQQ", 0, 0x12, 0, 1, 0x401000, 64) x 300000;
	open O, ">endless"; print O $elf'
chmod +x endless
cg_start odd ./endless naps 1000000000
defer _end "$CG_PID"
check "a name without an end" timeout "$LIMIT" "$LOADER" trace -c "$CGROOT/odd" -d 2 \
	--stacks 1 --ustack

# Nor is a lease waited for that nobody gives up.
program leased
defer sysctl -qw "fs.lease-break-time=$(sysctl -n fs.lease-break-time)"
sysctl -qw fs.lease-break-time=100000
cp enter mapped
cg_remove odd
cg_make odd
cg_start odd ./leased mapped >said
check "a lease" poll_until 30 grep -q leased said
check "it is not waited for" timeout -k 5 "$LIMIT" "$LOADER" trace -c "$CGROOT/odd" -d 2 \
	--stacks 1 --ustack
check "nor where its kind is asked" timeout -k 5 "$LIMIT" "$LOADER" --dry-run --exe mapped

trace -c "$CGROOT/db" -d 2 --stacks 9 --ustack
shown() { check "it is there" grep -qF 'other_?[31m?main' out; }
shown
check "nor in a table" eval '! grep -q $'"'\e'"' out'
trace -c "$CGROOT/db" -d 2 --folded --ustack
shown
check "nor folded" eval '! grep -q $'"'\e'"' out'
check "a line a stack" eval '! grep -vE "^[^;]+;.* [0-9]+$" out'
