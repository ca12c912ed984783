#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A failure at each system call of an exposure in turn.

    faults.py --build BUILD_DIR [OPTION...] DIR VIEW

A scenario writes to a file in DIR, over which lklfs is mounted, and closes it; what the daemon calls between the
writer's first call and a stranger's look after the last is counted (fault.c). Then it is done once more for each of
these calls, each error that it can have, and each way, with fresh files and a fresh mount:

    once     the call fails, and no other one
    on       it and all later ones of its name fail, until strangers have looked; then all is well again
    end      the same, until the mount has been ended by force

What has to be so (P17, P3, P10):

    - Nobody reads anything but what was there or all that was written, or is told an error. (By its other names a file
      that is written through may show less until it is through.)
    - A writer who has been told of no error finds what he wrote: while it goes on failing in the mount, afterwards in the
      backing, or if the mount ends meanwhile in NAME.lklfs-unsaved; or umount's exit status says that it is lost.
    - What is in the backing is all of the old or all of the new, never new bytes with a time that is not newer, and
      with the owner, mode and attributes that it had.
    - When all is well again so is status, other files go on, the mount shows what the backing has; umount is
      content, and nothing hidden is left, or the next mount sweeps it.
    - The daemon lives, and nobody waits for ever. Where memory could not be had (mmap) it may die; then the next mount
      finds all of the old or all of the new.

Options, of which those with `...` take lists with commas:

    --scenario NAME...    these only; their names are printed
    --call GLOB...        only these calls: `NAME`, or `NAME:TARGET`, where TARGET is the last part of a path
    --way NAME...         these ways only
    --errors N            so many errors for each call (1)
    --every N             every Nth case only
    -v                    every case, and all calls

