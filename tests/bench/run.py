#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""lklfs side by side with its backing and with its peers, in one run: what a build does to files, requests, bytes that reach
the device, CPU time, memory, whole builds. Needs root.

    tests/bench/run.py [--build-dir DIR | --lklfs FILE] [--passthrough-hp FILE] [--json FILE] [--svg FILE]
                       [--only NAME]... [--sides LIST] [--processes LIST] [--rounds N] [--cores spin|awake|idle]
                       [--lkl TREE FIXED] [--lkl-clean TREE] [--small] [--limit SECONDS]

Peers are bindfs, fuse-overlayfs, mergerfs, the kernel's overlayfs, and `passthrough_hp`, an example program of libfuse, which no
package has: build libfuse's sources (`meson setup -Dexamples=true --buildtype=release`) and say where it is. It is mounted as
`passthrough_hp --foreground SOURCE DIR`, so with its own defaults: names and attributes are cached for a day, all cores
serve, and from libfuse 3.17 on, what is open goes past it in the kernel. lklfs is mounted as `lklfs DIR`.

All sides lie on one ext4 with a journal, in a file in memory (some 8 GiB of it are needed), and take turns in each round. works.py has the
rows; each is done by one process, by 4 and by 16 that share it, and some by a new process for each time, as in a build. Figures are
for one time, medians of the rounds. bars.py has the bars. Requests are counted by the kernel's tracepoint.

--only: rows, or `memory`, `C++` or `LKL`, with NAME in their name. --sides: backing and lklfs are always there. --lkl TREE FIXED and
--lkl-clean TREE: see lkl.sh; the second removes all that git does not know from TREE. Without them LKL is not built.

Idle cores wake slowly on many machines, and the sides do not sleep alike. Hence --cores: `spin`, an idle-priority
spinner on each core; `awake`, /dev/cpu_dma_latency held open; `idle`, neither. A spinner may get the rest of a tick when
a process has used up its share, which hits the side that switches more often (docs/LKL.md).

A side that takes more than --limit seconds for a run is ended, and has failed. The exit status is 1 if a bar is missed or lklfs has failed
in a row, 2 for a wrong command line; a side that is not there is said, and bars against it are not judged. With --small (which is to
see whether all works) or less than 7 rounds none is. Use a build of --buildtype=release, and let nothing else run."""

import argparse
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import bars
import builds
import memory
import plot
import report
import sides as peers
import works
from counter import Counter
from measure import Bench

INSIDE = "LKLFS_BENCH_INSIDE"  # says that the namespaces are there, and where to work
IMAGE_SIZE, ROOM = "6G", "10G"  # sparse
PROCESSES = (1, 4, 16)
MOST_FILES, MOST_FILES_SMALL = 1_000_000, 1_000
MEMORY, CPP, LKL = "memory", "C++", "LKL"
ENOUGH = 7  # rounds


def spinners():
    """Idle-priority spinners, one on each core. They end with the process namespace."""
    for core in os.sched_getaffinity(0):
        if os.fork() == 0:
            os.sched_setaffinity(0, {core})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            while True:
                pass


def keep_awake():
    fd = os.open("/dev/cpu_dma_latency", os.O_RDWR)
    os.write(fd, bytes(4))  # as long as it is open


def allow_descriptors():
    """passthrough_hp holds one for each known file, and takes as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = int(pathlib.Path("/proc/sys/fs/nr_open").read_text())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, most)))
    except ValueError:
        print(f"not allowed to have more than {hard} descriptors")


