# SPDX-License-Identifier: GPL-2.0
# READ: The same reads through device-mapper: forcepoll polls the drive below.
set title head("Direct 4 KiB reads of the drive, and of dm-linear on it: latency")
set ylabel "mean latency, µs"
load "bars.gp"
