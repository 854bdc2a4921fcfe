# SPDX-License-Identifier: GPL-2.0
# READ: Where more processes read than there are CPUs, polling has nothing left to
# READ: gain: another task always wants the CPU, and forcepoll leaves the I/O to
# READ: interrupts. Whiskers are extremes.
set title head("Direct 4 KiB reads by 1 to 64 processes: throughput")
set xlabel "processes at once"
set ylabel "thousand reads per second, all processes"
load "bars.gp"
