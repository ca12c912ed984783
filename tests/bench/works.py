# SPDX-License-Identifier: LGPL-2.1-or-later
"""The works: a row of the table each. work.c does them.

What several processes do is what one does, divided by their number: so many times, files, or bytes each, in directories of
their own. Their times can be compared directly, and their throughput falls if the time of a row rises. So that no row takes
much longer than the others, each has a number of times of its own.

"same" writes the bytes that the file has; "other" writes bytes that are new in each run. Of what ld and ar are given then, one
of 16 inputs has changed."""

import dataclasses

SMALL = 4 << 10
BIG = 64 << 20
N_INPUTS = 16  # of ld and ar


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    work: str  # see work.c
    n: int = 1  # times in a run
    other: bool = False
    size: int = SMALL  # of a file; of all files, if there is one for each process
    step: int = SMALL
    n_own: int = 0  # times in a run where each has a process of its own; 0: no such runs
    cold: bool = False  # what is to be read is in no cache

    @property
    def big(self):
        return self.size == BIG

    @property
    def tool(self):
        return self.work in ("cp", "ld", "ar")

    @property
    def writes(self):
        return self.work not in ("stat", "read", "list")


def both(name, work, **details):
    """The same and other bytes."""
    return (Row(f"{name}, same", work, **details), Row(f"{name}, other", work, other=True, **details))


LIST = "readdir+stat of 10,000"
N_LISTED = 10_000
REPLACE = "new 4 KiB renamed over"

ROWS = (
    Row("stat", "stat", 100_000, n_own=20),
    Row("open+read+close 4 KiB", "read", 1_000, n_own=20),
    Row(LIST, "list"),
    Row("create 4 KiB", "create", 400, other=True),
    *both("rewrite 4 KiB", "write", n=400, n_own=20),
    Row(REPLACE, "replace", 400, other=True, n_own=20),
    Row("unlink+create 4 KiB, same", "recreate", 400),
    Row("mv over 4 KiB, same", "replace", 400),
    *both("rewrite 64 MiB", "write", size=BIG, step=64 << 10, n_own=1),
    *both("rewrite 64 MiB by 4 KiB", "write", size=BIG, step=4 << 10),
    *both("rewrite 64 MiB by 1 MiB", "write", size=BIG, step=1 << 20),
    Row("unlink+create 64 MiB, same", "recreate", size=BIG, step=64 << 10),
    *both("64 MiB through mmap", "map", size=BIG, step=64 << 10),
    *both("cp 64 MiB", "cp", size=BIG, step=64 << 10),
    *both("ld -r 64 MiB", "ld", size=BIG, step=64 << 10),
    *both("ar 64 MiB", "ar", size=BIG, step=64 << 10),
    Row("read 64 MiB, first", "read", size=BIG, step=64 << 10, cold=True),
    Row("read 64 MiB, again", "read", size=BIG, step=64 << 10),
)


def small(row):
    """The same in little, to see whether it works."""
    if row.big:
        return dataclasses.replace(row, size=16 * max(row.step, 64 << 10), n_own=min(row.n_own, 1))
    return dataclasses.replace(row, n=max(row.n // 50, 1) if row.n > 1 else 1, n_own=min(row.n_own, 2))


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a row is run."""
    processes: int
    own: bool = False  # each time by a process of its own

    def label(self, row):
        if self.own:
            return f"{row.name}, own process"
        return row.name if self.processes == 1 else f"{row.name}, {self.processes} processes"


def variants(row, counts):
    return [Variant(k) for k in counts] + ([Variant(1, own=True)] if row.n_own and 1 in counts else [])
