# SPDX-License-Identifier: GPL-2.0
# READ: Up is faster than interrupts, right is more CPU time, of the whole machine,
# READ: since interrupts are nobody's. Interrupts are at 1 and 0. Up and left of there
# READ: is better in both.
set title head("What CPU time buys: direct 4 KiB reads, one after the other")
set xlabel "CPU time of the machine for each read, as a multiple of that with interrupts"
set ylabel "mean latency gained over interrupts, %"
set yrange [*:*]
set xrange [0:*]
set grid xtics ytics
set xzeroaxis lc rgb "#808080"
plot for [i = 1:N] file index i - 1 using 1:4:2:3:5:6 with xyerrorbars \
	lt look(i) ps 1.5 title columnheader(1)
