# SPDX-License-Identifier: GPL-2.0
# What is asked of the runs that measure() in measure.sh writes.

def median:
  sort | length as $n |
  if $n % 2 == 1 then .[$n / 2 | floor]
  else (.[$n / 2 - 1] + .[$n / 2]) / 2 end;

# The median over runs of something that each has.
def median(f): map(f) | median;

# Per I/O: what a run counted, over how many I/Os it did.
def per_io(f): f / .ios;

# What cannot be, of one run; empty when all is well. Times and ratios are never
# impossible. Jobs that compete for the CPUs may leave nothing to poll.
def impossible:
  (.counters.polled // 0) as $polled |
  ([.counters | to_entries[] |
    select(.key | . == "unpolled" or startswith("skip_")).value] | add // 0)
    as $left |
  (.mode | IN("polled", "waited", "hybrid")) as $polls |
  # Read-ahead makes few of many; and some kinds are better left to interrupts.
  (.row | test("^(sequential|append|dm-crypt|loop|NVMe over|beside)")) as $few |
  (if .drive < .ios * 0.98 and ($few | not) then
    "of \(.ios) I/Os only \(.drive) reached the drive" else empty end),
  (if $polls and .jobs == 1 and $polled == 0 and ($few | not) then
    "nothing was polled" else empty end),
  (if ($polls or .mode == "judged" | not) and $polled > 0 then
    "\($polled) I/Os were polled that must not be" else empty end),
  # Beside the neighbour another one goes on meanwhile.
  (if $polled + $left != (.counters.submitted // 0) and
    .row != "the neighbour" then
    "\(.counters.submitted // 0) I/Os submitted, \($polled) polled, "
    + "\($left) not" else empty end);
