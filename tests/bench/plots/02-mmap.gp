# SPDX-License-Identifier: GPL-2.0
# READ: The same through a mapping of the drive: each read is a page fault that waits
# READ: for the drive, which no program can have polled by itself.
set title head("4 KiB page faults on a mapped drive: latency, unpolled and polled")
load "time.gp"
