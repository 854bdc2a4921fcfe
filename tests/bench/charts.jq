# SPDX-License-Identifier: GPL-2.0
# From the lines of tests/bench/charts to results.json, and from there to the tables
# and to what gnuplot reads.
include "measure";

def round(digits): pow(10; digits) as $f | . * $f | round / $f;

# -- a run -----------------------------------------------------------------------

# The CPU time between two first lines of /proc/stat, in ticks of 10 ms, all CPUs, but
# for what they were idle or waited.
def busy:
  split("\n") | map([scan("[0-9]+") | tonumber] | .[0] + .[1] + .[2] + .[5] + .[6]) |
  if length == 2 then .[1] - .[0] else null end;

# Interrupts so far, of the I/O queues of a drive, of /proc/interrupts.
def irqs($dev): ($dev | sub("n[0-9p]*$"; "q[1-9]")) as $queue | split("\n") |
  map(select(test($queue)) | split(" ") | map(select(. != ""))[1:] |
    map(select(test("^[0-9]+$")) | tonumber)) | flatten | add // 0;

# Reads and writes so far, of a drive's stat.
def ios: [scan("[0-9]+") | tonumber] | .[0] + .[4];

# Notes come before the JSON.
def json: .[index("{\n"):] | fromjson;

# A line of the guest's, reduced: what fio or trace says of it is parsed.
def run:
  .dev as $dev | (.raw | json) as $raw | (.before.status.counters // {}) as $before |
  {chart, section, row: (.section | sub("-IOPOLL$"; "")), mode, rep,
    irqs: ((.after.irqs | irqs($dev)) - (.before.irqs | irqs($dev))),
    drive: ((.after.stat | ios) - (.before.stat | ios)),
    counters: ((.after.status.counters // {}) |
      with_entries(.value -= ($before[.key] // 0) | select(.value != 0)))} +
  if .chart == "switches" then {jobs: 1, ios: $raw.ios, switches: (
    def of(f): [$raw.causes[] | select(.kind | f).count] | add // 0;
    {"system calls": of(. == "system call"), "page faults": of(. == "page fault"),
      "timer ticks": of(. == "timer"),
      "other interrupts": of(IN("system call", "page fault", "timer") | not),
      "context switches": ($raw.voluntary + $raw.involuntary)} |
    map_values(. * 1000 / $raw.ios))}
  else $raw.jobs[0] as $job | ([$job.read, $job.write] | max_by(.total_ios)) as $io |
    (.cpu | busy) as $busy |
    {jobs: ($job["job options"].numjobs // "1" | tonumber), ios: $io.total_ios,
      iops: $io.iops, mean_us: ($io.lat_ns.mean / 1000)} +
    ($io.clat_ns.percentile // {} | with_entries(
      .key |= "p" + (sub("0+$"; "") | sub("[.]$"; "")) | .value /= 1000)) +
    {switches_per_io: ($job.ctx / $io.total_ios)} +
    if $busy then {cpu_us_per_io: ($busy * 10000 / $io.total_ios)} else {} end +
    if .log == "" then {} else {time: (.log | split("\n") |
      map(select(. != "") | split(", ") | map(tonumber) |
        [.[0] / 1000, .[1] / 1000]))} end
  end |
  if .ios > 0 then . + {irqs_per_io: (.irqs / .ios),
    polled_percent: (100 * (.counters.polled // 0) / .ios)} else . end;

# The same of the instructions' part, whose rows are like "target, 1 entry, irqmode 0".
def instructions_run:
  {chart: "instructions", section: .row, row, mode, rep: 1, ios, jobs, drive, irqs,
    counters, instructions: .mean_ns};

# -- results ---------------------------------------------------------------------

def spread: {median: median, min: min, max: max};

# All runs in, one entry for each chart, row and mode, in the order of the runs.
def results:
  [.[] | [.chart, .row, .mode]] as $order |
  group_by([.chart, .row, .mode]) | map(. as $runs | .[0] |
    {chart, row, mode, runs: ($runs | length)} +
    (. as $first | ["iops", "mean_us", "p50", "p90", "p99", "p99.9", "p99.99",
      "cpu_us_per_io", "switches_per_io", "irqs_per_io", "polled_percent",
      "instructions"] | map(select($first[.] != null) as $key |
        {($key): ($runs | map(.[$key]) | map(select(. != null)) | spread)}) |
      add // {}) +
    if .switches then {switches: (.switches | with_entries(.key as $key |
      .value = ($runs | map(.switches[$key]) | spread)))} else {} end +
    if .time then ([$runs[].time | length] | min) as $n | {time: [range($n) as $i |
      [($runs | median(.time[$i][0])),
        ($runs | map(.time[$i][1]) | median, min, max)]]} else {} end) |
  sort_by(. as $entry | $order | index([[$entry.chart, $entry.row, $entry.mode]]));

def title:
  {judged: "auto", iopoll: "IOPOLL"}[.] // .;

# Of fewer runs chance alone keeps the extremes apart too often: of three against three
# one time in ten, of five one in 126.
def too_few($a; $b): [$a.runs, $b.runs] | min < 5;

# Each entry against interrupts, with what the extremes leave certain.
def ratios:
  . as $all | .[] | select(.mode != "interrupts" and .iops) | . as $b |
  first($all[] | select(.chart == $b.chart and .row == $b.row and
    .mode == "interrupts")) as $a |
  {chart, row, mode, iops: ($b.iops.median / $a.iops.median),
    latency: ($b.mean_us.median / $a.mean_us.median),
    p99: ($b.p99.median / $a.p99.median),
    switches: [$a.switches_per_io.median, $b.switches_per_io.median],
    irqs: [$a.irqs_per_io.median, $b.irqs_per_io.median],
    polled: $b.polled_percent.median,
    certain: (if too_few($a; $b) then "too few runs"
      elif $b.iops.min > $a.iops.max then "faster"
      elif $b.iops.max < $a.iops.min then "slower" else "within the noise" end)};

# -- for gnuplot -----------------------------------------------------------------
# Data of a chart: the linetypes of its lines or bars, see plots/common.gp, then blocks
# of points, which have a title and end with two empty lines.

# The look of a mode; that of a peer is the sixth.
def look: {interrupts: 1, polled: 2, hybrid: 3, judged: 4, iopoll: 5}[.] // 6;

def uniq: . as $all | unique_by(. as $one | $all | index([$one]));
def of($chart): .charts | map(select(.chart == $chart));
def point: map(tostring) | join(" ");
def value(key): key | .median, .min, .max;

# Lines: of objects with title, look and points.
def lines:
  "# \(map(.look | tostring) | join(" "))",
  (.[] | "\"\(.title)\"", (.points[] | point), "", "");

# Bars: of objects with group, title, look and value, in one block. A bar that a group
# lacks is nothing.
def bars:
  . as $all | ([.[].title] | uniq) as $titles |
  "# \([$titles[] as $t | first($all[] | select(.title == $t)).look | tostring]
    | join(" "))",
  ([".", ($titles[] | "\"\(.)\"", ".", ".")] | join(" ")),
  (([.[].group] | uniq)[] as $group | ["\"\($group)\""] + [$titles[] as $title |
    first(($all[] | select(.group == $group and .title == $title)).value,
      ["NaN", "NaN", "NaN"])[]] | point);

def mode_lines: map(. + {title: (.mode | title), look: (.mode | look)});
def mode_bars(value): map({group: .row, title: (.mode | title), look: (.mode | look),
  value: [value]});

def percentiles: mode_lines | map(.points = (. as $e |
  ["p50", "p90", "p99", "p99.9", "p99.99"] | to_entries | map(select($e[.value]) |
    [.key, ($e[.value] | .median, .min, .max)])));

def data($chart):
  if $chart == "sync" or $chart == "mmap" then
    of($chart) | mode_lines | map(.points = .time) | lines
  elif $chart == "uring" then
    of("uring") | to_entries | map(.value + {look: (.key + 1),
      title: "\(.value.row | gsub("-"; " ")), \(.value.mode | title)",
      points: .value.time}) | lines
  elif $chart == "jobs-iops" then
    of("jobs") | mode_bars(value(.iops) / 1000) | bars
  elif $chart == "jobs-latency" then
    of("jobs") | mode_bars(value(.mean_us)) | bars
  elif $chart == "depth" then
    of("depth") | map(. + (.row | capture("(?<engine>.*)-(?<depth>[0-9]+)"))) |
    group_by(.engine, .mode) | map(.[0] + {look: (.[0].mode | look),
      title: "\(.[0].engine), \(.[0].mode | title)",
      points: (sort_by(.depth | tonumber) |
        map([.depth, value(.iops) / 1000] | map(tonumber? // .)))}) |
    sort_by(.engine, .look) | map(.look += if .engine == "libaio" then 10 else 0 end) |
    lines
  elif $chart == "dm" then
    of("dm") | mode_bars(value(.mean_us)) | bars
  elif $chart == "percentiles" then of("modes") | percentiles | lines
  elif $chart == "writes" then of("writes") | percentiles | lines
  elif $chart == "cpu" then
    of("modes") | map(select(.cpu_us_per_io)) |
    first(.[] | select(.mode == "interrupts")) as $irq | mode_lines |
    map(.points = [[(value(.cpu_us_per_io) / $irq.cpu_us_per_io.median),
      (value(.mean_us) | 100 - 100 * . / $irq.mean_us.median)]]) | lines
  elif $chart == "switches" then
    [of("switches")[] |
      (if .row == "map" then (if .mode == "interrupts" then "unpolled" else .mode end)
        else "\(.mode), nothing to fault in" end)
        as $group |
      .switches | to_entries | to_entries[] | {group: $group, title: .value.key,
        look: (.key + 1), value: [value(.value.value)]}] | bars
  elif $chart == "instructions" then
    of("instructions") | map(select(.row | endswith("irqmode 0"))) |
    first(.[] | select(.row | startswith("not loaded"))) as $none |
    [.[] | (.row | capture("^(?<who>not a target|target), (?<n>[0-9]+) entr")) as $at |
      {group: $at.n, title: "no module", look: 1, value: [value($none.instructions)]},
      {group: $at.n, title: {"target": "target, polled",
        "not a target": "bound, not a target"}[$at.who],
        look: {"target": 2, "not a target": 3}[$at.who],
        value: [value(.instructions)]}] | bars
  else error("no chart \($chart)") end;

# Where and how often it was measured.
def note($chart):
  ({"jobs-iops": "jobs", "jobs-latency": "jobs", percentiles: "modes",
    cpu: "modes"}[$chart] // $chart) as $of |
  ([of($of)[].runs] | [min, max] | unique | map(tostring) | join(" or ")) as $runs |
  .facts | (.kernel | split(" ")[0]) as $kernel |
  if $chart == "instructions" then "Linux \($kernel), counted by QEMU: exact on any host"
  else "\(.device.model), Linux \($kernel), \(.cpus) CPUs; \(
    if $runs == "1" then "one run"
    elif $chart == "uring" then "medians of \($runs) runs"
    else "medians and extremes of \($runs) runs" end
    ) of \(.seconds) s" end;

# -- for the report --------------------------------------------------------------

def tag($name): "<\($name)>\(tostring | @html)</\($name)>";
def cells($name): map(tag($name)) | add | "<tr>\(.)</tr>";
def table($head; rows): "<table>", ($head | cells("th")), rows, "</table>";
def shown(digits): if . == null then "" else round(digits) end;

def warning: if .facts.emulated then
  "<p class=\"emulated\">Measured in an emulated machine. Its microseconds are QEMU's, "
  + "not those of any hardware, and absolute latency is not shown by it. What it does "
  + "show: switches, interrupts and instructions, and the ratios of what the software "
  + "does for each I/O.</p>" else empty end,
  if .facts.complete then empty else
  "<p class=\"emulated\">Stopped before all was measured.</p>" end;

def ratios_page:
  warning, "<h2>Against interrupts</h2>",
  table(["", "", "", "IOPS", "mean latency", "p99", "switches/I/O", "was",
      "interrupts/I/O", "was", "polled %", "IOPS are"];
    .charts | ratios | . as $r |
    ([.chart, .row, (.mode | title), (.iops, .latency, .p99 | shown(2)),
      (.switches[1], .switches[0], .irqs[1], .irqs[0] | shown(3)), (.polled | shown(1)),
      .certain] | cells("td") | sub("<tr>"; "<tr class=\"\($r.certain)\">"))),
  "<p>IOPS and latencies as multiples of those with interrupts: medians of "
  + "\(.facts.reps) runs each. Faster and slower are those whose extremes, of five runs "
  + "or more, do not overlap.</p>";

# What has changed, as the extremes have it: only what is outside of them is marked, and
# of few runs only what has no noise.
def change($key; $a; $b):
  if $key != "instructions" and too_few($a; $b) then ""
  elif $b[$key].min > $a[$key].max then {iops: "faster"}[$key] // "slower"
  elif $b[$key].max < $a[$key].min then {iops: "slower"}[$key] // "faster"
  else "" end;

def changes($other):
  .charts as $all | $other.charts[] | . as $b |
  first($all[] | select([.chart, .row, .mode] == [$b.chart, $b.row, $b.mode])) as $a |
  (["iops", 0], ["mean_us", 1], ["instructions", 0]) | . as [$key, $digits] |
  select($a[$key] and $b[$key]) |
  {chart: $b.chart, row: $b.row, mode: $b.mode, key: $key, a: $a[$key], b: $b[$key],
    percent: (($b[$key].median / $a[$key].median - 1) * 100), digits: $digits,
    verdict: change($key; $a; $b)};

def compare_page($other):
  ($other | warning), "<h2>What has changed</h2>",
  "<p>From \(.facts.revision | @html), \(.facts.date), to "
  + "\($other.facts.revision | @html), \($other.facts.date).</p>",
  if [.facts.cpu, .facts.device.model, .facts.kernel] !=
    [$other.facts | .cpu, .device.model, .kernel] then
    "<p class=\"emulated\">Not the same machine, drive or kernel.</p>" else empty end,
  table(["", "", "", "", "before", "after", "change", "beyond the noise"];
    [changes($other)] | sort_by(.verdict != "slower", .verdict != "faster")[] | . as $c |
    ([.chart, .row, (.mode | title), .key,
      (.a, .b | "\(.median | round($c.digits)) (\(.min | round($c.digits)) to \(
        .max | round($c.digits)))"), "\(.percent | round(1)) %", .verdict] |
      cells("td") | sub("<tr>"; "<tr class=\"\($c.verdict)\">"))),
  "<p>Medians, and extremes in brackets. Marked is what the extremes leave no doubt "
  + "about; of fewer than five runs nothing is, but for instructions, which have no "
  + "noise.</p>";

def reading_page:
  "<h2>How to read this</h2>",
  "<p>Lines and bars are medians of the repetitions, shades and whiskers their extremes. "
  + "The modes take turns, so what disturbs one disturbs the others: believe no "
  + "difference that is smaller than the extremes. Polling takes a CPU while it waits: "
  + "where CPUs are scarce it has nothing to give. On a drive whose blocks were never "
  + "written or are trimmed, reads may not reach the medium at all.</p>",
  "<h2>Where it was measured</h2>",
  table(["", ""]; .facts | del(.mitigations, .device, .host, .licence) as $f |
    ($f + (.device // {} | with_entries(.key |= "device, \(.)")) +
      (.host // {} | with_entries(.key |= "host, \(.)")) +
      (.mitigations // {} | with_entries(.key |= "mitigation, \(.)"))) |
    to_entries[] | [.key, .value] | cells("td"));
