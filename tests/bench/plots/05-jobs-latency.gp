# SPDX-License-Identifier: GPL-2.0
# READ: The latency of the same runs. The axis is logarithmic.
set title head("Direct 4 KiB reads by 1 to 64 processes: latency")
set xlabel "processes at once"
set ylabel "mean latency, µs (logarithmic)"
set logscale y
set yrange [*:*]
load "bars.gp"
