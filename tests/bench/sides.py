# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sides that are compared: each is a directory to work in, and what serves it. All of them but lklfs are mounted the way
their documentation shows first; options are given only where a side could not do the works otherwise, and say why.

A side that cannot do a work has `failed` in that row. One that hangs, or whose daemon ends, is ended, and fails in all further rows."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

NAMES = ("backing", "overlayfs", "lklfs", "bindfs", "fuse-overlayfs", "mergerfs", "passthrough_hp")
PATIENCE = 30  # seconds for a mount, and for an end

libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A side could not do something; says why. If it cannot go on at all, `failed` of the side says why, too."""


def fuse_command(name, programs, backing, where):
    """What stays in the foreground and serves `where` from `backing`, for the sides that need no more."""
    if name == "lklfs":
        return [programs[name], "-f", where]
    if name == "bindfs":
        return [programs[name], "-f", backing, where]
    if name == "mergerfs":
        # It makes no file where less than 4G are free.
        return [programs[name], "-f", "-o", "minfreespace=0", backing, where]
    return [programs[name], "--foreground", backing, where]


def find_programs(wanted, lklfs, passthrough_hp):
    """({side: program}, [sentence about what is not there])"""
    programs, missing = {"backing": "", "overlayfs": "", "lklfs": str(lklfs)}, []
    for name in ("bindfs", "fuse-overlayfs", "mergerfs"):
        programs[name] = shutil.which(name)
    programs["passthrough_hp"] = passthrough_hp and str(passthrough_hp)
    for name in wanted:
        if programs[name] is None:
            why = "no --passthrough-hp" if name == "passthrough_hp" else "not installed"
            missing.append(f"{name}: {why}: not compared")
    return {name: programs[name] for name in wanted if programs[name] is not None}, missing


def mounted_at(directory):
    """(major, minor) of the file system, or None. Nobody is asked who might hang."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(directory):
            return tuple(map(int, fields[2].split(":")))
    return None


class Side:
    def __init__(self, name, programs, top, limit):
        """`limit`: seconds after which a run has hung."""
        self.name, self.programs, self.limit = name, programs, limit
        self.daemon = self.failed = self.device = None
        self.below = top / name
        self.dir = self.backing = self.below / "dir"
        if name in ("bindfs", "mergerfs", "passthrough_hp"):
            self.backing = self.below / "backing"
        elif name in ("fuse-overlayfs", "overlayfs"):
            self.backing, self.lower = self.below / "upper", self.below / "lower"
            self.lower.mkdir(parents=True)
            (self.below / "work").mkdir()
        self.dir.mkdir(parents=True)
        self.backing.mkdir(exist_ok=True)

    def show(self, files):
        """To be mounted upon these files."""
        if self.name == "lklfs":
            self.dir = self.backing = files
        elif self.name in ("fuse-overlayfs", "overlayfs"):
            self.lower = files
        else:
            self.backing = files

    def layers(self):
        return f"lowerdir={self.lower},upperdir={self.backing},workdir={self.below / 'work'}"

    def mount(self):
        if self.name == "overlayfs":
            self.run(["mount", "-t", "overlay", "-o", self.layers(), "overlay", self.dir])
        elif self.name == "fuse-overlayfs":
            self.serve([self.programs[self.name], "-f", "-o", self.layers(), self.dir])
        elif self.name != "backing":
            self.serve(fuse_command(self.name, self.programs, self.backing, self.dir))


    def serve(self, command):
        # Its own session: whatever it starts is ended with it.
        with open(self.below / "log", "ab") as log:
            self.daemon = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, start_new_session=True)
        limit = time.monotonic() + PATIENCE
        while not (device := mounted_at(command[-1])):
            if self.daemon.poll() is not None or time.monotonic() > limit:
                self.fail(f"does not mount: {self.last_words()}")
            time.sleep(0.01)
        self.device = device

    def last_words(self):
        lines = (self.below / "log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "says nothing"

    def fail(self, why):
        """Ends what serves it: whoever waits for that gets an error."""
        if not self.failed:
            self.failed = why
        self.end()
        raise Failed(f"{self.name}: {self.failed}")

    def end(self):
        if self.daemon:
            if self.daemon.poll() is None:
                os.killpg(self.daemon.pid, signal.SIGKILL)
            self.daemon.wait(PATIENCE)
            self.daemon = None
        if self.name != "backing":
            libc.umount2(os.fsencode(self.dir), 2)  # MNT_DETACH

    def umount(self):
        """Lets what serves it come to its end."""
        if self.failed or self.name == "backing":
            return
        daemon, self.daemon = self.daemon, None
        self.run(["umount", self.dir])
        if daemon:
            try:
                daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.daemon = daemon
                self.fail("does not end")

    def run(self, command):
        """What it prints. A command that takes longer than the limit is ended, and with it the side."""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            output, errors = process.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            try:
                self.fail(f"hangs: {' '.join(process.args)}")
            finally:
                process.communicate()  # who waits for a daemon ends only after that
        if self.daemon and self.daemon.poll() is not None:
            self.fail(f"has ended: {self.last_words()}")
        if process.returncode != 0:
            why = errors.strip() or f"exit status {process.returncode}"
            raise Failed(f"{self.name}: {process.args[0]}: {why}")
        return output

    def cpu(self):
        """Nanoseconds of CPU time of the daemon so far, those of its threads that have ended as well."""
        return time.clock_gettime_ns((~self.daemon.pid << 3) | 2) if self.daemon else 0

    def calls(self):
        """Reads and writes of the daemon so far: at least two for a request, unless it moves data by splice."""
        counts = dict(line.split(": ") for line in pathlib.Path(f"/proc/{self.daemon.pid}/io").read_text().splitlines())
        return int(counts["syscr"]) + int(counts["syscw"])

    def rss(self):
        """Bytes."""
        for line in pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        self.fail("has ended")
