#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""lklfs side by side with its backing, bindfs and fuse-overlayfs, in one run: what a build does to files, requests,
memory. Needs root.

    tests/bench/run.py [--build-dir DIR | --lklfs FILE] [--cores spin|awake|idle] [--rounds N]

All sides lie on one ext4 with a journal, in a file in memory, and take turns in each round. A row has the medians of
the rounds in microseconds for one time, and what lklfs takes for what bindfs takes, the median over the rounds. Each
row is done by one process that goes on, and by a process for each time, as in a build.

Idle cores wake slowly on many machines, and the sides do not sleep alike. Hence --cores: `spin`, an idle-priority
spinner on each core; `awake`, /dev/cpu_dma_latency held open; `idle`, neither. A spinner may get the rest of a tick when
a process has used up its share, which hits the side that switches more often (docs/LKL.md).

Bars: stat of a known file causes no request; open+read+close, and rewriting 4 KiB and 64 MiB with the same and with other
bytes, are not slower than with bindfs; where 4 KiB become others, not slower than a new file that is renamed over the old one
there: lklfs replaces a file whole, and to make an inode, rename it and let go of the old one takes longer on the backing itself
than to write over 4 KiB. Where a process does only one of them, those of 64 MiB alone are judged: of each new process lklfs finds
out who it is (P5, P10, P15), which takes some 50 us, once. Less than 64 MiB resident after 100,000 files have been looked up. The clean LKL build
is measured by lkl.sh. The exit status is 1 if a bar is missed, 2 for a wrong command line; a side that is not installed
is said, and bars against it are not judged. Use a build of --buildtype=release, and let nothing else run."""

import argparse
import ctypes
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
INSIDE = "LKLFS_BENCH_INSIDE"  # says that the namespaces are there, and where to work
SIDES = ("backing", "lklfs", "bindfs", "fuse-overlayfs")
IMAGE_SIZE = "6G"  # sparse
N_MANY = 100_000
RSS_BAR = 64 << 10  # KiB
N_STATS = 10_000
PATIENCE = 30  # seconds for a mount
OTHER, REPLACE = "rewrite 4 KiB, other", "new 4 KiB renamed over"
# name, work, other bytes each time, times in a round by one process, times by processes of their own
ROWS = (
    ("stat", "stat", False, 10_000, 50),
    ("open+read+close 4 KiB", "read", False, 500, 50),
    ("rewrite 4 KiB, same", "small", False, 200, 50),
    (OTHER, "small", True, 200, 50),
    (REPLACE, "replace", True, 200, 50),
    ("rewrite 64 MiB, same", "big", False, 1, 1),
    ("rewrite 64 MiB, other", "big", True, 1, 1),
)

libc = ctypes.CDLL(None)


def die(sentence):
    sys.exit(f"run.py: {sentence}")


class Side:
    """One way to the files: the directory that is worked in, and the daemon that serves it."""

    def __init__(self, name, top, lklfs):
        self.name, self.daemon, self.seed = name, None, 1
        below = top / name
        self.dir = below / "dir"
        self.backing = below / "dir"
        self.dir.mkdir(parents=True)
        if name == "lklfs":
            self.command = [lklfs, "-f", self.dir]
        elif name == "bindfs":
            self.backing = below / "backing"
            self.command = ["bindfs", "-f", self.backing, self.dir]
        elif name == "fuse-overlayfs":
            self.backing = below / "upper"
            lower, work = below / "lower", below / "work"
            lower.mkdir()
            work.mkdir()
            self.command = ["fuse-overlayfs", "-f", "-o", f"lowerdir={lower},upperdir={self.backing},workdir={work}", self.dir]
        self.backing.mkdir(exist_ok=True)

    def mount(self):
        if self.name == "backing":
            return
        self.daemon = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        limit = time.monotonic() + PATIENCE
        while not os.path.ismount(self.dir):
            if self.daemon.poll() is not None or time.monotonic() > limit:
                die(f"{self.name} does not mount")
            time.sleep(0.01)

    def umount(self):
        if self.daemon:
            subprocess.run(["umount", self.dir], check=True)
            self.daemon.wait()

    def calls(self):
        """Reads and writes of the daemon so far: at least two for a request."""
        counts = dict(line.split(": ") for line in pathlib.Path(f"/proc/{self.daemon.pid}/io").read_text().splitlines())
        return int(counts["syscr"]) + int(counts["syscw"])

    def rss(self):
        """KiB"""
        for line in pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        die(f"{self.name} has ended")

    def work(self, worker, name, n, other=False, each=False):
        """Nanoseconds for one time."""
        seed = 0
        if other:
            seed, self.seed = self.seed, self.seed + n
        where = self.dir / ("other" if other else "same")
        command = [worker, *(["--each"] if each else []), name, where, str(n), str(seed)]
        return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


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


def make_sides(top, lklfs):
    image, root = top / "image", top / "root"
    root.mkdir()
    subprocess.run(["truncate", "-s", IMAGE_SIZE, image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    sides = []
    for name in SIDES:
        if name in ("bindfs", "fuse-overlayfs") and not shutil.which(name):
            print(f"{name} is not installed: not compared")
            continue
        side = Side(name, root, lklfs)
        for where in ("same", "other", "many"):
            (side.backing / where).mkdir()
        (side.backing / "same/known").write_bytes(bytes(4096))
        if name != "backing":
            for i in range(N_MANY):
                os.close(os.open(side.backing / f"many/file{i}", os.O_CREAT | os.O_WRONLY))
        sides.append(side)
    return sides


def sync(root):
    """What one side has left to be written back is not to be the next one's affair."""
    fd = os.open(root, os.O_RDONLY)
    if libc.syncfs(fd) != 0:
        die("syncfs fails")
    os.close(fd)


