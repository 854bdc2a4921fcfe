# SPDX-License-Identifier: GPL-2.0
# READ: Counted, not timed: exact on any host. On null_blk, which completes in the
# READ: call that submits. Bound, not a target, is what everybody else pays while
# READ: forcepoll serves some.
set title head("What forcepoll costs: instructions for a direct 4 KiB read of null\\_blk")
set xlabel "processes in the map of targets"
set ylabel "instructions for each read"
load "bars.gp"
