# SPDX-License-Identifier: LGPL-2.1-or-later
"""One case: a graph and edits of it, built on lklfs and, beside it, without.

The bytes of the targets are read beside the mount, through a descriptor from before, so that the test's looks
excuse nothing (P10); in some runs through the mount. What a clean build gives is computed; the twin, a tree
without lklfs that gets the same edits and builds, and real clean builds prove that the computation and
the graph are right."""

import io
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.path.append(f"{os.path.dirname(os.path.abspath(__file__))}/..")

import edits as editing
from graph import Graph
from limit import describe, descendants
from recipes import TWO_STEPS, read_archive

IGNORE = "out/\noff/\nMakefile\nbuild.ninja\n.ninja_*\n*~\n"
TIMEOUT = 120
COARSE = 5  # CLOCK_REALTIME_COARSE, from which file systems take their stamps


class Failure(Exception):
    """lklfs has broken a promise (or, `own`, the test is wrong)"""

    def __init__(self, what, target="", own=False):
        super().__init__(what)
        self.target = target
        self.own = own
        self.number = -1


def tick():
    """Waits until stamps that are taken from now on are later than all so far"""
    before = time.clock_gettime_ns(COARSE)
    while time.clock_gettime_ns(COARSE) == before:
        time.sleep(0.0005)


def shorten(text, limit=600):
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} bytes)"