def measure_times(sides, root, worker, rounds):
    """{(row, each): {side: [nanoseconds for one time]}}"""
    results = {(row[0], each): {side.name: [] for side in sides} for row in ROWS for each in (False, True)}
    for side in sides:
        for _, work, other, *_ in ROWS:
            side.work(worker, work, 1, other)
    for i in range(rounds):
        for name, work, other, n, n_each in ROWS:
            for each in (False, True):
                for side in sides[i % len(sides):] + sides[:i % len(sides)]:
                    sync(root)
                    took = side.work(worker, work, n_each if each else n, other, each)
                    results[name, each][side.name].append(took)
    return results


def ratio_of(times, others):
    """What the one takes for what the other takes, the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times, others))


def print_times(sides, results, bars):
    print(f"{'microseconds for one time':37}" + "".join(f"{side.name:>15}" for side in sides) + "  lklfs/bindfs")
    for (name, each), times in results.items():
        medians = [statistics.median(times[side.name]) / 1000 for side in sides]
        line = f"{name + (', own process' if each else ''):37}" + "".join(f"{m:15.1f}" for m in medians)
        if "bindfs" not in times:
            print(line)
            continue
        print(f"{line}  {ratio_of(times['lklfs'], times['bindfs']):12.2f}")
        judge_times(results, name, each, bars)
    print()


def judge_times(results, name, each, bars):
    if name in ("stat", REPLACE) or (each and "64 MiB" not in name):
        return
    against = REPLACE if name == OTHER else name
    ratio = ratio_of(results[name, each]["lklfs"], results[against, each]["bindfs"])
    what = f"{name}{', own process' if each else ''}: {ratio:.2f} of bindfs"
    bars.append((what + (f", {against}" if against != name else ""), ratio <= 1))


def measure_requests(lklfs, worker, bars):
    lklfs.work(worker, "stat", 1)
    before = lklfs.calls()
    lklfs.work(worker, "stat", N_STATS)
    calls = lklfs.calls() - before
    before = lklfs.calls()
    lklfs.work(worker, "read", N_STATS)
    others = lklfs.calls() - before
    # Were these not seen, the count would say nothing.
    bars.append((f"calls of the daemon for {N_STATS} open+read+close: {others}", others >= N_STATS))
    bars.append((f"calls of the daemon for {N_STATS} stat of a known file: {calls}", calls == 0))


def measure_memory(sides, worker, bars):
    for side in sides:
        if not side.daemon:
            continue
        side.umount()
        side.mount()
        before = side.rss()
        n = int(subprocess.run([worker, "lookup", side.dir, "1"], check=True, stdout=subprocess.PIPE).stdout)
        what = f"{side.name}: {side.rss() / 1024:.1f} MiB resident after {n} files ({before / 1024:.1f} before)"
        if side.name == "lklfs":
            bars.append((what, n == N_MANY and side.rss() < RSS_BAR))
        else:
            print(f"      {what}")


def bench(arguments, lklfs, worker):
    if arguments.cores == "spin":
        spinners()
    elif arguments.cores == "awake":
        keep_awake()
    bars, top = [], pathlib.Path(os.environ[INSIDE])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={IMAGE_SIZE}", "tmpfs", top], check=True)
    sides = make_sides(top, lklfs)
    for side in sides:
        side.mount()
    print(f"cores: {arguments.cores}; medians of {arguments.rounds} rounds")
    print_times(sides, measure_times(sides, top / "root", worker, arguments.rounds), bars)
    measure_requests(sides[1], worker, bars)
    measure_memory(sides, worker, bars)
    for what, met in bars:
        print(f"{'ok  ' if met else 'MISS'}  {what}")
    for side in sides:
        side.umount()
    return 0 if all(met for _, met in bars) else 1


def run_inside():
    """Runs this program again, with mounts and processes of its own, which end with it."""
    top = tempfile.mkdtemp(prefix="lklfs-bench-")
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
               os.path.abspath(__file__), *sys.argv[1:]]
    try:
        return subprocess.run(command, env=os.environ | {INSIDE: top}).returncode
    finally:
        os.rmdir(top)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default="build", help="has lklfs and tests/work")
    parser.add_argument("--lklfs", help="another program than the one in the build directory")
    parser.add_argument("--cores", choices=("spin", "awake", "idle"), default="spin")
    parser.add_argument("--rounds", type=int, default=9, help="at least 7")
    arguments = parser.parse_args()
    if arguments.rounds < 7:
        parser.error("--rounds: 7 at least")
    if os.geteuid() != 0:
        parser.error("must be root")
    build = pathlib.Path(arguments.build_dir).resolve()
    lklfs = pathlib.Path(arguments.lklfs).resolve() if arguments.lklfs else build / "lklfs"
    worker = build / "tests/work"
    for program in (lklfs, worker):
        if not os.access(program, os.X_OK):
            parser.error(f"no program: {program}")
    if INSIDE not in os.environ:
        return run_inside()
    sys.stdout.reconfigure(line_buffering=True)
    return bench(arguments, lklfs, worker)


if __name__ == "__main__":
    sys.exit(main())
