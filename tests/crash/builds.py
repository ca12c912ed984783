#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""P18, by lot: builds whose daemon is ended in the middle, and what make makes of what is left.

    tests/crash/builds.py --lklfs LKLFS [--seed N] [--how HOW[,HOW...]] [--cut FS [--count]] [--option OPTION] DIRECTORY ROUNDS

In DIRECTORY, which is empty, a small project (project.mk) is built with make -j4 over and over. In each round some of its
sources are changed, lklfs is mounted over its outputs or over all of it, make is started, and at a moment drawn by lot the
daemon or the mount is ended. HOW, one of these, drawn by lot as well (default: kill):

    kill      SIGKILL of the daemon
    term int  SIGTERM or SIGINT of the daemon
    umount    umount(8) or fusermount3 -u, tried until it is not busy
    lazy      umount -l or fusermount3 -uz
    force     lklfs umount --force

Then make and the daemon are waited for, the mount is taken away (or left to the next one), and

  - each file is what a clean build makes of the sources as they are, or as they were in any round since the tree was last as a
    clean build makes it; what has several names may be half written (P14) as long as there is a hidden name, and what is
    written with SIGKILL leaves nothing but hidden names;
  - or, in a third of the rounds, that is done again, upon what is there;
  - the next mount leaves no half of anything and no hidden name;
  - make, in a mount or without one, leaves exactly what a clean build makes.

--cut FS is about power cuts instead: the outputs are on an image of xfs or ext4, which is shut down at the moment drawn by lot,
with its log flushed or not, and mounted again when the daemon has been killed. With `--option durable` all of the above
holds then. --count only counts what does not, for without it that depends on the file system; with `--lklfs -` the same is done
without lklfs, to compare. Needs root.