def make_root(top):
    image, root = top / "image", top / "root"
    root.mkdir()
    subprocess.run(["truncate", "-s", IMAGE_SIZE, image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    return root


def conditions(arguments):
    result = {"kernel": os.uname().release, "cores": os.cpu_count(), "kept_awake_by": arguments.cores,
              "rounds": arguments.rounds, "backing": "ext4 with a journal, in memory", "small": arguments.small,
              "lklfs": subprocess.run([arguments.lklfs, "-V"], capture_output=True, text=True).stdout.split("\n")[0]}
    options = arguments.lklfs.parent / "meson-info/intro-buildoptions.json"
    if options.exists():
        result["build"] = next(o["value"] for o in json.loads(options.read_text()) if o["name"] == "buildtype")
    return result


class Run:
    def __init__(self, arguments, worker, top):
        self.arguments, self.worker, self.top = arguments, worker, top
        self.rows, self.labels, self.resident, self.times = {}, {}, {}, {}
        self.journal = []
        self.programs, missing = peers.find_programs(arguments.sides, arguments.lklfs, arguments.passthrough_hp)
        for sentence in missing:
            print(sentence)
        self.root = make_root(top)
        self.counter = Counter(top)

    def wants(self, name):
        only = self.arguments.only
        return not only or any(part.lower() in name.lower() for part in only)

    def make_sides(self, top, names):
        return [peers.Side(name, self.programs, top, self.arguments.limit) for name in names]

    def measure_rows(self):
        wanted = [works.small(row) if self.arguments.small else row for row in works.ROWS if self.wants(row.name)]
        if not wanted:
            return
        sides = self.make_sides(self.root, self.programs)
        for side in sides:
            try:
                side.mount()
            except peers.Failed as failure:
                side.failed = side.failed or str(failure)
                print(f"failed: {failure}")
        n_listed = works.N_LISTED // 50 if self.arguments.small else works.N_LISTED
        bench = Bench(sides, self.worker, self.counter, self.root, self.top, n_listed)
        for row in wanted:
            results = {(row.name, variant): cells for variant, cells
                       in bench.row(row, self.arguments.processes, self.arguments.rounds).items()}
            self.labels |= {key: key[1].label(row) for key in results}
            self.rows |= results
            report.print_times(self.programs, results, self.labels)
        for side in sides:
            side.end()

    def measure_rest(self):
        if self.wants(MEMORY):
            top = self.top / "memory-sides"
            top.mkdir()
            sides = self.make_sides(top, [name for name in self.programs if name not in ("backing", "overlayfs")])
            most = MOST_FILES_SMALL if self.arguments.small else MOST_FILES
            self.resident = memory.measure(sides, self.top, self.worker, most)
        if self.wants(CPP) and builds.missing():
            print(f"{builds.missing()} is not installed: no C++ project")
        elif self.wants(CPP):
            times, self.journal = builds.cpp(self.root, self.arguments.lklfs, self.arguments.small)
            self.times |= times
        if self.wants(LKL):
            self.times |= builds.lkl_builds(self.arguments.lkl, self.arguments.lkl_clean, self.arguments.lklfs)

    def report(self, known):
        daemons = [name for name in self.programs if name not in ("backing", "overlayfs")]
        print(f"\n{', '.join(f'{name}: {value}' for name, value in known.items())}\n")
        if self.rows:
            report.print_times(self.programs, self.rows, self.labels)
            report.print_costs(self.programs, daemons, self.rows, self.labels, self.counter)
            report.print_requests(self.rows, self.labels)
        if self.resident:
            report.print_memory(self.resident)
        if self.times:
            report.print_builds(self.times)
        judged = self.judge()
        if self.arguments.json:
            report.write_json(self.arguments.json, known, self.rows, self.labels, self.resident, self.times,
                              self.journal, judged)
        if self.arguments.svg:
            plot.write_svg(self.arguments.svg, self.rows)
        failed = any(cells["lklfs"].failed for cells in self.rows.values())
        return 0 if not failed and all(bar.met for bar in judged) else 1

    def judge(self):
        if self.arguments.small or self.arguments.rounds < ENOUGH:
            print("no bar is judged")
            return []
        tools = [row.name for row in works.ROWS if row.tool]
        judged, unjudged = bars.judge(self.rows, self.resident, self.times, self.journal, tools)
        for bar in judged:
            print(bar)
        for sentence in unjudged:
            print(f"not judged: {sentence}")
        return judged


def bench(arguments, worker):
    if arguments.cores == "spin":
        spinners()
    elif arguments.cores == "awake":
        keep_awake()
    allow_descriptors()
    top = pathlib.Path(os.environ[INSIDE])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", top], check=True)
    run = Run(arguments, worker, top)
    run.measure_rows()
    run.measure_rest()
    return run.report(conditions(arguments))


def run_inside():
    """Runs this program again, with mounts and processes of its own, which end with it, however that is."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    top = tempfile.mkdtemp(prefix="lklfs-bench-")
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
               os.path.abspath(__file__), *sys.argv[1:]]
    try:
        return subprocess.run(command, env=os.environ | {INSIDE: top}).returncode
    except KeyboardInterrupt:
        return 1
    finally:
        os.rmdir(top)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default="build", help="has lklfs and tests/work")
    parser.add_argument("--lklfs", type=pathlib.Path, help="another program than the one in the build directory")
    parser.add_argument("--passthrough-hp", type=pathlib.Path, metavar="FILE", help="libfuse's example program")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--svg", type=pathlib.Path, metavar="FILE", help="draw the times there")
    parser.add_argument("--only", action="append", metavar="NAME", help="rows with NAME in their name; several times")
    parser.add_argument("--sides", type=lambda text: text.split(","), default=peers.NAMES, metavar="LIST")
    parser.add_argument("--processes", type=lambda text: [int(n) for n in text.split(",")], default=PROCESSES, metavar="LIST")
    parser.add_argument("--cores", choices=("spin", "awake", "idle"), default="spin")
    parser.add_argument("--rounds", type=int, default=ENOUGH)
    parser.add_argument("--lkl", type=pathlib.Path, nargs=2, metavar=("TREE", "FIXED"))
    parser.add_argument("--lkl-clean", type=pathlib.Path, metavar="TREE")
    parser.add_argument("--small", action="store_true", help="little of everything")
    parser.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="for a run of a row")
    arguments = parser.parse_args()
    check(parser, arguments)
    return arguments


def check(parser, arguments):
    if os.geteuid() != 0:
        parser.error("must be root")
    if arguments.rounds < 1 or arguments.limit <= 0:
        parser.error("--rounds and --limit: more than 0")
    if not set(arguments.processes) <= set(PROCESSES) or not arguments.processes:
        parser.error(f"--processes: some of {','.join(map(str, PROCESSES))}")
    if unknown := set(arguments.sides) - set(peers.NAMES):
        parser.error(f"--sides: there is no {unknown.pop()}")
    arguments.sides = [name for name in peers.NAMES if name in arguments.sides or name in ("backing", "lklfs")]
    names = [row.name for row in works.ROWS] + [MEMORY, CPP, LKL]
    for part in arguments.only or []:
        if not any(part.lower() in name.lower() for name in names):
            parser.error(f"--only: nothing has {part} in its name")
    arguments.lklfs = (arguments.lklfs or arguments.build_dir / "lklfs").resolve()
    for program in (arguments.lklfs, arguments.build_dir / "tests/work", arguments.passthrough_hp):
        if program and not os.access(program, os.X_OK):
            parser.error(f"no program: {program}")
    for name in ("json", "svg", "passthrough_hp"):
        if value := getattr(arguments, name):
            setattr(arguments, name, value.resolve())


def main():
    arguments = parse()
    if INSIDE not in os.environ:
        return run_inside()
    sys.stdout.reconfigure(line_buffering=True)
    return bench(arguments, (arguments.build_dir / "tests/work").resolve())


if __name__ == "__main__":
    sys.exit(main())
