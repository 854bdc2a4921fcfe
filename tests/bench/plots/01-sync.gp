# SPDX-License-Identifier: GPL-2.0
# READ: One process reads at random, one 4 KiB block after the other, with O_DIRECT.
# READ: Each point is the mean of a twentieth of the run; the line is the median of
# READ: the repetitions, the shade their extremes. Lower is better. Polled is --mode
# READ: poll.
set title head("Direct 4 KiB reads, one after the other: latency, unpolled and polled")
load "time.gp"