The seed and, after a failure, the round are printed; moments depend on the machine. The last line is
`N rounds, N ended in the middle, N files looked at, N saved beside, N let go, N torn, N lost, N
stale`. Exit status: 0 nothing failed, 1 something did,
2 called wrongly."""

import argparse
import fcntl
import os
import pathlib
import random
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))
from limit import describe, processes  # in the directory above
LIMIT = 120  # seconds that nothing takes
PATIENCE = 30  # seconds after which whoever waits for a daemon that was killed is let go
HIDDEN = ".lklfs-"
UNSAVED = ".lklfs-unsaved"
# What programs write under names of their own, until it is done.
TEMPORARY = re.compile(r"(.*\.tmp|sed\w{6}|st\w{6})$")
# What no recipe removes before it writes it is never missing once it is there.
STAYS = re.compile(r"(config\.h|always\.h|steps\.bin|post\.h|one|big2|sum2|inc/.*|temporary)$")
LINKED = ("one", "two")
GROUPS = 3


class Failed(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def write_sources(src, state):
    """state: for each group of sources, which of two versions"""
    a, b, c = state
    big = b"".join(b"%08d %d\n" % (i, b if i == 7000 else 0) for i in range(20000))
    texts = {
        "config.in": f"#define @CONFIG {a}\n",
        "c0.c": f'#include "config.h"\nint c0(void) {{ return _CONFIG + {b}; }}\n',
        "c1.c": f'#include "config.h"\nint c1(void) {{ return {a}; }}\n',
        "k.c": "#ifndef K\n#define K 0\n#endif\nint k(void) { return K; }\n",
        "flags": f"-DK={c}\n",
        "raw.in": "raw\n" * (2000 + b),
        "linked.in": f"{c}\n" + "linked\n" * 40000,
    } | {f"a{i}.s": f".globl a{i}\n.data\na{i}: .long {(a, b, c)[i % 3]}\n" for i in range(6)}
    for name, data in [(name, text.encode()) for name, text in texts.items()] + [("big.in", big)]:
        path = src / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def raise_it(error):
    raise error


def contents(out):
    """name -> (mode, bytes) of every file; hidden names and temporary ones on their own"""
    files, hidden, unsaved = {}, [], []
    for directory, names, leaves in os.walk(out, onerror=raise_it):
        for name in list(names):
            if name.startswith(HIDDEN):
                hidden.append(name)
                names.remove(name)
        for name in leaves:
            path = pathlib.Path(directory, name)
            if name.startswith(HIDDEN):
                hidden.append(name)
            elif UNSAVED in name:
                unsaved.append(path)
            elif not TEMPORARY.match(name):
                files[str(path.relative_to(out))] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
    return files, hidden, unsaved


class Disk:
    """A file system whose power can be cut."""

    SHUTDOWN = 0x8004587D  # XFS_IOC_SHUTDOWN, EXT4_IOC_SHUTDOWN
    LOGFLUSH, NOLOGFLUSH = 1, 2

    def __init__(self, kind, image, directory):
        self.image, self.directory = image, directory
        with open(image, "wb") as file:
            file.truncate(320 << 20)
        subprocess.run([f"mkfs.{kind}", "-q", image], check=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.directory], check=True)

    def open(self):
        """Before lklfs hides it."""
        return os.open(self.directory, os.O_RDONLY)

    def cut(self, fd, how):
        fcntl.ioctl(fd, self.SHUTDOWN, struct.pack("I", how))
        os.close(fd)

    def unmount(self):
        """Who has been killed lets go of it a moment later."""
        limit = time.monotonic() + LIMIT
        while subprocess.run(["umount", self.directory], capture_output=True, check=False).returncode:
            if time.monotonic() > limit:
                sys.exit("builds.py: the file system is in use")
            time.sleep(0.01)


class Project:
    def __init__(self, args):
        self.args = args
        self.lot = random.Random(args.seed)
        self.top = args.directory / "project"
        self.out = self.top / "out"
        self.clean_builds = {}
        self.state = (0,) * GROUPS
        self.possible = set()  # states whose outputs may be there
        self.counts = dict.fromkeys(("torn", "lost", "stale", "other"), 0)
        self.done = []  # in this round
        self.stayed = set()  # names that are there for good
        self.seconds = 0.5  # that a build takes
        self.n_ended = self.n_looked_at = self.n_unsaved = self.n_hung = 0
        self.lay_out(self.top)
        self.disk = Disk(args.cut, args.directory / "image", self.out) if args.cut else None

    def lay_out(self, top):
        (top / "src").mkdir(parents=True)
        (top / "out").mkdir()
        shutil.copy(HERE / "project.mk", top / "Makefile")
        write_sources(top / "src", self.state)

    def clean(self, state):
        if state not in self.clean_builds:
            top = self.args.directory / "clean"
            shutil.rmtree(top, ignore_errors=True)
            self.state, was = state, self.state
            self.lay_out(top)
            self.state = was
            if make(top).wait(LIMIT):
                sys.exit("builds.py: a clean build fails")
            self.clean_builds[state] = contents(top / "out")[0]
            shutil.rmtree(top)
        return self.clean_builds[state]

    def change(self):
        groups = self.lot.sample(range(GROUPS), self.lot.randint(1, GROUPS))
        self.state = tuple(old ^ 1 if i in groups else old for i, old in enumerate(self.state))
        self.possible.add(self.state)
        write_sources(self.top / "src", self.state)

    def run(self, *arguments, may_fail=False):
        done = subprocess.run(
            [self.args.lklfs, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        if done.returncode and not may_fail:
            raise Failed("other", f"lklfs {' '.join(map(str, arguments))}: {done.stderr.strip()}")

    def check(self, torn, left_out=None):
        """Every file is a complete version of its own. torn: what has several names need not be"""
        files, hidden, unsaved = contents(self.out)
        self.n_looked_at += len(files)
        for state in self.possible:
            self.clean(state)
        possible = [self.clean_builds[state] for state in self.possible]
        for name, (_, data) in files.items():
            if torn and hidden and name in LINKED or name == left_out:
                continue
            if not any(name in build and data == build[name][1] for build in possible):
                raise Failed("torn", f"{name} is no complete version ({len(data)} bytes)")
        if missing := self.stayed - set(files):
            raise Failed("lost", f"{missing} were there, and are not")
        self.stayed |= {name for name in files if STAYS.match(name)}
        return hidden, unsaved

    def compare(self, how, status=0):
        if status:
            raise Failed("stale", f"make fails {how}")
        files, hidden, _ = contents(self.out)
        wanted = self.clean(self.state)
        self.n_looked_at += len(files)
        if left := [str(path) for path in self.top.rglob(f"{HIDDEN}*")] + hidden:
            raise Failed("other", f"hidden names after make {how}: {left}")
        for name in sorted(set(files) | set(wanted)):
            if files.get(name) != wanted.get(name):
                what = "missing" if name not in files else "no output" if name not in wanted else "stale, or another mode"
                raise Failed("stale", f"after make {how}: {name} is {what}")
        self.possible = {self.state}

    def end(self, how, pid, mount):
        fusermount = os.geteuid() != 0
        if how in ("kill", "term", "int"):
            os.kill(pid, {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}[how])
        elif how == "lazy":
            subprocess.run(["fusermount3", "-uz", mount] if fusermount else ["umount", "-l", mount], check=True)
        elif how == "force":
            self.run("umount", "--force", mount)
        else:
            limit = time.monotonic() + LIMIT
            command = ["fusermount3", "-u", mount] if fusermount else ["umount", mount]
            while subprocess.run(command, capture_output=True, check=False).returncode and os.path.ismount(mount):
                if time.monotonic() > limit:
                    raise Failed("other", "umount finds it busy for good")

    def hangs(self, how, mount, pids):
        """A daemon that waits in the kernel for a directory's lock, whose owner waits for the daemon, does not die of
        SIGKILL. umount --force ends that. (On a busy machine it may be that make has not got so far.)"""
        print(f"      waits {PATIENCE} s after {how}:", flush=True)
        describe(pids, sys.stdout)
        if how == "kill":
            self.n_hung += 1
            self.run("umount", "--force", mount)

    def build_and_end(self, how, mount, pid):
        """A build that is not left alone."""
        daemon = os.pidfd_open(pid)
        builder = make(self.top)
        try:
            try:
                builder.wait(self.lot.uniform(0, self.seconds))
            except subprocess.TimeoutExpired:
                self.n_ended += 1
            self.end(how, pid, mount)
            try:
                builder.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.hangs(how, mount, {pid} | {p for p in processes() if session_of(p) == builder.pid})
            try:
                builder.wait(LIMIT)
            except subprocess.TimeoutExpired:
                raise Failed("other", f"make hangs after {how}") from None
            if not select.select([daemon], [], [], LIMIT)[0]:
                raise Failed("other", f"the daemon does not end after {how}")
        finally:
            os.close(daemon)
            if builder.poll() is None:
                os.killpg(builder.pid, signal.SIGKILL)
                builder.wait()

    def disturb(self, how):
        """One build that is, and what is there after it."""
        mount = self.lot.choice([self.top, self.out, self.out])
        self.change()
        self.run(*self.lot.choice([[], [], ["-o", "converge"], ["-o", "keep=0"], ["-o", "durable"]]), mount)
        self.build_and_end(how, mount, int(re.search(r'"pid":(\d+)', (mount / ".lklfs/status").read_text()).group(1)))
        way = self.lot.choice([["umount"], ["umount", "--force"], []]) if how == "kill" else []
        if way:
            self.run(*way, mount)
        elif how == "kill":  # the next mount finds it as it is
            self.run(mount)
            self.run("umount", mount)
        # ar that runs in a directory without a path writes other paths into a thin archive
        hidden, unsaved = self.check(torn=bool(way), left_out=None if how == "kill" else "thin.a")
        if unsaved and how != "force" or hidden and not way:
            raise Failed("other", f"left after {how}: {hidden} {unsaved}")
        self.n_unsaved += len(unsaved)
        for path in unsaved:
            path.unlink()

    def power_cut(self):
        """A build, and the end of its file system in the middle of it."""
        way = self.lot.choice([Disk.LOGFLUSH, Disk.NOLOGFLUSH])
        options = [word for option in self.args.option for word in ("-o", option)]
        self.change()
        disk = self.disk.open()
        if self.args.lklfs:
            self.run(*options, self.out)
            pid = int(re.search(r'"pid":(\d+)', (self.out / ".lklfs/status").read_text()).group(1))
            daemon = os.pidfd_open(pid)
        builder = make(self.top)
        try:
            builder.wait(self.lot.uniform(0, self.seconds))
        except subprocess.TimeoutExpired:
            self.n_ended += 1
        self.disk.cut(disk, way)
        if self.args.lklfs:
            os.kill(pid, signal.SIGKILL)
            select.select([daemon], [], [], LIMIT)
            os.close(daemon)
        builder.wait(LIMIT)
        if self.args.lklfs:
            self.run("umount", self.out)
        self.disk.unmount()
        self.disk.mount()
        self.count(lambda: self.check(torn=True))

    def count(self, check):
        """What goes wrong ends it, or is counted."""
        try:
            check()
        except Failed as error:
            if not self.args.count:
                raise
            self.counts[error.kind] += 1
            print(f"      {error}", flush=True)

    def begin_anew(self):
        for path in self.out.iterdir():
            if path.name != "lost+found":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.stayed = set()
        if make(self.top).wait(LIMIT):
            sys.exit("builds.py: make fails")
        os.sync()
        self.possible = {self.state}

    def repair_after_cut(self):
        wrong = sum(self.counts.values())
        if self.args.lklfs:
            self.run(self.out)
            self.run("umount", self.out)
            self.count(lambda: self.check(torn=False))
        status = make(self.top).wait(LIMIT)
        self.count(lambda: self.compare("after a power cut", status))
        if sum(self.counts.values()) > wrong or self.possible != {self.state}:
            self.begin_anew()
        # as if some time had passed, so that the next cut is not about this
        os.sync()

    def repair(self):
        """The next mount, and make."""
        mount = self.lot.choice([self.top, self.out])
        native = self.lot.random() < 0.4
        self.run(self.top)
        self.run("umount", self.top)
        self.check(torn=False, left_out="thin.a")
        if not native:
            self.run(mount)
        begin = time.monotonic()
        status = make(self.top).wait(LIMIT)
        self.seconds += 0.3 * (time.monotonic() - begin - self.seconds)
        if not native:
            self.run("umount", mount)
        how = "without a mount" if native else f"in a mount over {mount.name}"
        if status:
            raise Failed("other", f"make fails {how}")
        self.compare(how)

    def first_build(self):
        self.possible.add(self.state)
        if self.args.lklfs:
            self.run(self.out)
        begin = time.monotonic()
        if make(self.top).wait(LIMIT):
            raise Failed("other", "the first build fails")
        self.seconds = time.monotonic() - begin
        if self.args.lklfs:
            self.run("umount", self.out)
        self.compare("first")
        os.sync()

    def round(self, hows):
        if self.args.cut:
            self.power_cut()
            self.repair_after_cut()
            return 1
        self.done = []
        while not self.done or self.lot.random() < 0.35:
            self.done.append(self.lot.choice(hows))
            self.disturb(self.done[-1])
        self.repair()
        return len(self.done)


def session_of(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return None


def make(top):
    return subprocess.Popen(
        ["make", "-s", "-j4"],
        cwd=top,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lklfs", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--how", default="kill")
    parser.add_argument("--cut", choices=("xfs", "ext4"))
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("rounds", type=int)
    args = parser.parse_args()
    hows = args.how.split(",")
    if args.lklfs == "-":
        args.lklfs = None
    if unknown := set(hows) - {"kill", "term", "int", "umount", "lazy", "force"}:
        parser.error(f"there is no way named {', '.join(unknown)}")
    print(f"seed {args.seed}", flush=True)
    project = Project(args)
    counts = project.counts
    project.first_build()
    n = 0
    while n < args.rounds and (args.count or not sum(counts.values())):
        try:
            n += project.round(hows)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            counts[error.kind if isinstance(error, Failed) else "other"] += 1
            print(f"FAIL  after {n} rounds, {' '.join(project.done)}: {error}\n      the tree is left in {project.top}", flush=True)
            print("".join(f"      {line}" for line in open("/proc/self/mountinfo") if str(project.top) in line), flush=True)
    print(
        f"{n} rounds, {project.n_ended} ended in the middle, {project.n_looked_at} files looked at, "
        f"{project.n_unsaved} saved beside, {project.n_hung} let go, {counts['torn']} torn, {counts['lost']} lost, {counts['stale']} stale"
    )
    if project.disk:
        project.disk.unmount()
    return 1 if sum(counts.values()) and not args.count or not n else 0


sys.exit(main())
