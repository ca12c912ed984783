#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""P18, call by call: the daemon is killed before, and after, each system call of an exposure.

    tests/crash/calls.py --lklfs LKLFS --killer KILLER [--brief] DIRECTORY [CASE...]

In DIRECTORY, which is empty, each CASE (default: all) is done again and again: the files are laid out, lklfs is mounted
over them, and while they are written, linked, renamed or removed killer (killer.c) ends the daemon with SIGKILL at the first
call that changes anything, at the second, and so on, until it is through before its turn. After each kill

  - the dead mount is taken away; each file has all of its old bytes or all of its new ones (one with several names may be
    half written, P14, as long as its new bytes are there under a hidden name);
  - what has its old bytes has its old mtime, and what has new ones an mtime of the time before the kill: nobody who
    writes a source later, and mounts later still, has an output that looks newer than that source;
  - the next mount shows old or new bytes of every file, of one with several names too, and leaves no hidden name.

--brief: before each call only, answers to the kernel not counted. The last line is `N kills, N failed`. Exit status: 0 nothing
failed, 1 something did, 2 called wrongly."""

import argparse
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

FINISHED = "(one|two) was being written when a daemon died, and has been finished"
AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400
libc = ctypes.CDLL(None, use_errno=True)

HIDDEN = ".lklfs-"
OLD = b"".join(b"%07d old\n" % i for i in range(30000))
NEW = b"".join(b"%07d new\n" % i for i in range(25000))
EDITED = OLD[:100000] + b"edited" + OLD[100006:]
LONG_AGO = 1_000_000_000  # seconds: the mtime of everything that was there before


def write(path, data, mode="wb"):
    """In several steps, as compilers do."""
    with open(path, mode, buffering=0) as file:
        for i in range(0, len(data), 65536):
            file.write(data[i : i + 65536])


def edit(path):
    with open(path, "r+b", buffering=0) as file:
        file.seek(100000)
        file.write(b"edited")


def link_follow(path, name):
    """os.link() does not follow."""
    if libc.linkat(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(name), AT_SYMLINK_FOLLOW) < 0:
        raise OSError(ctypes.get_errno(), f"cannot link {path}: {os.strerror(ctypes.get_errno())}")


def link_nameless(directory, name):
    fd = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o644)
    os.write(fd, NEW[:65536])
    link_follow(f"/proc/self/fd/{fd}", directory / name)
    os.write(fd, NEW[65536:])
    os.close(fd)


def write_over(top, name, data):
    write(top / "temporary", data)
    os.rename(top / "temporary", top / name)


def write_again(top, name, data):
    os.unlink(top / name)
    write(top / name, data)


def write_with_times(top):
    write(top / "f", NEW)
    os.utime(top / "f", (LONG_AGO + 1, LONG_AGO + 1))


def write_and_sync(top):
    with open(top / "f", "wb", buffering=0) as file:
        file.write(NEW[:65536])
        os.fsync(file.fileno())
        file.write(NEW[65536:])


def move_away_and_write(top):
    os.rename(top / "f", top / "g")
    write(top / "f", NEW)


def write_and_stamp(top):
    """As a recipe does whose target is a stamp."""
    write(top / "f", NEW)
    (top / "n").touch()


OLD_OR_NEW = {"f": (OLD, NEW)}
# What is done, and what each name may have afterwards (None: it is not there), the last one if nobody is killed. What is not named there is as before.
CASES = {
    "same": (lambda top: write(top / "f", OLD), {"f": (OLD,)}),
    "other": (lambda top: write(top / "f", NEW), OLD_OR_NEW),
    "edited": (lambda top: edit(top / "f"), {"f": (OLD, EDITED)}),
    "new": (lambda top: write(top / "n", NEW), {"n": (None, NEW)}),
    "linkat": (lambda top: link_nameless(top, "n"), {"n": (None, NEW)}),
    "through": (lambda top: write(top / "one", NEW), {"one": (OLD, NEW), "d/two": (OLD, NEW)}),
    "over": (lambda top: write_over(top, "f", NEW), OLD_OR_NEW | {"temporary": (NEW, None)}),
    "over-same": (lambda top: write_over(top, "f", OLD), {"f": (OLD,), "temporary": (OLD, None)}),
    "again-same": (lambda top: write_again(top, "f", OLD), {"f": (None, OLD)}),
    "again-other": (lambda top: write_again(top, "f", NEW), {"f": (None, OLD, NEW)}),
    "times": (lambda top: write_with_times(top), OLD_OR_NEW),
    "synced": (lambda top: write_and_sync(top), {"f": (OLD, NEW[:65536], NEW)}),
    "stamped": (lambda top: write_and_stamp(top), OLD_OR_NEW | {"n": (None, b"")}),
    "moved": (lambda top: move_away_and_write(top), {"f": (None, OLD, NEW), "g": (None, OLD)}),
}
BRIEF = ("same", "other", "new", "linkat", "through", "over")


class Failed(Exception):
    pass


class Tree:
    def __init__(self, args):
        self.args = args
        self.top = args.directory / "tree"

    def lay_out(self):
        if self.top.exists():
            shutil.rmtree(self.top)
        (self.top / "d").mkdir(parents=True)
        for name in ("f", "one"):
            (self.top / name).write_bytes(OLD)
            os.utime(self.top / name, (LONG_AGO, LONG_AGO))
        os.link(self.top / "one", self.top / "d/two")

    def run(self, *arguments):
        done = subprocess.run(
            [self.args.lklfs, *arguments, self.top], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        said = [line for line in done.stderr.splitlines() if not re.search(FINISHED, line)]
        if done.returncode or said:
            raise Failed(f"lklfs {' '.join(arguments)}: {' '.join(said) or done.returncode}")

    def daemon(self):
        return int(re.search(r'"pid":(\d+)', (self.top / ".lklfs/status").read_text()).group(1))

    def hidden(self):
        return [path for path in self.top.rglob(f"{HIDDEN}*")]

    def check(self, allowed, killed, when, torn=False):
        """killed: nanoseconds"""
        allowed = {"f": (OLD,), "one": (OLD,), "d/two": (OLD,)} | allowed
        for name, versions in allowed.items():
            path = self.top / name
            data = path.read_bytes() if path.exists() else None
            if torn and name in ("one", "d/two") and data is not None and self.hidden():
                continue
            if data not in versions:
                raise Failed(f"{when}: {name} is {'not there' if data is None else f'torn ({len(data)} bytes)'}")
            if data is None:
                continue
            mtime = path.stat().st_mtime_ns
            if data == OLD and name != "temporary" and mtime != LONG_AGO * 10**9:
                raise Failed(f"{when}: {name} has its old bytes, but another mtime")
            if data != OLD and not (LONG_AGO + 1) * 10**9 <= mtime <= killed:
                raise Failed(f"{when}: {name} has new bytes, with an mtime {(mtime - killed) / 1e9} s after the kill")
        if "n" in allowed and b"" in allowed["n"] and (self.top / "n").exists() and (self.top / "f").read_bytes() == OLD:
            raise Failed(f"{when}: the stamp is there, and what it stands for is not")
        strangers = {str(path.relative_to(self.top)) for path in self.top.rglob("*")} - set(allowed) - {"d"}
        strangers = {name for name in strangers if HIDDEN not in name}
        if strangers:
            raise Failed(f"{when}: what is {strangers}?")

    def kill(self, case, n, how):
        """One kill, and what comes after it. Returns where, or None if the case was through before."""
        do, allowed = CASES[case]
        self.lay_out()
        self.run()
        command = [self.args.killer, str(self.daemon()), str(n), how] + ([] if self.args.brief else ["answers"])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
            assert killer.stdout.readline() == "ready\n"
            failure = None
            try:
                do(self.top)
                # whoever looks waits for the verdicts
                for name in allowed:
                    (self.top / name).exists()
            except OSError as error:
                failure = error
            killer.stdin.close()
            said = killer.stdout.read().strip()
        killed = time.time_ns()
        if not said.startswith("killed at "):
            self.run("umount")
            if failure:
                raise Failed(f"not killed: {failure}")
            # what was done has been done
            self.check({name: (done,) for name, (*_, done) in CASES[case][1].items()}, time.time_ns(), "at the end")
            if self.hidden():
                raise Failed(f"hidden names at the end: {self.hidden()}")
            return None
        where = said.removeprefix("killed at ")
        # by turns it is taken away, cut off, and replaced by the next one
        if n % 3:
            self.run(*([["umount"], ["umount", "--force"]][n % 3 - 1]))
            self.check(allowed, killed, f"in the backing, killed {how} call {n}, {where}", torn=True)
        self.run()
        self.check(allowed, killed, f"in the next mount, killed {how} call {n}, {where}")
        self.run("umount")
        self.check(allowed, killed, f"after the next mount, killed {how} call {n}, {where}")
        if self.hidden():
            raise Failed(f"killed {how} call {n}, {where}: hidden names are left: {self.hidden()}")
        return where


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lklfs", required=True)
    parser.add_argument("--killer", required=True)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    args = parser.parse_args()
    cases = args.cases or (BRIEF if args.brief else CASES)
    if unknown := set(cases) - set(CASES):
        parser.error(f"there is no case named {', '.join(unknown)}")
    tree = Tree(args)
    n_kills = n_failed = 0
    for case in cases:
        for how in ("before",) if args.brief else ("before", "after"):
            calls, failures = [], []
            for n in range(1, 1000):
                try:
                    where = tree.kill(case, n, how)
                    if not where:
                        break
                    calls.append(where)
                except Failed as error:
                    failures.append(str(error))
                    calls.append("FAILED")
                    subprocess.run([args.lklfs, "umount", "--force", tree.top], check=False)
                    if len(failures) > 20:
                        break
            print(f"{'FAIL' if failures else 'ok'}  {case}, {how} each of {len(calls)} calls: {' '.join(calls)}", flush=True)
            for failure in failures:
                print(f"      {failure}")
            n_kills += len(calls)
            n_failed += len(failures)
    shutil.rmtree(tree.top, ignore_errors=True)
    print(f"{n_kills} kills, {n_failed} failed")
    return 1 if n_failed or not n_kills else 0


sys.exit(main())
