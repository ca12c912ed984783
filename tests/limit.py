#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a command for a limited time, whatever it does:

    tests/limit.py SECONDS COMMAND [ARGUMENT...]

If it takes longer, it is said which processes wait where in the kernel, the command is ended with all that it has
started, daemons included, and the exit status is 124. SIGTERM comes first, so that traps can clean up; daemons do not
get it, for they would detach their mounts, and nobody would find their connections any more. Then the connections are
aborted: who waits for a daemon does not die of SIGKILL, nor does a daemon that waits in the kernel for somebody who
waits for it. SIGKILL is the last. Nobody is waited for without a limit, so whatever cannot die is left behind.

Mounts in our own namespace are left to the caller, for they may be others': tests/stress.bash knows its own.

Being told to end (SIGTERM, SIGINT), or losing whoever has started us, ends the command in the same way."""

import collections
import ctypes
import os
import pathlib
import signal
import sys
import time

PATIENCE = 20  # seconds that SIGTERM has to work, and SIGKILL
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
CONNECTIONS = "/sys/fs/fuse/connections"
WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)

libc = ctypes.CDLL(None)


def fuse_mounts(below="/", pid="self", kind="fuse."):
    """Mount points of FUSE as a process has them, with the number that names the connection."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text(errors="replace").splitlines():
        left, _, right = line.partition(" - ")
        target, number = left.split()[4], left.split()[2].split(":")[1]
        if right.split()[0].startswith(kind) and target.startswith(str(below)):
            found.append((target, number))
    return found


def processes():
    """Everybody who has not ended: {pid: (parent, name, state)}. The command line is not looked at: reading it may
    wait for whom the process waits."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            left, right = pathlib.Path(f"/proc/{entry}/stat").read_text(errors="replace").rsplit(")", 1)
        except (OSError, ValueError):
            continue
        fields = right.split()
        state, parent, n_threads = fields[0], int(fields[1]), int(fields[17])
        if state not in "ZX" or n_threads > 1:  # the first thread may have gone, and another one not
            found[int(entry)] = (parent, left.split("(", 1)[1], state)
    return found


def describe(pids, file=None):
    """Says where all threads of some processes wait."""
    everybody = processes()
    for pid in sorted(set(pids) & set(everybody)):
        places = collections.Counter()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                places[pathlib.Path(f"/proc/{pid}/task/{task}/wchan").read_text()] += 1
        except OSError:
            pass
        waits = ", ".join(f"{place} ({n} threads)" if n > 1 else place for place, n in places.items())
        print(f"  process {pid} ({everybody[pid][1]}, {everybody[pid][2]}) waits in {waits or '?'}", file=file, flush=True)


def descendants():
    """What we have started and what that has started; nobody gets away, for we are the reaper."""
    children = collections.defaultdict(list)
    for pid, (parent, _, _) in processes().items():
        children[parent].append(pid)
    found, todo = [], [os.getpid()]
    while todo:
        found += (mine := children[todo.pop()])
        todo += mine
    return found


def others():
    """Those of them that are no daemons."""
    everybody = processes()
    return [pid for pid in descendants() if everybody.get(pid, (0, "lklfs"))[1] != "lklfs"]


def connections():
    """What aborts the connections of mounts that our descendants have and we do not have, opened: their numbers may be
    others' when they are to be aborted."""
    ours = {number for _, number in fuse_mounts()}
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    if not os.path.ismount(CONNECTIONS) and libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
        libc.mount(b"none", CONNECTIONS.encode(), b"fusectl", 0, None)
    found = {}
    for pid in descendants():
        try:
            for _, number in fuse_mounts(pid=pid, kind="fuse.lklfs"):
                if number not in ours and number not in found:
                    found[number] = os.open(f"{CONNECTIONS}/{number}/abort", os.O_WRONLY)
        except OSError:
            pass  # it has gone, or we may not
    libc.setns(home, CLONE_NEWNS)
    return found.values()


class Command:
    def __init__(self, argv):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.status = None
        self.told = False  # to end
        self.pid = os.posix_spawnp(
            argv[0], argv, os.environ, setsigmask=mask, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT)
        )

    def wait(self, seconds, over):
        """Reaps until something is over, and says whether it is."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                while (done := os.waitpid(-1, os.WNOHANG))[0]:
                    if done[0] == self.pid:
                        self.status = os.waitstatus_to_exitcode(done[1])
            except ChildProcessError:
                pass
            left = deadline - time.monotonic()
            if over() or left <= 0:
                return over()
            what = signal.sigtimedwait(WATCHED, min(left, 1))
            self.told = self.told or what is not None and what.si_signo != signal.SIGCHLD

    def end(self):
        aborts = connections()
        for pid in others():
            kill(pid, signal.SIGTERM)
        self.wait(PATIENCE, lambda: not others())
        for fd in aborts:
            os.write(fd, b"1")
        deadline = time.monotonic() + PATIENCE
        while descendants() and time.monotonic() < deadline:
            for pid in descendants():
                kill(pid, signal.SIGKILL)
            self.wait(1, lambda: not descendants())
        if not descendants():
            return
        print("who outlives SIGKILL:", flush=True)
        describe(descendants())


def kill(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def main():
    if len(sys.argv) < 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    try:
        command = Command(sys.argv[2:])
    except OSError as error:
        print(f"{sys.argv[2]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    command.wait(int(sys.argv[1]), lambda: command.status is not None or command.told)
    if command.status is not None:
        sys.exit(command.status if command.status >= 0 else 128 - command.status)
    why = "told to end" if command.told else f"not done after {sys.argv[1]} s"
    print(f"{os.path.basename(sys.argv[2])}: {why}; who waits where:", flush=True)
    describe(descendants())
    command.end()
    sys.exit(124)


if __name__ == "__main__":
    main()