VIEW is DIR as it is seen through another mount of its file system; TMPDIR is needed, too. Needs root. The last line is
`N passed, N failed, N skipped`; exit status 0: none failed."""

import argparse
import collections
import ctypes
import errno
import fnmatch
import json
import mmap
import os
import pathlib
import pickle
import select
import shutil
import signal
import subprocess
import sys
import time

LIMIT = 20  # seconds that anything may take
OLD_TIME = 1_500_000_000 * 10**9 + 123456789  # of what was there before, in nanoseconds
OWNER, MODE, NOTE = 65534, 0o640, b"kept"
SIZE = 70_000

NO_ROOM = ["ENOSPC", "EIO", "EDQUOT", "EROFS"]
META = ["EIO", "EROFS", "EDQUOT"]
LOOK = ["EIO", "ENOMEM"]
OPEN = ["EMFILE", "EIO", "ENOMEM", "EACCES"]
ERRORS = {
    "openat": OPEN, "openat2": OPEN, "fcntl": ["EMFILE"], "pidfd_open": ["EMFILE", "ENOMEM"],
    "statx": LOOK, "newfstatat": LOOK, "fstat": LOOK, "fstatfs": ["EIO"], "getdents64": ["EIO"],
    "getxattr": LOOK, "listxattr": LOOK, "fgetxattr": LOOK, "flistxattr": LOOK,
    "pread64": ["EIO", "EINTR"], "lseek": ["EIO"],
    "pwrite64": NO_ROOM + ["EINTR"], "ftruncate": NO_ROOM, "fallocate": ["ENOSPC", "EOPNOTSUPP", "EINTR", "EDQUOT"],
    "copy_file_range": ["EIO", "ENOSPC", "EXDEV", "EINTR"], "ioctl": ["EIO", "ENOSPC", "EOPNOTSUPP"],
    "fsync": ["EIO", "ENOSPC", "EDQUOT"], "fdatasync": ["EIO"],
    "linkat": NO_ROOM, "renameat": NO_ROOM, "renameat2": NO_ROOM, "unlinkat": ["EIO", "EROFS"],
    "mkdirat": NO_ROOM, "symlinkat": NO_ROOM,
    "fchown": META, "fchownat": META, "fchmod": META, "utimensat": META, "fsetxattr": NO_ROOM, "fremovexattr": META,
    "mmap": ["ENOMEM"],
}  # fmt: skip


class Violation(Exception):
    pass


def pattern(seed, size=SIZE):
    line = b"%s %%07d\n" % seed
    return b"".join(line % i for i in range(size // len(line % 0) + 1))[:size]


OLD, NEW = pattern(b"old"), pattern(b"new, and longer", SIZE + 9000)
PART = OLD[:30_000] + b"PART" + OLD[30_004:]


# ---- processes: whoever looks or writes is one of its own, a stranger to the others ----------------------


def run(function, *args):
    """What function returns, called in a child; its OSError is raised here."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ours)
            try:
                answer = (True, function(*args))
            except OSError as error:
                answer = (False, error.errno)
            os.write(theirs, pickle.dumps(answer))
        finally:
            os._exit(0)
    os.close(theirs)
    data, deadline = b"", time.monotonic() + LIMIT
    while True:
        ready, _, _ = select.select([ours], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            os.close(ours)
            raise Violation(f"{function.__name__} hangs ({wchan(pid)})")
        piece = os.read(ours, 1 << 20)
        if not piece:
            break
        data += piece
    os.close(ours)
    os.waitpid(pid, 0)
    if not data:
        raise Violation(f"{function.__name__} was ended")
    good, value = pickle.loads(data)
    if good:
        return value
    raise OSError(value, os.strerror(value))


def wchan(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return "gone"


def content(path):
    """The bytes, None if it is not there, or the number of an error."""
    try:
        with open(path, "rb", buffering=0) as file:
            data = b""
            while piece := file.read(1 << 20):
                data += piece
            return data
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.errno


def attributes(path):
    st = os.lstat(path)
    note = os.getxattr(path, "user.note") if "user.note" in os.listxattr(path) else None
    return st.st_size, st.st_mtime_ns, st.st_mode & 0o7777, st.st_uid, st.st_ino, note


def describe(data):
    if data is None or isinstance(data, int):
        return "nothing" if data is None else errno.errorcode[data]
    names = {OLD: "OLD", NEW: "NEW", PART: "PART"}
    return names.get(data) or f"{len(data)} bytes, {data[:20]!r}..."


# ---- what a writer does; each returns the errors it has been told -----------------------------------------


class Writer:
    def __init__(self, directory):
        self.directory, self.errors = directory, []

    def __call__(self, what, function, *args):
        """Does one thing. After an error only closing goes on."""
        if self.errors and what != "close":
            return -1
        try:
            return function(*args)
        except OSError as error:
            self.errors.append(f"{what}: {errno.errorcode[error.errno]}")
            return -1

    def path(self, name):
        return f"{self.directory}/{name}"

    def open(self, name, flags, mode=0o644):
        return self("open", os.open, self.path(name), flags, mode)

    def pwrite(self, fd, data, offset=0):
        n = self("write", os.pwrite, fd, data, offset)
        if not self.errors and n != len(data):
            self.errors.append("write: short")

    def close(self, fd):
        if fd >= 0:
            self("close", os.close, fd)

    def write(self, name, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, offset=0):
        fd = self.open(name, flags)
        for at in range(0, len(data), 40_000):
            self.pwrite(fd, data[at : at + 40_000], offset + at)
        self.close(fd)


def same(w):
    w.write("f", OLD)


def changed(w):
    w.write("f", NEW)


def part(w):
    w.write("f", b"PART", os.O_RDWR, 30_000)


def truncated(w):
    w("truncate", os.truncate, w.path("f"), 30_000)


def new(w):
    w.write("new", NEW)


def link_open(fd, path):
    libc = ctypes.CDLL(None, use_errno=True)
    follow = 0x400
    if libc.linkat(-1, f"/proc/self/fd/{fd}".encode(), -1, path.encode(), follow) < 0:
        raise OSError(ctypes.get_errno(), "linkat")


def nameless(w):
    fd = w.open(".", os.O_TMPFILE | os.O_RDWR)
    w.pwrite(fd, NEW)
    w("link", link_open, fd, w.path("new"))
    w.close(fd)


def renamed(w):
    w.write("new", NEW)
    w("rename", os.rename, w.path("new"), w.path("f"))


def renamed_same(w):
    w.write("new", OLD)
    w("rename", os.rename, w.path("new"), w.path("f"))


def removed(w):
    w("unlink", os.unlink, w.path("f"))
    w.write("f", OLD)


def back(w):
    w.write("f", NEW)
    w.write("f", OLD)


def synced(w):
    fd = w.open("f", os.O_WRONLY | os.O_TRUNC)
    w.pwrite(fd, NEW[:40_000])
    w("fsync", os.fsync, fd)
    w.pwrite(fd, NEW[40_000:], 40_000)
    w("fsync", os.fsync, fd)
    w.close(fd)


def mapped(w):
    fd = w.open("f", os.O_RDWR)
    if fd >= 0:
        pages = w("mmap", mmap.mmap, fd, len(OLD))
        # A page that cannot be had is told by SIGBUS.
        if pages != -1 and w("read", os.pread, fd, len(OLD), 0) != -1:
            pages[30_000:30_004] = b"PART"
            w("msync", pages.flush)
            pages.close()
    w.close(fd)


def allocated(w):
    fd = w.open("f", os.O_WRONLY | os.O_TRUNC)
    w("fallocate", os.posix_fallocate, fd, 0, len(NEW))
    w.pwrite(fd, NEW)
    w.close(fd)


class Scenario:
    """What is there before and after; `between` is what an interrupted writer may rightly leave."""

    def __init__(self, function, after, between=(), options=(), names=("f",)):
        self.function, self.after, self.between = function, after, between
        self.options, self.names = options, names
        self.name = function.__name__.replace("_", "-") + "".join(options).replace("-o", "-")
        if len(names) > 1:
            self.name += "-linked"

    def before(self, name):
        return OLD if name in self.names else None

    def may_be(self, name):
        return {self.before(name), self.after.get(name), *self.between}


SCENARIOS = [
    Scenario(same, {"f": OLD}, [b""]),
    Scenario(changed, {"f": NEW}, [b""]),
    Scenario(part, {"f": PART}),
    Scenario(truncated, {"f": OLD[:30_000]}),
    Scenario(new, {"f": OLD, "new": NEW}, [b""]),
    Scenario(nameless, {"f": OLD, "new": NEW}),
    Scenario(renamed, {"f": NEW, "new": None}, [b"", NEW]),
    Scenario(renamed_same, {"f": OLD, "new": None}, [b"", OLD]),
    Scenario(removed, {"f": OLD}, [b"", None]),
    Scenario(back, {"f": OLD}, [b"", NEW]),
    Scenario(synced, {"f": NEW}, [b"", NEW[:40_000]]),
    Scenario(mapped, {"f": PART}),
    Scenario(allocated, {"f": NEW}, [b"", bytes(len(NEW))]),
    Scenario(changed, {"f": NEW, "other": NEW}, [b""], names=("f", "other")),
    Scenario(part, {"f": PART, "other": PART}, names=("f", "other")),
    Scenario(synced, {"f": NEW, "other": NEW}, [b"", NEW[:40_000]], names=("f", "other")),
    Scenario(changed, {"f": NEW}, [b""], options=("-o", "durable")),
    Scenario(new, {"f": OLD, "new": NEW}, [b""], options=("-o", "durable")),
]


# ---- one mount --------------------------------------------------------------------------------------------


class Mount:
    def __init__(self, build, directory, options=()):
        self.lklfs, self.directory = f"{build}/lklfs", directory
        self.log = pathlib.Path(f"{os.environ['TMPDIR']}/faults.log")
        self.log.write_text("")
        self.process = subprocess.Popen(
            [f"{build}/tests/fault", self.lklfs, f"--log={self.log}", *options, directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self.said = b""
        if (said := self.line()) != "exited 0":
            raise Violation(f"mounting: {said}")
        self.pid = self.status()["pid"]

    def line(self):
        while b"\n" not in self.said:
            ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
            piece = self.process.stdout.read(1 << 16) if ready else b""
            if not piece:
                raise Violation("no answer from the program that makes calls fail")
            self.said += piece
        line, self.said = self.said.split(b"\n", 1)
        return line.decode(errors="replace")

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.line()) != "ok":
            lines.append(line)
        return lines

    def status(self):
        data = run(content, f"{self.directory}/.lklfs/status")
        if not isinstance(data, bytes):
            raise Violation(f"the status is {describe(data)}")
        return json.loads(data)

    def try_again(self):
        def sync():
            fd = os.open(f"{self.directory}/.lklfs/status", os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)

        run(sync)

    def lives(self):
        try:
            state = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state not in "ZX"
        except OSError:
            return False

    def umount(self, *options):
        """The exit status, and what it says."""
        try:
            done = subprocess.run(
                [self.lklfs, "umount", *options, self.directory], stdin=subprocess.DEVNULL,
                capture_output=True, timeout=LIMIT + 10,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Violation("umount hangs") from None
        return done.returncode, done.stderr.decode(errors="replace").strip()

    def ended(self):
        """Until the daemon has ended."""
        self.process.stdin.close()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise Violation("the daemon does not end") from None

    def kill(self):
        """Whatever state it is in."""
        if self.process.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except (ProcessLookupError, AttributeError):
                pass
        subprocess.run(["umount", "-l", self.directory], stderr=subprocess.DEVNULL)
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


# ---- one case ---------------------------------------------------------------------------------------------


class Case:
    def __init__(self, args, scenario, call="", error="", way="once"):
        """call: as of fault.c's `fail`; "" if none is to fail."""
        self.args, self.scenario, self.call, self.error, self.way = args, scenario, call, error, way
        self.dir, self.view = args.dir, args.view
        self.mount, self.calls, self.errors, self.wrong, self.has_died = None, [], [], [], False

    def check(self, good, what):
        if not good:
            self.wrong.append(what)

    def lay_out(self):
        for entry in os.scandir(self.view):
            (shutil.rmtree if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
        for path in pathlib.Path(os.environ["TMPDIR"]).glob("*.lklfs-unsaved*"):
            path.unlink()
        path = f"{self.view}/f"
        pathlib.Path(path).write_bytes(OLD)
        os.chown(path, OWNER, OWNER)
        os.chmod(path, MODE)
        os.setxattr(path, "user.note", NOTE)
        os.utime(path, ns=(OLD_TIME, OLD_TIME))
        for name in self.scenario.names[1:]:
            os.link(path, f"{self.view}/{name}")
        # What the file system itself has in memory is no part of it.
        self.before = attributes(path)

    def write(self):
        def act(directory):
            w = Writer(directory)
            self.scenario.function(w)
            return w.errors

        return run(act, self.dir)

    def names(self):
        return sorted({*self.scenario.names, *self.scenario.after})

    def look(self, when, errors_may_be):
        """What strangers read: old or new, and new if the writer was told of no error."""
        for name in self.names():
            data = run(content, f"{self.dir}/{name}")
            # Until all has been written through, other names show the old bytes, or half of the new ones (P14).
            if errors_may_be and (isinstance(data, int) or name in self.scenario.names[1:]):
                continue
            self.judge(f"{when}, {name} for a stranger", name, data)

    def judge(self, what, name, data):
        wanted = self.scenario.may_be(name) if self.errors else {self.scenario.after.get(name)}
        self.check(data in wanted, f"{what}: {describe(data)}")

    def judge_attributes(self, name):
        data = content(f"{self.view}/{name}")
        if data is None or self.scenario.before(name) is None:
            return
        size, mtime, mode, uid, ino, note = attributes(f"{self.view}/{name}")
        if data != OLD:
            self.check(mtime > OLD_TIME, f"{name} is another with an mtime that is not newer")
        else:
            self.check(mtime >= OLD_TIME, f"{name} has an mtime older than it was")
        replaced = self.scenario.function in (renamed, renamed_same, removed)
        if not replaced:
            got = (mode, uid, note)
            self.check(got == (MODE, OWNER, NOTE), f"{name} has mode, owner, attribute {got}")

    def strange(self):
        return [n for n in os.listdir(self.view) if "lklfs" in n and "unsaved" not in n]

    def settle(self):
        """All is well again, while it is mounted."""
        self.mount.try_again()
        status = self.mount.status()
        self.check(status["failed"] == 0, f"failed still: {status['failed_paths']} {status['failed_error']}")
        self.look("then", False)
        # Who has been told of an error does not come again; a stage that was promised to him waits for him a moment.
        deadline = time.monotonic() + LIMIT
        while (staged := self.mount.status()["staged"]) and time.monotonic() < deadline:
            pass
        self.check(not staged, f"staged still: {staged}")
        for name in self.names():
            shown, there = run(content, f"{self.dir}/{name}"), content(f"{self.view}/{name}")
            self.check(shown == there, f"{name} shows {describe(shown)}, the backing has {describe(there)}")
            if there is not None and shown == there:
                shown, there = run(attributes, f"{self.dir}/{name}"), attributes(f"{self.view}/{name}")
                self.check(shown == there, f"{name} shows {shown}, the backing has {there}")

        def other():
            w = Writer(self.dir)
            w.write("goes-on", b"on it goes\n")
            return w.errors

        self.check(not (errors := run(other)), f"another file: {errors}")
        self.check(run(content, f"{self.dir}/goes-on") == b"on it goes\n", "another file has not been written")

    def settle_backing(self):
        for name in self.names():
            self.judge(f"in the backing, {name}", name, content(f"{self.view}/{name}"))
            self.judge_attributes(name)

    def saved(self, name):
        places = (self.view, os.environ["TMPDIR"], "/var/tmp")
        found = [p for place in places for p in pathlib.Path(place).glob(f"{name}.lklfs-unsaved*")]
        return [p.read_bytes() for p in found]

    def end_by_force(self):
        """It goes on failing, so what cannot be exposed is saved, or lost and said to be."""
        try:
            failed = self.mount.status()["failed_paths"]
        except Violation:
            failed = []  # nobody can be asked
        r, said = self.mount.umount()
        # If it is content, all must be there: umount tries once more what has failed.
        if r != 0:
            self.check(not failed or failed[0] in said, f"umount fails, and does not say why: {said}")
            r, said = self.mount.umount("--force")
            self.check(r == 0 or "is lost" in said, f"umount --force: {r} {said}")
        lost = "is lost" in said
        self.mount.ended()
        for name in self.names():
            there, wanted = content(f"{self.view}/{name}"), self.scenario.after.get(name)
            # Half of what has been written through is there by its other names, and all of it beside; or nowhere, and
            # that is said. The next mount finishes it all the same.
            whole = there in self.scenario.may_be(name) or wanted in self.saved(self.scenario.names[0])
            self.check(whole or lost or self.torn_is_told(), f"in the backing at the end, {name}: {describe(there)}")
            if not self.errors and name == self.names()[0] or name == "new":
                good = there == wanted or wanted in self.saved(name) or lost or self.errors
                self.check(good, f"lost in silence: {name} is {describe(there)}, {failed=}, {said!r}")

    def torn_is_told(self):
        return "but in part" in self.mount.log.read_text()

    def died(self):
        self.check("mmap" in self.failed_call(), "the daemon has died: " + self.mount.log.read_text()[-300:])
        self.mount.kill()
        self.has_died = True
        self.errors.append("the daemon died")

    def failed_call(self):
        return next((c for c in self.calls if c.endswith(" failed")), "")

    def next_mount(self):
        self.mount = Mount(self.args.build, self.dir)
        self.settle()
        r, said = self.mount.umount()
        self.check(r == 0, f"umount of the next mount: {r} {said}")
        self.mount.ended()
        self.settle_backing()
        self.check(not self.strange(), f"hidden names are left: {self.strange()}")

    def sequence(self):
        self.mount = Mount(self.args.build, self.dir, self.scenario.options)
        run(content, f"{self.dir}/f")
        self.mount.tell("watch")
        if self.call:
            on = "" if self.way == "once" else " on"
            self.mount.tell(f"fail {self.call} {getattr(errno, self.error)}{on}")
        self.errors = self.write()
        if not self.mount.lives():
            self.calls = self.mount.tell("calls")
            return self.died()
        self.look("at once", True)
        if self.way == "end":
            self.end_by_force()
            # It has been seen to; the name may well show the old bytes from now on.
            self.errors.append("ended by force")
            return None
        self.calls = self.mount.tell("calls")
        if not self.mount.lives():
            return self.died()
        self.settle()
        r, said = self.mount.umount()
        self.check(r == 0, f"umount: {r} {said}")
        self.mount.ended()
        self.settle_backing()
        return None

    def run(self):
        """What was wrong."""
        self.lay_out()
        try:
            self.sequence()
            # Where nothing is left there is nothing for it to do.
            if self.strange() or not self.call or self.has_died:
                self.next_mount()
        except (Violation, OSError) as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}")
        finally:
            if self.mount:
                self.mount.kill()
        return self.wrong


# ---- all of them ------------------------------------------------------------------------------------------


def is_wanted(wanted, name, target):
    return not wanted or any(fnmatch.fnmatchcase(text, glob) for text in (name, f"{name}:{target}") for glob in wanted)


def cases(args, scenario, calls):
    last, counts = None, collections.Counter()
    for line in calls:
        _, name, target = line.split(" ", 2)
        where = "proc" if target.startswith("/proc/") else "file"
        counts[name, where] += 1
        # Who asks is found out process by process, in one loop.
        this = (name, os.path.basename(target)) if where == "proc" else None
        if (this and this == last) or not is_wanted(args.call, name, os.path.basename(target)):
            continue
        last = this
        for error in ERRORS[name][: args.errors]:
            for way in args.way:
                if way == "once" or name != "mmap":
                    yield Case(args, scenario, f"{name} {where} {counts[name, where]}", error, way)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--build", required=True)
    parser.add_argument("--scenario", type=names, default=[])
    parser.add_argument("--call", type=names, default=[])
    parser.add_argument("--way", type=names, default=["once", "on", "end"])
    parser.add_argument("--errors", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("dir")
    parser.add_argument("view")
    args = parser.parse_args()
    if unknown := {*args.scenario} - {scenario.name for scenario in SCENARIOS}:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if unknown := {*args.way} - {"once", "on", "end"}:
        parser.error(f"no such way: {', '.join(sorted(unknown))}")
    n_passed = n_failed = n_calls = n_lot = 0
    for scenario in SCENARIOS:
        if args.scenario and scenario.name not in args.scenario:
            continue
        plain = Case(args, scenario)
        if wrong := plain.run():
            print(f"FAIL  {scenario.name}, nothing fails: {'; '.join(wrong)}", flush=True)
            n_failed += 1
            continue
        n_calls += len(plain.calls)
        if args.verbose:
            print("\n".join("    " + line for line in plain.calls))
        n_cases = 0
        for case in cases(args, scenario, plain.calls):
            n_lot += 1
            if n_lot % args.every:
                continue
            wrong = case.run()
            n_failed += bool(wrong)
            n_passed += not wrong
            n_cases += 1
            if wrong or args.verbose:
                what = case.failed_call().removesuffix(" failed")
                said = f"{scenario.name}: {case.call}, {case.error}, {case.way}: {what}"
                told = f" (told {', '.join(case.errors)})" if case.errors else ""
                print(f"{'FAIL' if wrong else 'ok  '}  {said}{told}: {'; '.join(wrong)}", flush=True)
                if args.verbose:
                    print("\n".join("    " + line for line in case.calls))
        print(f"{scenario.name}: {len(plain.calls)} calls, {n_cases} cases", flush=True)
    print(f"{n_calls} system calls")
    print(f"{n_passed} passed, {n_failed} failed, 0 skipped")
    return 1 if n_failed or not n_passed else 0


if __name__ == "__main__":
    sys.exit(main())
