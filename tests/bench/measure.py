# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the works on all sides in turn.

Row by row: each side makes the files of the row through its mount, and does the work once, untimed, or if it is to find what is known
so often that all is known that can be (of a new name lklfs lets the kernel remember nothing for the first few looks); then the rounds, in each of which all sides do it one after the other, a different one first each time; then each FUSE
side once more, while its requests are counted. What one side has left to be written back is written before the next one begins.

A run begins at once in all of its processes and ends when the last one has looked at what it has worked on."""

import dataclasses
import os
import pathlib
import shutil
import subprocess

from sides import Failed
from works import N_INPUTS, N_LISTED, Variant, variants

LOOKS = 6  # after which what is looked at is known


@dataclasses.dataclass
class Cell:
    """One side's figures for one variant of a row, each for one time, a list of the rounds."""
    times: list = dataclasses.field(default_factory=list)  # ns
    cpu: list = dataclasses.field(default_factory=list)  # ns of the daemon's
    device: list = dataclasses.field(default_factory=list)  # bytes that reached the block device
    requests: dict = None  # {opcode: how many}, one run
    calls: float = None  # reads and writes of the daemon, one run
    failed: str = None


class Bench:
    """`root`: the file system of all sides; `top`: a directory on another one, for inputs."""

    def __init__(self, sides, worker, counter, root, top, n_listed=N_LISTED):
        self.sides, self.worker, self.counter, self.n_listed = sides, worker, counter, n_listed
        self.root, self.inputs, self.seed = root, top / "inputs", 1
        device = os.stat(root).st_dev
        self.stat = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")

    # ---- one run ----

    def times(self, row, variant):
        """How often a process does it, and how many times that are in all."""
        if variant.own:
            return row.n_own, row.n_own
        n = max(row.n // variant.processes, 1)
        return n, n * variant.processes if row.n > 1 else 1

    def options(self, row, processes):
        size = row.size // processes // row.step * row.step if row.big or row.size > row.step else row.size
        return ["--processes", processes, "--size", size, "--step", row.step]

    def where(self, top, variant):
        return top / f"work{variant.processes}"

    def ready(self, side, row, variant):
        """What is to be so before a run and is no part of it; returns the run, which returns its nanoseconds."""
        n, _ = self.times(row, variant)
        inputs = self.make_inputs(row, variant.processes) if row.tool else []
        if row.cold:
            for top in (side.dir, side.backing):
                side.run([self.worker, "--processes", variant.processes, "drop", self.where(top, variant), 1])
        seed = 0
        if row.other:
            seed, self.seed = self.seed, self.seed + n * variant.processes
        command = [self.worker, *(["--each"] if variant.own else []), *self.options(row, variant.processes), row.work,
                   self.where(side.dir, variant), n, seed, *inputs]
        return lambda: int(side.run(command))

    def sync(self, side):
        """What one side has left to be written back is not to be the next one's affair."""
        side.run(["sync", "-f", side.dir])
        subprocess.run(["sync", "-f", self.root], check=True)

    def written(self):
        """Bytes that have reached the block device."""
        return int(self.stat.read_text().split()[6]) * 512

    def round(self, side, row, variant, cell):
        _, times = self.times(row, variant)
        work = self.ready(side, row, variant)
        self.sync(side)
        written, cpu = self.written(), side.cpu()
        ns = work()
        self.sync(side)
        cell.times.append(ns / times)
        cell.cpu.append((side.cpu() - cpu) / times)
        cell.device.append((self.written() - written) / times)
        self.tidy(side, row, variant)

    def count(self, side, row, variant, cell):
        _, times = self.times(row, variant)
        work = self.ready(side, row, variant)
        calls = side.calls()
        if self.counter.known:
            cell.requests = {name: n / times for name, n in self.counter.count(side.device, work).items()}
        else:
            work()
        cell.calls = (side.calls() - calls) / times
        self.tidy(side, row, variant)

    # ---- what is there before and after ----

    def make_inputs(self, row, processes):
        """What the tools are given, made anew where it is to be different each time."""
        n = 1 if row.work == "cp" else N_INPUTS
        top = self.inputs / f"{row.work}{processes}"
        names = [top / "p0/file"] if row.work == "cp" else [top / f"{i}.o" for i in range(n)]
        size = row.size // processes // n // 4096 * 4096
        options = ["--size", size, "--step", min(size, 4096)]
        first = not top.exists()
        if first:
            self.inputs.mkdir(exist_ok=True)
            self.tool([self.worker, *options, "--processes", n, "prepare", top, 1])
        if first or row.other:
            self.tool([self.worker, *options, "write", top, 1, self.seed if row.other else 0])
            self.seed += 1
            for i in range(0 if row.work == "cp" else n if first else 1):
                self.tool(["ld", "-r", "-b", "binary", "-o", f"{i}.o", f"p{i}/file"], cwd=top)
        return names

    def tool(self, command, cwd=None):
        subprocess.run([str(word) for word in command], check=True, cwd=cwd, stdout=subprocess.DEVNULL)

    def prepare(self, side, row, variant):
        where = self.where(side.dir, variant)
        n = self.n_listed // variant.processes if row.work == "list" else 1
        side.run([self.worker, *self.options(row, variant.processes), "prepare", where, n])
        if row.work == "ar":  # which takes no other file for an archive
            side.run(["rm", *(where / f"p{i}/file" for i in range(variant.processes))])
        for _ in range(1 if row.writes else LOOKS):
            self.ready(side, row, variant)()
        self.tidy(side, row, variant)

    def tidy(self, side, row, variant):
        """What was created is not to become ever more."""
        if row.work == "create":
            side.run(["find", self.where(side.dir, variant), "-name", "file.*", "-delete"])

    def clear(self, side, counts):
        if not side.failed:
            try:
                side.run(["rm", "-rf", *(self.where(side.dir, Variant(k)) for k in counts)])
            except Failed as failure:
                print(f"failed: {failure}")

    # ---- all runs of a row ----

    def attempt(self, side, cells, function, *arguments):
        """A side that fails once does no more of the row."""
        if side.failed or cells[0].failed:
            return
        try:
            function(*arguments)
        except Failed as failure:
            print(f"failed: {failure}")
            for cell in cells:
                cell.failed = str(failure)

    def row(self, row, counts, rounds):
        """{variant: {side: Cell}}"""
        runs = variants(row, counts)
        results = {variant: {side.name: Cell() for side in self.sides} for variant in runs}
        cells = {side.name: [results[variant][side.name] for variant in runs] for side in self.sides}
        for side in self.sides:
            for cell in cells[side.name]:
                cell.failed = side.failed
        for side in self.sides:
            for k in counts:
                self.attempt(side, cells[side.name], self.prepare, side, row, Variant(k))
        for i in range(rounds):
            for variant in runs:
                for side in self.sides[i % len(self.sides):] + self.sides[:i % len(self.sides)]:
                    cell = results[variant][side.name]
                    self.attempt(side, cells[side.name], self.round, side, row, variant, cell)
        for side in self.sides:
            if side.daemon:
                cell = results[runs[0]][side.name]
                self.attempt(side, cells[side.name], self.count, side, row, runs[0], cell)
            self.clear(side, counts)
        shutil.rmtree(self.inputs, ignore_errors=True)
        return results
