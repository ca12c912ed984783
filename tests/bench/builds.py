# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole builds, without lklfs and with it, in turn: a C++ project that is made here, with CMake and ninja, and the Linux Kernel
Library by lkl.sh. A build is mounted for by `lklfs run`, whose start and end are in its time. Where nothing has changed, ninja alone
is timed, in a mount that stays.

What the journal costs is far below what two builds differ by. So it is not told by two times, but by the CPU time of the
threads that write it, in its ring and in a file, for that of the whole build, programs and daemon."""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import time

from project import make_project
from sides import mounted_at

HERE = pathlib.Path(__file__).resolve().parent
CLEAN_ROUNDS, NO_OP_ROUNDS, NO_OP_TIMES = 3, 7, 20
LKL_CLEAN_PAIRS, LKL_NO_OP_PAIRS = 3, 5
CPP_CLEAN, CPP_NO_OP = "C++ with CMake and ninja, clean", "C++ with CMake and ninja, nothing changed"
JOURNAL_THREADS = ("lklfs-records", "lklfs-journal")
LKL_CLEAN, LKL_NO_OP = "LKL, clean", "LKL, nothing changed"
SIDES = ("backing", "lklfs")


def seconds(command, **options):
    begin = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    return time.monotonic() - begin


def build(source, directory, lklfs):
    under = [lklfs, "run", directory, "--"] if lklfs else []
    script = 'cd "$1" && cmake -G Ninja -S "$2" -B . && ninja -j "$3"'
    return [*under, "sh", "-c", script, "sh", directory, source, os.cpu_count()]


def clean_builds(root, source, lklfs, rounds):
    times = {side: [] for side in SIDES}
    for i in range(rounds):
        for side in SIDES[i % 2:] + SIDES[:i % 2]:
            directory = root / "build" / side
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            subprocess.run(["sync", "-f", root], check=True)
            # What lklfs says of its work is not wanted here; what fails is said by the exit status.
            times[side].append(seconds(build(source, directory, side == "lklfs" and lklfs), stderr=subprocess.DEVNULL))
    return times


def no_op_builds(root, lklfs, rounds):
    times, where = {side: [] for side in SIDES}, root / "build/lklfs"
    ninja = 'for i in $(seq "$1"); do ninja || exit; done'
    subprocess.run([lklfs, where], check=True)
    try:
        for i in range(-1, rounds):
            for side in SIDES[i % 2:] + SIDES[:i % 2]:
                took = seconds(["sh", "-c", ninja, "sh", NO_OP_TIMES], cwd=root / "build" / side) / NO_OP_TIMES
                if i >= 0:  # once untimed
                    times[side].append(took)
    finally:
        subprocess.run([lklfs, "umount", where], check=True)
    return times


def cpu_of_threads(pid):
    """{name: ns}, of threads of one name together"""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().rstrip("\n")
        times[name] = times.get(name, 0) + int((task / "schedstat").read_text().split()[0])
    return times


def cpu_of_children():
    """ns, of those that have ended"""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def journal_parts(root, source, lklfs, rounds):
    """[part], with as many lines in the journal as verdicts were reached"""
    parts, where = [], root / "build/journal"
    for _ in range(rounds):
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        daemon = subprocess.Popen([lklfs, "-f", "-o", f"journal={root / 'build/lines'}", where],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not mounted_at(where) and daemon.poll() is None:
            time.sleep(0.01)
        before = cpu_of_children()
        seconds(build(source, where, None))
        lines = (where / ".lklfs/journal").read_text().splitlines()  # all that have been waiting are in it
        threads = cpu_of_threads(daemon.pid)
        journal = sum(threads[name] for name in JOURNAL_THREADS)
        parts.append(journal / (sum(threads.values()) + cpu_of_children() - before))
        print(f"  {len(lines)} lines of journal, {journal / 1e6:.1f} ms of CPU time, {100 * parts[-1]:.3f} % of the build's")
        subprocess.run([lklfs, "umount", where], check=True)
        daemon.wait()
    return parts


def cpp(root, lklfs, small):
    """({build: {side: [seconds]}}, [part of the journal])"""
    source = root / "project"
    source.mkdir()
    make_project(source, *((1, 1) if small else (4, 7)))
    times = {CPP_CLEAN: clean_builds(root, source, lklfs, 1 if small else CLEAN_ROUNDS),
             CPP_NO_OP: no_op_builds(root, lklfs, 1 if small else NO_OP_ROUNDS)}
    return times, journal_parts(root, source, lklfs, 1 if small else CLEAN_ROUNDS)


def lkl(arguments, lklfs):
    """Runs lkl.sh, and shows what it says. {side: [seconds]}"""
    times = {side: [] for side in SIDES}
    process = subprocess.Popen([str(word) for word in [HERE / "lkl.sh", *arguments]], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"LKLFS": str(lklfs)})
    for line in process.stdout:
        print(f"  {line}", end="")
        if pair := re.fullmatch(r" *([\d.]+) s +([\d.]+) s +[\d.]+\n", line):
            for side, value in zip(SIDES, pair.groups()):
                times[side].append(float(value))
    process.wait()
    return times  # no pair, no ratio: a missed bar


def lkl_builds(no_op, clean, lklfs):
    """{build: {side: [seconds]}} of those that are asked for"""
    results = {}
    if no_op:
        results[LKL_NO_OP] = lkl([*no_op, LKL_NO_OP_PAIRS], lklfs)
    if clean:
        results[LKL_CLEAN] = lkl(["--clean", clean, LKL_CLEAN_PAIRS], lklfs)
    return results


def missing():
    """A program that the C++ project needs and that is not there, or None."""
    return next((name for name in ("cmake", "ninja", "c++") if not shutil.which(name)), None)