def lives(pid):
    """Is this process there, and no zombie?"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


class Tree:
    """A directory that is edited and built in; with lklfs mounted, or not"""

    def __init__(self, root, graph, scratch, lklfs=None, options=()):
        self.root = root
        self.graph = graph
        self.scratch = scratch
        self.lklfs = lklfs
        self.options = options
        self.below = -1
        self.pid = 0
        self.texts = {}
        self.totals = {}
        os.makedirs(f"{root}/out")
        self.mountpoint = root if graph.layout == "all" else f"{root}/out"
        if lklfs:
            self.below = os.open(self.mountpoint, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.mount()

    def mount(self):
        done = subprocess.run([self.lklfs, *self.options, self.mountpoint], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False)
        if done.returncode != 0:
            raise Failure(f"cannot mount: {done.stderr.decode(errors='replace')}")
        self.pid = self.status()["pid"]

    def status(self):
        with open(f"{self.mountpoint}/.lklfs/status", encoding="utf-8") as file:
            return json.load(file)

    def settle(self):
        """Waits until every verdict is in, without a look at any name"""
        limit = time.monotonic() + 30
        while self.status()["staged"]:
            if time.monotonic() > limit:
                raise Failure(f"files stay staged: {self.status()}")
            time.sleep(0.001)

    def count(self):
        for key, value in self.status().items():
            if isinstance(value, int):
                self.totals[key] = self.totals.get(key, 0) + value

    def unmount(self):
        self.count()
        done = subprocess.run([self.lklfs, "umount", self.mountpoint], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False)
        if done.returncode != 0:
            raise Failure(f"cannot unmount: {done.stderr.decode(errors='replace')}")
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            if any(line.split()[4] == self.mountpoint for line in file):
                raise Failure("umount succeeded, but it is mounted")
        if lives(self.pid):
            raise Failure("umount returned before its daemon had gone")
        for folder, folders, files in os.walk("." if self.below < 0 else f"/proc/self/fd/{self.below}/"):
            strange = [name for name in folders + files if "lklfs" in name]
            if strange:
                raise Failure(f"left in the backing: {folder}: {strange}")

    def crash(self):
        """The daemon dies; nobody cleans up"""
        self.settle()
        self.count()
        fd = os.pidfd_open(self.pid)
        try:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
            # all its threads are gone then; what the kernel caches may be answered for ever
            if not select.select([fd], [], [], 30)[0]:
                raise Failure("the daemon outlives SIGKILL")
        finally:
            os.close(fd)
        self.mount()

    def abandon(self):
        """Whatever has happened, nothing stays mounted"""
        if not self.lklfs:
            return
        try:  # cut off first: killing does not end what waits for each other in the kernel
            subprocess.run([self.lklfs, "umount", "--force", self.mountpoint], stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            pass
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["umount", "-l", self.mountpoint], capture_output=True, check=False)

    def close(self):
        if self.below >= 0:
            os.close(self.below)
            self.below = -1

    # ---- sources ----

    def populate(self, state):
        for folder in ("off", "sub", "opt"):
            os.makedirs(f"{self.root}/{folder}", exist_ok=True)
        for path, text in state["files"].items():
            editing.write(self.root, path, text, "here", self.scratch)
        self.configure(state)
        if self.graph.git:
            editing.put(f"{self.root}/.gitignore", IGNORE)
            editing.shell(self.root, "git init -q . && git config user.name t && git config user.email t@example.org"
                          " && git config gc.auto 0 && git config advice.detachedHead false"
                          " && git add -A . && git commit -q -m first")

    def configure(self, state):
        """Writes what the build tool reads, if it differs"""
        for path, text in self.graph.texts(state).items():
            if self.texts.get(path) != text:
                editing.in_child(editing.put, f"{self.root}/{path}", text)
                self.texts[path] = text

    def do(self, operation):
        if operation[0] == "remount":
            if self.lklfs:
                self.unmount()
                self.mount()
        elif operation[0] == "crash":
            if self.lklfs:
                self.crash()
        else:
            editing.do(self.root, operation, self.scratch)

    # ---- building ----

    def start(self, goals, jobs, keep_going):
        if self.graph.make:
            command = ["make", "-s", f"-j{jobs}"] + ["-k"] * keep_going + goals
        else:
            command = ["ninja", f"-j{jobs}"] + ["-k0"] * keep_going + goals
        return subprocess.Popen(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def read(self, path, through):
        """Bytes of a target; None: it is not there"""
        try:
            if through or self.below < 0:
                fd = os.open(f"{self.root}/{path}", os.O_RDONLY | os.O_CLOEXEC)
            else:
                fd = os.open(self._below(path), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.below)
        except FileNotFoundError:
            return None
        with open(fd, "rb") as file:
            return file.read()

    def stat(self, path):
        try:
            if self.below < 0 or (self.graph.layout == "out" and not path.startswith("out/")):
                return os.stat(f"{self.root}/{path}")
            return os.stat(self._below(path), dir_fd=self.below)
        except FileNotFoundError:
            return None

    def _below(self, path):
        return path if self.graph.layout == "all" else path.removeprefix("out/")


def finish(process, daemon=0):
    """Its status, the targets whose recipes ran, what it said"""
    try:
        out, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        where = io.StringIO()
        describe([*descendants(), daemon], where)
        process.kill()
        try:
            out, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired as still:  # recipes hang, too
            out = still.output or b""
        raise Failure(f"the build hangs:\n{out.decode(errors='replace')}{where.getvalue()}") from None
    said = out.decode(errors="replace")
    return process.returncode, re.findall(r"^(?:\[\d+/\d+\] )?RUN (\S+)$", said, re.M), said


class Case:
    """Runs a list of edits from the beginning"""

    def __init__(self, kind, seed, folder, lklfs, options=(), only=None, twin=True, useful=True, clean_every=25):
        self.kind = kind
        self.seed = seed
        self.folder = folder
        self.lklfs = lklfs
        self.options = options
        self.twin = twin
        self.useful = useful
        self.clean_every = clean_every
        self.graph = Graph(kind, seed, only)
        self.n_runs = 0
        self.n_clean = 0
        self.n_old = 0
        self.n_idle = 0
        self.ran = [0, 0]
        self.totals = {}

    def run(self, edits):
        """Raises Failure, with the number of the edit"""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(f"{self.folder}/scratch")
        state = self.state = editing.first_state(self.graph)
        trees = []
        number = -1
        try:
            self.tree = Tree(f"{self.folder}/tree", self.graph, f"{self.folder}/scratch", self.lklfs, self.options)
            trees.append(self.tree)
            if self.twin:
                trees.append(Tree(f"{self.folder}/twin", self.graph, f"{self.folder}/scratch"))
            self.trees = trees
            for tree in trees:
                tree.populate(state)
            self.settled = False  # everything is built and nothing has been edited since
            self.build(None, 2, False)
            for number, edit in enumerate(edits):
                self.one(state, edit, number)
            number = len(edits)
            self.build(None, 2, False)
            self.compare_clean(state)
            if self.lklfs:
                self.tree.unmount()
            self.check(self.tree, *self.graph.expect(state), None, False)
        except Failure as failure:
            failure.number = number
            raise
        except (OSError, RuntimeError, subprocess.SubprocessError, KeyError, ValueError) as error:
            failure = Failure(f"{type(error).__name__}: {error}")
            failure.number = number
            raise failure from error
        finally:
            for tree in trees:
                for key, value in tree.totals.items():
                    self.totals[key] = self.totals.get(key, 0) + value
                tree.abandon()
                tree.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def one(self, state, edit, number):
        for place, operation in enumerate(edit["do"]):
            tick()
            if operation[0] == "again" and (place > 0 or not self.settled):
                continue  # what is stale would look fresh
            if not editing.change(self.graph, state, operation):
                continue
            for tree in self.trees:
                tree.do(operation)
        tick()
        for tree in self.trees:
            tree.configure(state)
        self.settled = self.settled and not edit["do"]
        how, *goal = edit["run"]
        if how == "none":
            return
        goal = [path for path in goal if any(path in node.outs for node in self.graph.rules)]
        self.build(goal or None, edit["jobs"], edit["through"])
        if how == "twice" and self.settled:
            self.idle()
        if self.clean_every and number % self.clean_every == self.clean_every - 1:
            self.compare_clean(state)

    def build(self, goals, jobs, through):
        state = self.state
        expected, unknown = self.graph.expect(state)
        reached = self.graph.closure(goals, state) if goals else None
        fails = bool(unknown if reached is None else unknown & reached)
        results = []
        for tree in self.trees:
            results.append(tree.start(goals or [], jobs, fails))
        results = [finish(process, self.tree.pid) for process in results]
        self.n_runs += 1
        self.settled = not goals and not fails
        for place, (tree, (status, ran, said)) in reversed(list(enumerate(zip(self.trees, results)))):
            self.ran[place] += len(ran)
            if (status != 0) != fails:
                raise Failure(f"exit status {status} of the build{' without lklfs' * place}, and recipes should"
                              f"{'' if fails else ' not'} fail:\n{said}", own=place > 0)
            self.last = (ran, said)
            self.check(tree, expected, unknown, reached, through)

    def check(self, tree, expected, unknown, reached, through):
        if tree.lklfs and not through and os.path.ismount(tree.mountpoint):
            tree.settle()
        archives = {node.name for node in self.graph.rules if node.function == "archive"}
        for path, text in expected.items():
            if reached is not None and path not in reached:
                continue
            data = tree.read(path, through)
            got = None if data is None else read_archive(data) if path in archives else data.decode("latin-1")
            if got != text:
                got = "nothing, it is not there" if got is None else repr(shorten(got))
                raise Failure(f"{path}{'' if tree.lklfs else ' (without lklfs)'} is not what a clean build gives\n"
                              f"  expected: {shorten(text)!r}\n  got:      {got}\n"
                              f"  recipes that ran: {' '.join(self.last[0])}", path, own=not tree.lklfs)

    def compare_clean(self, state):
        """A real clean build gives what has been computed"""
        folder = f"{self.folder}/clean"
        shutil.rmtree(folder, ignore_errors=True)
        tree = Tree(folder, self.graph, f"{self.folder}/scratch")
        expected, unknown = self.graph.expect(state)
        for path, text in state["files"].items():
            editing.write(folder, path, text, "here", self.folder)
        os.makedirs(f"{folder}/sub", exist_ok=True)
        tree.configure(state)
        status, ran, said = finish(tree.start([], 2, bool(unknown)))
        if (status != 0) != bool(unknown):
            raise Failure(f"exit status {status} of the clean build:\n{said}", own=True)
        self.last = (ran, said)
        self.check(tree, expected, unknown, None, False)
        self.n_clean += 1
        shutil.rmtree(folder)

    # ---- nothing has changed ----

    def idle(self):
        """Once more: what runs now must be forced, or older than what it reads (P15). One job at a time: make lists a
        directory when it first looks into it, and what another job has just removed there counts as missed (P10)"""
        converges = "-oconverge" in self.options and self.graph.layout == "all"
        for _ in range(3):  # what is forgotten, for whatever reason, costs a rebuild, but not for ever
            if self.lklfs:
                self.tree.settle()
            allowed = self.restless()
            if converges and self.old:
                raise Failure(f"has been built with -o converge, yet is older than what it reads:"
                              f" {' '.join(sorted(self.old))}\n{self.last[1]}")
            self.build(None, 1, False)
            wrong = sorted(set(self.last[0]) - allowed)
            if not wrong or not self.useful:
                break
        else:
            raise Failure(f"nothing has changed, yet recipes run again and again: {' '.join(wrong)}\n"
                          f"  that may run: {' '.join(sorted(allowed))}\n{self.last[1]}", wrong[0])
        self.n_idle += 1

    @staticmethod
    def reads_all(node, deps):
        """Does its recipe open all that the build tool is told of, and write the target itself?"""
        reads = {*node.reads, node.option, node.bump}
        if node.function == "object":
            reads.update(deps)
        return (set(deps) <= reads and node.option_how != "size" and node.manner not in ("if-changed", "link", "symlink")
                and node.function not in ("size", "stamp", "directory", "files", "list"))

    def restless(self):
        """Targets whose recipes may run though nothing has changed"""
        allowed, moving, stats = set(), set(), {}
        self.old = set()

        def mtime(path):
            if path not in stats:
                stats[path] = self.tree.stat(path)
            return stats[path].st_mtime_ns if stats[path] else None

        for node in self.graph.nodes(self.state):
            deps = self.graph.deps_of(node, self.state)
            if node.function == "object":
                deps = deps + self.state["files"][node.reads[0]].split("\n", 1)[0].split()[1:]
            times = [mtime(path) for path in node.outs]
            needs = [mtime(dep) for dep in deps]
            old = None in times or any(need is not None and need > min(times) for need in needs)
            runs = node.force or bool(moving & set(deps))
            if old and not runs:
                self.n_old += 1
                if self.reads_all(node, deps):
                    self.old.update(node.outs)
            if not (runs or old):
                continue
            allowed.update(node.outs)
            linked = any(stats[path] and stats[path].st_nlink > 1 for path in node.outs)
            thin = node.function == "archive" and node.manner.endswith("T")
            steps = node.manner in TWO_STEPS and (self.graph.make or node.sub)
            # what is made of something newer gets a new mtime, too
            converges = "-oconverge" in self.options and runs
            if self.kind == "ninja" or converges or node.function in ("stamp", "directory") or linked or thin or steps:
                moving.update(node.outs)
        if self.kind == "ninja" and any(node.sub for node in self.graph.rules):
            below = {path for node in self.graph.rules if node.sub for path in node.outs}
            for node in self.graph.nodes(self.state):
                if below & set(self.graph.deps_of(node, self.state)):
                    below.update(node.outs)
            allowed |= below
        return allowed
