# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people do to a tree between two builds.

An edit is a list of operations and a run of the build tool, all plain data, so that any part of a list of edits
can be done again. An operation that does not apply (any more) is left out. Each is there twice: what it does
to the state, which says what the sources are, and what it does to a real tree."""

import os
import random
import shutil
import subprocess

from graph import text_of

WRITES = ("here", "child", "in place", "rename", "remove first", "shell", "moved in", "copied in", "in pieces",
          "backup", "twice")
LOOKS = ("ls -lR . >/dev/null 2>&1", "find . -type f -exec cat {} + >/dev/null 2>&1",
         "find . -newer Makefile >/dev/null 2>&1", "grep -r ka . >/dev/null 2>&1", "stat -L out/* >/dev/null 2>&1")


def first_state(graph):
    return {"files": dict(graph.files), "variants": {}, "off": {}, "tags": {}, "head": dict(graph.files), "stash": None}


# ---- drawing lots ----

class Editor:
    """Draws edits that fit the state, which it carries along"""

    def __init__(self, graph, kind, seed):
        self.graph = graph
        self.rng = random.Random(f"edits {kind} {seed}")
        self.state = first_state(graph)
        self.history = {path: [text] for path, text in graph.files.items()}
        self.n_texts = 0
        self.back = []  # operations that take others back

    def _fresh(self, path):
        group = next((group for group in self.graph.groups.values() if path.startswith(group.folder + "/")), None)
        self.n_texts += 1
        head = self.graph.includes_of(self.rng, group) if group else "#t"
        return text_of(self.rng, head)

    def _bumped(self):
        self.n_texts += 1
        return f"#b\nka {self.n_texts}\n"

    def _text(self, path):
        """Something new, something old, or a part of what is there changed"""
        now = self.state["files"].get(path)
        old = [text for text in self.history.get(path, ()) if text != now]
        lot = self.rng.random()
        if old and lot < 0.45:
            return self.rng.choice(old[-3:])
        if now and lot < 0.75:
            lines = now.splitlines(True)
            lot = self.rng.random()
            if lot < 0.35 and len(lines) > 2:
                lines[-1] = "tail " + self.rng.choice("abcdk") + "\n"  # the first lines stay
            elif lot < 0.55:
                lines.append("more " + self.rng.choice("abk") + "\n")
            elif lot < 0.7 and len(lines) > 2:
                lines.pop()
            elif lot < 0.85:
                lines[1] = lines[1][:-2] + self.rng.choice("abk") + "\n"  # the size stays
            else:
                lines[1] = ("FAIL " + lines[1]) if not lines[1].startswith("FAIL ") else lines[1][5:]
            return "".join(lines)
        return self._fresh(path)

    def _inverse(self, operation, before):
        """What takes it back, or nothing"""
        what, *args = operation
        how = self.rng.choice(WRITES)
        if what == "write" and before[args[0]] != args[1]:
            return ["write", args[0], before[args[0]], how]
        if what == "remove":
            return ["add", args[0], before[args[0]], how, *self._for_coming(args[0])]
        if what == "add":
            bump = dict(self._leaving()).get(args[0])
            if bump is not None:
                return ["remove", args[0], bump, self._bumped() if bump else "", "here"]
        return None

    def _source(self):
        bumps = {group.bump for group in self.graph.groups.values()} | set(self.graph.removable.values())
        paths = sorted(path for path in self.state["files"] if path not in bumps)
        hot = sorted(path for node in self.graph.rules if node.deps for path in node.reads if path in paths)
        if hot and self.rng.random() < 0.25:  # what stands for something else
            return self.rng.choice(hot)
        return self.rng.choice(paths)

    def _leaving(self):
        """Sources that may go: with what must change then"""
        files = self.state["files"]
        paths = [(path, bump) for path, bump in self.graph.removable.items() if path in files]
        for group in self.graph.groups.values():
            paths += [(path, group.bump) for path in group.members(files) if not path.endswith("/keep.x")]
        return sorted(paths)

    def _for_coming(self, path):
        """What must change with a source that comes back: its left-over object may come out as it was, and keep its
        mtime, so that nothing tells make that the list is another one (a limit that the README names)"""
        for group in self.graph.groups.values():
            if group.bump and path.startswith(group.folder + "/"):
                return [group.bump, self._bumped()]
        return ["", ""]

    def _coming(self):
        files = self.state["files"]
        paths = [path for path in self.graph.removable if path not in files]
        for group in self.graph.groups.values():
            names = [f"f{i}" for i in range(4)] + (["d/x0", "d/x1"] if group.deep else [])
            paths += [path for path in (f"{group.folder}/{name}.x" for name in names) if path not in files]
        return sorted(paths)

    def _operation(self):
        rng = self.rng
        lot = rng.random()
        if lot < 0.44:
            path = self._source()
            return ["write", path, self._text(path), rng.choice(WRITES)]
        if lot < 0.48:
            return ["touch", self._source()]
        if lot < 0.58:
            leaving = self._leaving()
            if leaving:
                path, bump = rng.choice(leaving)
                if not bump and rng.random() < 0.3:
                    return ["off", path]
                return ["remove", path, bump, self._bumped() if bump else "", rng.choice(("here", "shell"))]
        if lot < 0.72:
            off = sorted(path for path in self.state["off"] if path.endswith(".x") or path.startswith("opt/"))
            if off and rng.random() < 0.7:
                return ["on", rng.choice(off)]
            coming = self._coming()
            if coming:
                path = rng.choice(coming)
                old = self.history.get(path, [])
                text = rng.choice(old[-2:]) if old and rng.random() < 0.8 else self._fresh(path)
                return ["add", path, text, rng.choice(WRITES), *self._for_coming(path)]
        if lot < 0.76:
            deep = [group for group in self.graph.groups.values() if group.deep]
            if deep:
                folder = rng.choice(deep).folder + "/d"
                return ["folder", folder, rng.choice(("remove", "off", "on"))]
        if lot < 0.80:
            nodes = [node.name for node in self.graph.rules if node.command]
            if nodes:
                return ["variant", rng.choice(nodes), rng.randint(0, 2)]
        if lot < 0.86:
            outs = [path for node in self.graph.nodes(self.state) for path in node.outs]
            return ["drop", sorted(rng.sample(outs, min(len(outs), rng.randint(1, 4)))), rng.choice(("here", "shell"))]
        if lot < 0.87:
            return ["clean"]
        if lot < 0.91:
            return ["look", rng.choice(LOOKS)]
        if lot < 0.93:
            outs = [path for node in self.graph.rules for path in node.outs if node.function != "archive"]
            return ["again", rng.choice(outs), rng.choice(("touch", "same bytes"))]
        if lot < 0.935:
            return ["remount"]
        if lot < 0.94:
            return ["crash"]
        if self.graph.git:
            return rng.choice((["save", f"b{rng.randint(0, 2)}"], ["switch", f"b{rng.randint(0, 2)}"],
                               ["switch", f"b{rng.randint(0, 2)}"], ["stash"], ["pop"], ["pop"]))
        return ["touch", self._source()]

    def edit(self):
        rng = self.rng
        operations = []
        back, self.back = self.back, []
        for place in range(rng.choice((1, 1, 1, 2, 2, 3))):
            operation = back.pop() if place == 0 and back else self._operation()
            before = dict(self.state["files"])
            if change(self.graph, self.state, operation):
                operations.append(operation)
                if place == 0 and rng.random() < 0.5:
                    self.back = [inverse for inverse in (self._inverse(operation, before),) if inverse]
                for path, text in self.state["files"].items():
                    texts = self.history.setdefault(path, [])
                    if text not in texts[-3:]:
                        texts.append(text)
        lot = rng.random()
        run = ["all"]
        if (self.back or back) and rng.random() < 0.8:
            pass  # there, looked at, and back
        elif lot < 0.12:
            run = ["twice"]
        elif lot < 0.24:
            run = ["goal", rng.choice([node.name for node in self.graph.rules])]
        elif lot < 0.34:
            run = ["none"]
        return {"do": operations, "run": run, "jobs": rng.randint(1, 4), "through": rng.random() < 0.2}


# ---- what it does to the state ----

def change(graph, state, operation):
    """Does it to the state; False: it does not apply"""
    files = state["files"]
    what, *args = operation
    match what:
        case "write":
            if args[0] not in files:
                return False
            files[args[0]] = args[1]
        case "touch":
            return args[0] in files
        case "add":
            if args[0] in files:
                return False
            files[args[0]] = args[1]
            if args[3]:
                files[args[3]] = args[4]
            # what was put aside is older than what is made from this
            for path in [path for path in state["off"] if path == args[0] or args[0].startswith(path + "/")]:
                del state["off"][path]
        case "remove":
            if args[0] not in files:
                return False
            del files[args[0]]
            if args[1]:
                files[args[1]] = args[2]
        case "off":
            if args[0] not in files:
                return False
            state["off"][args[0]] = files.pop(args[0])
        case "on":
            if args[0] in files or args[0] not in state["off"]:
                return False
            files[args[0]] = state["off"].pop(args[0])
        case "folder":
            folder, how = args
            below = {path: text for path, text in files.items() if path.startswith(folder + "/")}
            if how == "on":
                kept = state["off"].get(folder)
                if below or not kept:
                    return False
                files.update(state["off"].pop(folder))
                return True
            if not below or any(path.startswith(folder + "/") for path in state["off"]):
                return False
            if how == "off":
                if folder in state["off"]:
                    return False
                state["off"][folder] = below
            for path in below:
                del files[path]
        case "variant":
            if state["variants"].get(args[0], 0) == args[1]:
                return False
            state["variants"][args[0]] = args[1]
        case "save":
            state["head"] = dict(files)
            state["tags"][args[0]] = dict(files)
        case "switch":
            if args[0] not in state["tags"]:
                return False
            state["files"] = dict(state["tags"][args[0]])
            state["off"] = {}
            state["head"] = dict(state["files"])
        case "stash":
            if state["stash"] is not None or files == state["head"]:
                return False
            state["stash"] = dict(files)
            state["files"] = dict(state["head"])
            state["off"] = {}
            state["stashed at"] = dict(state["head"])
        case "pop":
            if state["stash"] is None or files != state["head"] or files != state["stashed at"]:
                return False
            state["files"], state["stash"] = state["stash"], None
            state["off"] = {}
    return True


# ---- what it does to a tree ----

def in_child(function, *args):
    """In a process of its own"""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function(*args)
            status = 0
        except BaseException as error:  # the parent says that it failed
            os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(status)
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError(f"{function.__name__}{args[1:]!r} failed")


def shell(root, command):
    done = subprocess.run(["sh", "-c", command], cwd=root, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')}")


def put(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def put_in_place(path, text):
    """Only the bytes that differ"""
    if not os.path.exists(path):
        put(path, text)
        return
    with open(path, "r+", encoding="ascii") as file:
        old = file.read()
        start = next((i for i, (a, b) in enumerate(zip(old, text)) if a != b), min(len(old), len(text)))
        file.seek(start)
        file.write(text[start:])
        file.truncate(len(text))


def put_renamed(path, text):
    put(path + ".new~", text)
    os.rename(path + ".new~", path)


def put_anew(path, text):
    if os.path.exists(path):
        os.unlink(path)
    put(path, text)


def put_in_pieces(path, text):
    put(path, text[: len(text) // 2])
    with open(path, "a", encoding="ascii") as file:
        file.write(text[len(text) // 2:])


def put_with_backup(path, text):
    if os.path.exists(path):
        os.rename(path, path + "~")
    put(path, text)
    if os.path.exists(path + "~"):
        os.unlink(path + "~")


def put_twice(path, text):
    put(path, "something else\n" + text)
    put(path, text)


def write(root, path, text, how, scratch):
    full = f"{root}/{path}"
    os.makedirs(os.path.dirname(full), exist_ok=True)
    if how == "here":
        put(full, text)
    elif how in ("shell", "moved in", "copied in"):
        put(f"{scratch}/text", text)
        command = {"shell": f"cat {scratch}/text >{path}", "moved in": f"mv -f {scratch}/text {path}",
                   "copied in": f"cp {scratch}/text {path}"}[how]
        shell(root, command)
    else:
        in_child({"child": put, "in place": put_in_place, "rename": put_renamed, "remove first": put_anew,
                  "in pieces": put_in_pieces, "backup": put_with_backup, "twice": put_twice}[how], full, text)


def remove(root, paths, how):
    paths = [path for path in paths if os.path.lexists(f"{root}/{path}")] if how == "here" else paths
    if how == "here":
        for path in paths:
            os.unlink(f"{root}/{path}")
    else:
        shell(root, "rm -f " + " ".join(paths))


def empty(folder):
    for name in os.listdir(folder):
        if name.startswith("."):
            continue
        path = f"{folder}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def touch_again(path, how):
    """An output that is up to date, touched or written again"""
    if not os.path.isfile(path) or os.path.islink(path):
        return
    if how == "touch":
        os.utime(path)
        return
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data)


def off_name(root, path):
    """Where it is put aside"""
    return f"{root}/off/{path.replace('/', '_')}"


def do(root, operation, scratch):
    """Does it to a real tree"""
    what, *args = operation
    match what:
        case "write":
            write(root, args[0], args[1], args[2], scratch)
        case "add":
            write(root, args[0], args[1], args[2], scratch)
            if args[3]:
                write(root, args[3], args[4], "child", scratch)
        case "touch":
            in_child(os.utime, f"{root}/{args[0]}")
        case "remove":
            remove(root, [args[0]], args[3])
            if args[1]:
                write(root, args[1], args[2], "child", scratch)
        case "off":
            shell(root, f"rm -rf {off_name(root, args[0])}")
            os.rename(f"{root}/{args[0]}", off_name(root, args[0]))
        case "on":
            os.makedirs(os.path.dirname(f"{root}/{args[0]}"), exist_ok=True)
            os.rename(off_name(root, args[0]), f"{root}/{args[0]}")
        case "folder":
            folder = f"{root}/{args[0]}"
            if args[1] == "remove":
                shell(root, f"rm -rf {args[0]}")
            elif args[1] == "off":
                shell(root, f"rm -rf {off_name(root, args[0])}")
                os.rename(folder, off_name(root, args[0]))
            else:
                shell(root, f"rm -rf {args[0]}; mkdir -p {args[0]}; rmdir {args[0]};"
                      f" mv {off_name(root, args[0])} {args[0]}")
        case "drop":
            remove(root, args[0], args[1])
        case "clean":
            in_child(empty, f"{root}/out")
        case "look":
            subprocess.run(["sh", "-c", args[0]], cwd=root, check=False)
        case "again":
            in_child(touch_again, f"{root}/{args[0]}", args[1])
        case "save":
            shell(root, f"git add -A . && git commit -q --allow-empty -m x && git tag -f {args[0]} >/dev/null")
        case "switch":
            shell(root, f"git add -A . && git commit -q --allow-empty -m x && git checkout -q {args[0]}")
        case "stash":
            shell(root, "git stash push -q -u")
        case "pop":
            shell(root, "git stash pop -q")
