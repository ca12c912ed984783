# SPDX-License-Identifier: LGPL-2.1-or-later
"""A random graph of rules, as a Makefile or as a build.ninja, and what a clean build of it gives.

The graphs are right without lklfs: whatever is edited, an incremental build ends with the bytes of a clean
one. So what depends on a list of sources has a list file, or something else changes whenever a source is
taken away or comes back (`bump`); what depends on a file that may be absent likewise."""

import random

from recipes import COPIES, DIRECTORIES, FUNCTIONS, MANNERS, STAMPS, ARCHIVES, Node, lines_of, result_of

WORDS = "ab ka mi zo nu ek po li xu ik da ro ok we".split()


def text_of(rng, head, n_lines=0):
    n_lines = n_lines or rng.choice((1, 2, 3, 3, 5, 8, 300) if rng.random() < 0.2 else (1, 2, 3, 4))
    lines = [" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 4))) for _ in range(n_lines)]
    return "\n".join([head] + lines) + "\n"


class Group:
    """Sources that are found by a wildcard"""

    def __init__(self, name, rng, git):
        self.name = name
        self.folder = f"src/{name}"
        self.deep = rng.random() < 0.4  # some in a folder below
        self.objects = rng.random() < 0.6
        self.listed = git or self.deep or rng.random() < 0.5
        self.glob = not self.objects and not self.deep and rng.random() < 0.6
        self.implicit = rng.random() < 0.5  # make's rule for the members

    def wildcard(self):
        pattern = f"{self.folder}/*.x"
        return f"{pattern} {self.folder}/*/*.x" if self.deep else pattern

    def members(self, files):
        return sorted(path for path in files if path.startswith(self.folder + "/") and path.endswith(".x"))

    def object_of(self, source):
        return f"out/{self.name}/{source.removeprefix(self.folder + '/').removesuffix('.x')}.o"


class Graph:
    def __init__(self, kind, seed, only=None):
        rng = random.Random(f"graph {kind} {seed}")
        self.make = kind == "make"
        self.restat = kind == "ninja-restat"
        self.layout = rng.choice(("all", "all", "out"))
        self.git = rng.random() < 0.3
        self.no_builtin = rng.random() < 0.5
        self.deps_gcc = rng.random() < 0.5
        self.log_in_out = rng.random() < 0.5
        self.include_how = rng.choice(("objects", "wildcard"))
        self.files = {}  # the sources to begin with
        self.removable = {}  # what may be absent -> what changes then
        self.groups = {}
        self.rules = []
        self.rng = rng
        self._grow()
        if only:
            self._prune(set(only))

    # ---- making one ----

    def _add(self, *args, **kwargs):
        node = Node(*args, **kwargs)
        self.rules.append(node)
        return node

    def _manner(self):
        return self.rng.choice(tuple(MANNERS))

    def _grow(self):
        rng = self.rng
        plain = [f"src/m/s{i}.t" for i in range(rng.randint(3, 5))]
        heads = ["inc/h0.h", "inc/h1.h"]
        for path in plain + heads:
            self.files[path] = text_of(rng, "#t")
        self.plain = plain
        generated = []
        for i in range(rng.randint(1, 2)):
            node = self._add([f"out/g{i}.h"], rng.choice(FUNCTIONS), rng.sample(plain, rng.randint(1, 2)),
                             self._manner(), force=rng.random() < 0.3)
            generated += node.outs
        self.headers = heads + generated
        made = list(generated)
        if rng.random() < 0.6:
            self._grow_sub(plain, generated, made)
        for i in range(rng.randint(1, 2)):
            self._grow_group(Group(f"w{i}", rng, self.git), generated, made)
        for i in range(rng.randint(5, 11)):
            self._grow_any(f"out/t{i}", plain, made)
        used = {path for node in self.rules for path in node.reads}
        sinks = [path for path in made if path not in used and not path.endswith(".stamp")]
        for i in range(2):
            reads = sinks[i::2] or [made[-1]]
            self._add([f"out/prog{i}"], "md5" if rng.random() < 0.3 else "cat", self._readable(reads),
                      self._manner())

    def _readable(self, paths):
        """Archives and directories have functions of their own, so they are not read as they are"""
        kinds = {path: node.function for node in self.rules for path in node.outs}
        good = [path for path in paths if kinds.get(path) not in ("archive", "directory", "stamp")]
        return good or [self.plain[0]]

    def _grow_sub(self, plain, generated, made):
        rng = self.rng
        for i in range(2):
            self.files[f"sub/s{i}.t"] = text_of(rng, "#s")
        below = []
        for i in range(rng.randint(1, 3)):
            pool = ["sub/s0.t", "sub/s1.t"] + generated + below
            node = self._add([f"out/u{i}"], rng.choice(FUNCTIONS), rng.sample(pool, rng.randint(1, 2)),
                             self._manner(), sub=True, force=rng.random() < 0.2)
            below += node.outs
        made += below

    def _grow_group(self, group, generated, made):
        rng = self.rng
        self.groups[group.name] = group
        names = ["keep"] + [f"f{i}" for i in range(rng.randint(1, 3))]
        if group.deep:
            names += ["d/x0", "d/x1"]
        group.label = group.name
        for name in names:
            self.files[f"{group.folder}/{name}.x"] = text_of(rng, self.includes_of(rng, group))
        bump = ""
        if not group.listed:
            bump = f"src/m/{group.name}.bump"
            self.files[bump] = text_of(rng, "#b")
        listed = ""
        if group.listed:
            listed = f"out/{group.name}.list"
            self._add([listed], "list", [], self._manner(), force=True, group=group.name)
        group.bump = bump
        takes_all = dict(group=group.name, bump=bump, listed=listed, force=rng.random() < 0.1)
        if group.objects:
            group.member = Node([], "object", [], self._manner(), group=group.name, order=list(generated),
                                fails=rng.choice(("", "early", "late" if self.make else "early")),
                                force=rng.random() < 0.1)
            if rng.random() < 0.5:
                manner = rng.choice([how for how in ARCHIVES if how != "rcs"])
                takes_all["bump"] = ""
                node = self._add([f"out/{group.name}.a"], "archive", [], manner, **takes_all)
                if bump:
                    node.deps = [bump]
                node = self._add([f"out/{group.name}.p"], "members", node.outs, self._manner())
                made += node.outs
                return
        node = self._add([f"out/{group.name}.all"], rng.choice(("cat", "sort", "size", "head", "md5")), [],
                         self._manner(), glob=group.glob, **takes_all)
        made += node.outs

    def includes_of(self, rng, group):
        if not group.objects:
            return "#x"
        return " ".join(["#inc"] + rng.sample(self.headers, rng.randint(0, 2)))

    def _grow_any(self, name, plain, made):
        rng = self.rng
        pool = made[-6:] + rng.sample(plain, 2) + rng.sample(made, min(2, len(made)))
        reads = list(dict.fromkeys(self._readable(rng.sample(pool, rng.randint(1, min(3, len(pool)))))))
        force = rng.random() < 0.12
        what = rng.random()
        if what < 0.18:
            how = rng.choice(tuple(COPIES))
            if how == "link" and not reads[0].startswith("out/"):
                how = "cp"
            node = self._add([name], "copy", reads[:1], how, force=force)
        elif what < 0.28:
            node = self._add([name + ".a"], "archive", reads, rng.choice(tuple(ARCHIVES)), force=force)
            node = self._add([name + ".p"], "members", node.outs, self._manner())
        elif what < 0.38:
            stamp = self._add([name + ".stamp"], "directory", reads, rng.choice(tuple(DIRECTORIES)), force=force,
                              stamp=rng.choice(STAMPS))
            node = self._add([name + ".f"], "files", stamp.outs, self._manner())
        elif what < 0.46:
            # what is told is the stamp, what is read is what the stamp stands for
            how = rng.choice(STAMPS)
            ending = ".stamp" if how.startswith("echo") else rng.choice((".stamp", ".done"))
            stamp = self._add([name + ending], "stamp", reads, "", stamp=how, force=force)
            node = self._add([name], rng.choice(FUNCTIONS), reads, self._manner(), deps=stamp.outs)
        elif what < 0.57:
            # likewise, and what is told has all the bytes
            if rng.random() < 0.7:
                reads = [rng.choice(plain)]
            proxy = self._add([name + ".proxy"], "copy", reads[:1], rng.choice(("cp", "install", "cat", "rm-cp")),
                              force=rng.random() < 0.5)
            node = self._add([name], rng.choice(FUNCTIONS), reads[:1], self._manner(), deps=proxy.outs)
        elif what < 0.70:
            option = f"opt/{name.removeprefix('out/')}"
            node = self._add([name], rng.choice(FUNCTIONS), reads, self._manner(), option=option,
                             option_how=rng.choice(("test", "open", "size")), force=force)
            if self.git or rng.random() < 0.4:
                node.listed = name + ".list"
                self.rules.insert(len(self.rules) - 1,
                                  Node([node.listed], "list", [], self._manner(), lists=option, force=True))
            else:
                node.bump = f"src/m/{name.removeprefix('out/')}.bump"
                self.files[node.bump] = text_of(rng, "#b")
            self.removable[option] = node.bump
            if rng.random() < 0.6:
                self.files[option] = text_of(rng, "#o")
        elif what < 0.77:
            node = self._add([name], rng.choice(FUNCTIONS), reads, self._manner(), force=force,
                             command=rng.choice(("Makefile", name + ".cmd")))
            if node.command != "Makefile":
                self.rules.insert(len(self.rules) - 1,
                                  Node([node.command], "const", [], self._manner(), force=True))
        elif what < 0.82 and not self.make:
            # make 4.3 begins with what needs a target of `a b &: c` before its recipe has ended
            node = self._add([name, name + ".size"], "cat", reads, self._manner(), force=force)
        else:
            node = self._add([name], rng.choice(FUNCTIONS), reads, self._manner(), force=force)
            if node.function != "up" and rng.random() < 0.3:
                node.fails = rng.choice(("early", "late" if self.make else "early"))
        made += [path for path in node.outs if not path.endswith(".a")]

    def _prune(self, goals):
        """Only what is needed for these"""
        wanted = set(goals)
        for node in self.rules:  # a member is made for who takes them all
            if node.group and any(goal.startswith(f"out/{node.group}/") for goal in goals):
                wanted.add(node.name)
        for node in reversed(self.rules):
            if wanted & set(node.outs):
                wanted |= set(node.reads) | set(node.deps or ()) | {node.listed, node.command}
                if node.group:
                    wanted |= set(self.groups[node.group].member.order if self.groups[node.group].objects else ())
                    if self.groups[node.group].objects:
                        wanted |= set(self.headers)
        self.rules = [node for node in self.rules if wanted & set(node.outs)]
        used = {node.group for node in self.rules}
        self.groups = {name: group for name, group in self.groups.items() if name in used}

    # ---- as it is in one state of the sources ----

    def nodes(self, state):
        """All rules, those of the groups' members among them, inputs first"""
        result = []
        seen = set()
        for node in self.rules:
            node.variant = state["variants"].get(node.name, 0)
            if node.function == "const":
                node.variant = state["variants"].get(node.name.removesuffix(".cmd"), 0)
            if node.lists:
                node.reads = [node.lists] if node.lists in state["files"] else []
            elif node.group:
                group = self.groups[node.group]
                sources = group.members(state["files"])
                node.reads = sources
                if group.objects and node.function != "list":
                    node.reads = [group.object_of(source) for source in sources]
                    if node.group not in seen:
                        seen.add(node.group)
                        for source in sources:
                            member = Node(**vars(group.member))
                            member.outs, member.reads = [group.object_of(source)], [source]
                            result.append(member)
            result.append(node)
        return result

    def deps_of(self, node, state):
        """What a target is compared with"""
        if node.function == "list" or node.function == "const":
            return []
        deps = list(node.reads if node.deps is None else node.deps)
        if node.group and node.function == "archive":
            deps = list(node.reads) + list(node.deps or ())
        for more in (node.bump, node.listed, node.command):
            if more and (more != "Makefile" or self.make):
                deps.append(more)
        if node.option and node.option in state["files"]:
            deps.append(node.option)
        return deps

    def expect(self, state):
        """What a clean build gives: bytes by path, and the paths of which nothing is known since a recipe fails"""
        texts = dict(state["files"])
        members, filled, unknown = {}, {}, set()

        for node in self.nodes(state):
            needs = set(node.reads) | set(self.deps_of(node, state)) | set(node.order)
            if node.function == "object" and not needs & unknown:
                needs |= set(texts[node.reads[0]].split("\n", 1)[0].split()[1:])
            if needs & unknown or (node.fails and (texts[node.reads[0]].split("\n") + [""])[1].startswith("FAIL")):
                unknown |= set(node.outs)
                if node.function == "directory":
                    unknown.add(node.name)
                continue
            results = result_of(node, texts.__getitem__, node.reads, members.get, filled.get, state["files"])
            texts.update(zip(node.outs, results))
            if node.function == "archive":
                members[node.name] = [texts[path] for path in node.reads]
            elif node.function == "directory":
                entries = {}
                for number, path in enumerate(node.reads, 1):
                    line = (texts[path].split("\n") + [""])[1].strip()
                    entries[("a" if line and "a" <= line[0] <= "m" else "z") + str(number)] = line + "\n"
                filled[node.name] = [entries[name] for name in sorted(entries)]
        targets = {path: texts[path] for node in self.nodes(state) for path in node.outs if path not in unknown}
        return targets, unknown

    def closure(self, goals, state):
        """All targets that making these makes"""
        wanted = set(goals)
        for node in reversed(self.nodes(state)):
            if wanted & set(node.outs):
                wanted |= set(node.outs) | set(node.reads) | set(self.deps_of(node, state)) | set(node.order)
                if node.function == "object":
                    wanted |= set(self.headers)
                if node.sub:
                    wanted |= {path for other in self.rules if other.sub for path in other.outs}
        return wanted

    # ---- as text ----

    def texts(self, state):
        """Path -> text of what the build tool reads"""
        if self.make:
            return self._makefiles(state)
        return self._ninja_files(state)

    def _make_rule(self, node, state, prefix):
        path = (lambda name: prefix + name)
        reads, target = node.reads, path(node.name)
        deps = [path(dep) for dep in self.deps_of(node, state)]
        if node.group and node.function != "list":
            group = self.groups[node.group]
            variable = f"$({'OBJS' if group.objects else 'SRCS'}_{group.name})"
            deps = [variable] + [path(dep) for dep in (list(node.deps or ()) + [node.bump, node.listed]) if dep]
            reads = [group.wildcard()] if node.glob else [variable]
        elif node.group:
            reads = [f"$(SRCS_{node.group})"]
        elif node.lists:
            reads = [f"$(wildcard {path(node.lists)})"]
        elif node.option and (node.listed or node.option_how == "test"):
            deps = [dep for dep in deps if dep != path(node.option)] + [f"$(wildcard {path(node.option)})"]
        lines = lines_of(node, path, reads, target)
        # variables of make must come through, the shell's must not be taken for make's
        lines = [line.replace("$", "$$").replace("$$(SRCS", "$(SRCS").replace("$$(OBJS", "$(OBJS")
                 .replace("$$(wildcard", "$(wildcard") for line in lines]
        head = f"{path(node.name)}: {' '.join(deps)}{' FORCE' if node.force else ''}"
        return "\n".join([head, f"\t$(info RUN {node.name})"] + ["\t" + line for line in lines]) + "\n"

    def _makefiles(self, state):
        nodes = self.nodes(state)
        out = ["MAKEFLAGS += -r\n" if self.no_builtin else ""]
        out.append(".DELETE_ON_ERROR:\nall: " + " ".join(path for node in self.rules for path in node.outs) + "\n")
        for group in self.groups.values():
            out.append(f"SRCS_{group.name} := $(sort $(wildcard {group.wildcard()}))\n")
            if not group.objects:
                continue
            pattern = f"out/{group.name}/%.o: {group.folder}/%.x"
            objects = f"$(OBJS_{group.name})"
            out.append(f"OBJS_{group.name} := $(patsubst {group.folder}/%.x,out/{group.name}/%.o,"
                       f"$(SRCS_{group.name}))\n")
            member = Node(**{**vars(group.member), "outs": ["$@"], "reads": ["$<"]})
            lines = lines_of(member, str, ["$<"], "$@", "make")
            lines[0] = "mkdir -p $(@D); " + lines[0]
            lines[-1] = lines[-1].replace("$@.d", "$(@:.o=.d)")
            lines = [line.replace("$", "$$").replace("$$@", "$@").replace("$$<", "$<").replace("$$(@", "$(@")
                     for line in lines]
            if not group.implicit:
                pattern = f"{objects}: {pattern}"
            out.append(pattern + (" FORCE" if member.force else "")
                       + (" | " + " ".join(member.order) if member.order else "") + "\n\t$(info RUN $@)\n"
                       + "".join(f"\t{line}\n" for line in lines))
            if self.include_how == "objects":
                out.append(f"-include $(OBJS_{group.name}:.o=.d)\n")
            else:
                out.append(f"-include $(wildcard out/{group.name}/*.d out/{group.name}/*/*.d)\n")
        below = [node for node in nodes if node.sub]
        for node in nodes:
            if node.function != "object" and not node.sub:
                out.append(self._make_rule(node, state, ""))
        texts = {}
        if below:
            own = {path for node in below for path in node.outs}
            needs = sorted({path for node in below for path in node.reads if path.startswith("out/")} - own)
            out.append(f".PHONY: sub\nsub: {' '.join(needs)}\n\t+$(MAKE) -s -C sub\n")
            out.append(f"{' '.join(sorted(own))}: sub ;\n")
            texts["sub/Makefile"] = "".join(
                [".DELETE_ON_ERROR:\nall: " + " ".join(f"../{path}" for path in sorted(own)) + "\n"]
                + [self._make_rule(node, state, "../") for node in below] + [".PHONY: FORCE\nFORCE:\n"])
        out.append(".PHONY: all FORCE\nFORCE:\n")
        texts["Makefile"] = "".join(out)
        return texts

    def _ninja_files(self, state):
        out = ["builddir = out\n" if self.log_in_out else "", "build always: phony\n"]
        nodes = self.nodes(state)
        below = [node for node in nodes if node.sub]
        done_below = not below
        texts = {}
        for number, node in enumerate(nodes):
            if node.sub and not done_below:
                done_below = True
                own = sorted({path for other in below for path in other.outs})
                needs = sorted({path for other in below for path in other.reads if path.startswith("out/")} - set(own))
                out.append("rule sub\n  command = make -s -C sub\n  description = SUB\n"
                           + ("  restat = 1\n" if self.restat else "")
                           + f"build {' '.join(own)}: sub | {' '.join(needs)} always\n")
                texts["sub/Makefile"] = "".join(
                    [".DELETE_ON_ERROR:\nall: " + " ".join(f"../{path}" for path in own) + "\n"]
                    + [self._make_rule(other, state, "../") for other in below] + [".PHONY: FORCE\nFORCE:\n"])
            if node.sub:
                continue
            reads = node.reads
            if node.glob:
                reads = [self.groups[node.group].wildcard()]
            is_object = node.function == "object"
            lines = lines_of(node, str, reads, node.name, "ninja" if is_object else "")
            command = " && ".join(f"{{ {line}; }}" if len(lines) > 1 else line for line in lines)
            out.append(f"rule r{number}\n  command = {command.replace('$', '$$')}\n  description = RUN {node.name}\n")
            if self.restat:
                out.append("  restat = 1\n")
            if is_object:
                out.append(f"  depfile = {node.name.removesuffix('.o')}.d\n"
                           + ("  deps = gcc\n" if self.deps_gcc else ""))
            out.append(f"build {' '.join(node.outs)}: r{number} | {' '.join(self.deps_of(node, state))}"
                       f"{' always' if node.force else ''}{' || ' + ' '.join(node.order) if node.order else ''}\n")
        out.append("default " + " ".join(path for node in self.rules for path in node.outs) + "\n")
        texts["build.ninja"] = "".join(out)
        return texts
