# SPDX-License-Identifier: LGPL-2.1-or-later
"""What lklfs may take at most, in terms of what others take in the same run: ratios are the medians of those of the rounds.

Beside those of the table below: nothing may reach the block device where a large file is written again with the same bytes, but what
making the file's inode takes; a known file costs no request; sixteen processes together are not slower than one, where the
work is done by the processes themselves (tools have to be started sixteen times instead of once).

bindfs is judged where it has been from the beginning: where 4 KiB become others, against a new file that is renamed over the
old one there, for lklfs replaces a file whole, and to make an inode, rename it and let go of the old one takes longer on the
backing itself than to write over 4 KiB. Where a process does only one of them, those of 64 MiB alone are judged: of each new
process lklfs finds out who it is (P5, P10, P15), which takes some 50 us, once."""

import dataclasses
import statistics

import builds
import memory
from works import BIG, REPLACE, Variant

ONE, OWN, MANY = Variant(1), Variant(1, own=True), Variant(16)

# row, against, at most, the row of the other side if that is not the same
TIMES = (
    ("stat", ONE, "passthrough_hp", 1.05, None),
    ("open+read+close 4 KiB", ONE, "passthrough_hp", 0.5, None),
    ("rewrite 4 KiB, same", ONE, "passthrough_hp", 1.0, None),
    ("rewrite 64 MiB, same", ONE, "backing", 2.0, None),
    ("rewrite 64 MiB by 4 KiB, same", ONE, "backing", 3.0, None),
    ("unlink+create 64 MiB, same", ONE, "backing", 2.0, None),
    ("rewrite 64 MiB, other", ONE, "passthrough_hp", 1.0, None),
    ("rewrite 64 MiB by 4 KiB, other", ONE, "passthrough_hp", 1.0, None),
    ("rewrite 64 MiB by 1 MiB, other", ONE, "passthrough_hp", 1.0, None),
    ("open+read+close 4 KiB", ONE, "bindfs", 1.0, None),
    ("rewrite 4 KiB, same", ONE, "bindfs", 1.0, None),
    ("rewrite 4 KiB, other", ONE, "bindfs", 1.0, REPLACE),
    ("rewrite 64 MiB, same", ONE, "bindfs", 1.0, None),
    ("rewrite 64 MiB, other", ONE, "bindfs", 1.0, None),
    ("rewrite 64 MiB, same", OWN, "bindfs", 1.0, None),
    ("rewrite 64 MiB, other", OWN, "bindfs", 1.0, None),
)
DEVICE = (  # row, bytes
    ("rewrite 64 MiB, same", 0),
    ("rewrite 64 MiB by 4 KiB, same", 0),
    ("unlink+create 64 MiB, same", BIG // 100),
)
NO_REQUEST = "stat"
BUILDS = {builds.CPP_CLEAN: 1.02, builds.LKL_CLEAN: 1.02, builds.LKL_NO_OP: 1.02}
PER_FILE = 300  # bytes
JOURNAL = 0.02  # of the CPU time of a build
RSS_FILES, RSS = 100_000, 64 << 20


@dataclasses.dataclass
class Bar:
    what: str
    value: float  # None: could not be measured
    most: float
    unit: str  # what the value is in

    @property
    def met(self):
        return self.value is not None and self.value <= self.most

    def __str__(self):
        value = "failed" if self.value is None else f"{self.value:.2f}{self.unit}" if self.value >= 0.1 or not self.value else f"{self.value:.5f}{self.unit}"
        return f"{'ok  ' if self.met else 'MISS'}  {self.what}: {value}, at most {self.most:g}"


def ratio(times, others):
    """What the one takes for what the other takes, the median over the rounds. None if there are no rounds."""
    ratios = [a / b for a, b in zip(times, others)]
    return statistics.median(ratios) if ratios else None


def judge_times(rows, unjudged):
    bars = []
    for name, variant, against, most, other in TIMES:
        cells = rows.get((name, variant))
        others = rows.get((other or name, variant))
        if not cells or not others:
            continue
        what = f"{name}, own process" if variant.own else name
        if against not in others or others[against].failed:
            unjudged.append(f"{what}, against {against}")
            continue
        lklfs = cells["lklfs"]
        value = None if lklfs.failed else ratio(lklfs.times, others[against].times)
        bars.append(Bar(what, value, most, f" of {against}" + (f", {other}" if other else "")))
    return bars


def judge_traces(rows):
    """What is not to happen at all."""
    bars = []
    for name, most in DEVICE:
        if cells := rows.get((name, ONE)):
            lklfs = cells["lklfs"]
            value = None if lklfs.failed else statistics.median(lklfs.device)
            bars.append(Bar(f"{name}: to the device", value, most, " bytes"))
    if cells := rows.get((NO_REQUEST, ONE)):
        lklfs = cells["lklfs"]
        if lklfs.failed:
            bars.append(Bar(f"{NO_REQUEST}: requests", None, 0, ""))
        elif lklfs.requests is not None:
            bars.append(Bar(f"{NO_REQUEST}: requests", sum(lklfs.requests.values()), 0, ""))
        else:
            bars.append(Bar(f"{NO_REQUEST}: calls of the daemon", lklfs.calls, 0, ""))
    return bars


def judge_crowd(rows, tools):
    bars = []
    for (name, variant), cells in rows.items():
        alone = rows.get((name, ONE))
        if variant != MANY or not alone or name in tools:
            continue
        failed = cells["lklfs"].failed or alone["lklfs"].failed
        value = None if failed else ratio(cells["lklfs"].times, alone["lklfs"].times)
        bars.append(Bar(f"{name}: 16 processes", value, 1.0, " of the time of one"))
    return bars


def judge_rest(resident, times, journal):
    bars = []
    if "lklfs" in resident:
        mine = resident["lklfs"]
        bars.append(Bar("memory per known file", memory.per_file(mine), PER_FILE, " bytes"))
        bars.append(Bar(f"resident after {RSS_FILES:,} files", mine.get(RSS_FILES), RSS, " bytes"))
    for name, most in BUILDS.items():
        if name in times:
            against = "backing with the upstream fix" if name == builds.LKL_NO_OP else "backing"
            bars.append(Bar(name, ratio(times[name]["lklfs"], times[name]["backing"]), most, f" of {against}"))
    if journal:
        bars.append(Bar("the journal", statistics.median(journal), JOURNAL, " of a build's CPU time"))
    return bars


def judge(rows, resident, times, journal, tools):
    """([Bar], [sentence about what was not judged])"""
    unjudged = []
    bars = judge_times(rows, unjudged) + judge_traces(rows) + judge_crowd(rows, tools) + judge_rest(resident, times, journal)
    return bars, unjudged
