# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one target is made of and how it is written: shell text, and the same in Python.

A Node is one rule. Its function says which bytes come out, given the bytes that are read; its manner says
how a recipe gets them into the file. Every function is there twice, in shell and in Python. make runs each line
of a recipe as a build step of its own; ninja has one line only."""

import dataclasses
import hashlib
import os
import subprocess

# One rule writes the target again with these; {B} is what prints the new bytes, {T} the target. Lists of
# two are two recipe lines.
MANNERS = {
    "plain": ["{{ {B}; }} >{T}"],
    "tee": ["{{ {B}; }} | tee {T} >/dev/null"],
    "fd": ["exec 3>{T}; {{ {B}; }} >&3; exec 3>&-"],
    "dd": ["{{ {B}; }} >{T}.in; dd if={T}.in of={T} conv=notrunc status=none;"
           " truncate -s $(stat -c %s {T}.in) {T}"],
    "two": ['{{ echo raw; {B}; }} >{T}; c=$(sed 1d {T}; echo .); printf %s "${{c%.}}" >{T}'],
    "two-lines": ["{{ echo raw; {B}; }} >{T}", 'c=$(sed 1d {T}; echo .); printf %s "${{c%.}}" >{T}'],
    "sed": ["{{ echo raw; {B}; }} >{T}; sed -i 1d {T}"],
    "sed-line": ["{{ echo raw; {B}; }} >{T}", "sed -i 1d {T}"],
    "rm": ["rm -f {T}; {{ {B}; }} >{T}"],
    "rm-line": ["rm -f {T}", "{{ {B}; }} >{T}"],
    "mv": ["{{ {B}; }} >{T}.tmp && mv -f {T}.tmp {T}"],
    "mv-line": ["{{ {B}; }} >{T}.tmp", "mv -f {T}.tmp {T}"],
    "if-changed": ["{{ {B}; }} >{T}.tmp; if cmp -s {T}.tmp {T}; then rm -f {T}.tmp; else mv -f {T}.tmp {T}; fi"],
    "away": ["test ! -e {T} || mv -f {T} {T}.old; {{ {B}; }} >{T}"],
    "install": ["{{ {B}; }} >{T}.pre; install -m 644 {T}.pre {T}"],
    "cp": ["{{ {B}; }} >{T}.pre", "cp {T}.pre {T}"],
    "cp-p": ["{{ {B}; }} >{T}.pre; cp -p {T}.pre {T}"],
    "mkdir": ["mkdir -p {T}.dir; {{ {B}; }} >{T}.dir/x; mv {T}.dir/x {T}; rmdir {T}.dir"],
    # {A} appends piece by piece, so the file is seen empty and in parts by who looks
    "append": [": >{T}; {A}"],
    "append-lines": [": >{T}", "{A}"],
}
# Two build steps write other bytes: lklfs does not take that back (P9)
TWO_STEPS = ("two-lines", "sed-line", "append-lines")
COPIES = {
    "cp": ["cp {R} {T}"],
    "cp-p": ["cp -p {R} {T}"],
    "install": ["install -m 644 {R} {T}"],
    "cat": ["cat <{R} >{T}"],
    "rm-cp": ["rm -f {T}", "cp {R} {T}"],
    "link": ["ln -f {R} {T}"],
    "symlink": ["ln -sf {L} {T}"],
}


def archiver():
    """ar, told which plugin to ask, as gcc-ar tells it. Otherwise it loads all there are for each member that is
    not an object: with LLVM's among them that takes ten times as long as the rest"""
    try:
        done = subprocess.run(["gcc", "-print-file-name=liblto_plugin.so"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "ar"
    plugin = done.stdout.strip()
    return f"ar --plugin {plugin}" if os.path.isabs(plugin) else "ar"


AR = archiver()
ARCHIVES = {
    "rcs": ["{AR} rcs {T} {R}"],
    "rm-rcs": ["rm -f {T}; {AR} rcs {T} {R}"],
    "rm-line-rcs": ["rm -f {T}", "{AR} rcs {T} {R}"],
    "rm-rcsD": ["rm -f {T}; {AR} rcsD {T} {R}"],
    "rm-rcsU": ["rm -f {T}; {AR} rcsU {T} {R}"],
    "mv-rcs": ["rm -f {T}.tmp; {AR} rcs {T}.tmp {R} && mv -f {T}.tmp {T}"],
    "rm-rcsT": ["rm -f {T}; {AR} rcsT {T} {R}"],
}
# Files from the second lines of what is read: their names depend on the bytes.
FILL = ("n=0; for f in {R}; do {{ read -r a; read -r b; }} <$f; n=$((n+1));"
        ' case $b in [a-m]*) echo "$b" >{D}/a$n;; *) echo "$b" >{D}/z$n;; esac; done')
DIRECTORIES = {
    "rm-rf": ["rm -rf {D}; mkdir {D}; " + FILL + "; {S}"],
    "rm-rf-line": ["rm -rf {D}", "mkdir {D}; " + FILL, "{S}"],
    "rm-all": ["mkdir -p {D}; rm -f {D}/*; " + FILL + "; {S}"],
    "mv": ["rm -rf {D}.new; mkdir {D}.new; " + FILL.replace("{D}", "{D}.new")
           + "; rm -rf {D}; mv {D}.new {D}; {S}"],
}
STAMPS = ("touch {T}", ": >{T}", "echo built >{T}")
FUNCTIONS = ("cat", "cat", "head", "size", "md5", "sort", "up", "grep", "second")


@dataclasses.dataclass
class Node:
    """One rule. Paths are relative to the top of the tree."""

    outs: list
    function: str
    reads: list  # what the recipe reads
    manner: str
    deps: list = None  # what the build tool is told; None: what is read
    order: list = dataclasses.field(default_factory=list)  # order only
    force: bool = False
    sub: bool = False  # made by the make below
    fails: str = ""  # early, late: fails if the first thing read says so
    option: str = ""  # a file that may be absent
    option_how: str = ""
    lists: str = ""  # the file that may be absent and that this list file is about
    bump: str = ""  # read as well; changes when something is taken away
    group: str = ""  # the group of sources, for members and those who take them all
    glob: bool = False  # takes them by the shell's *
    listed: str = ""  # the list file
    stamp: str = ""  # how a stamp is written
    command: str = ""  # the command file: "" | Makefile | path
    variant: int = 0

    @property
    def name(self):
        return self.outs[0]

    @property
    def label(self):
        return self.name.rsplit("/", 1)[-1].split(".")[0]


def word(label, variant):
    return f"echo {label} v{variant}"


def line_of(text, number):
    lines = text.split("\n")
    return lines[number].strip() if number < len(lines) else ""


def pieces_of(node, path, reads):
    """What prints the new bytes: commands before, commands that print"""
    names = [path(read) for read in reads]
    all_names = " ".join(names)
    before = []
    pieces = [word(node.group if node.function == "object" else node.label, node.variant)]
    match node.function:
        case "cat":
            pieces.append(f"cat {all_names} /dev/null")
        case "head":
            pieces.append(f"head -qn2 {all_names} /dev/null")
        case "size":
            pieces.append(f"stat -Lc %s {all_names}")
        case "md5":
            pieces.append(f"cat {all_names} | md5sum")
        case "sort":
            pieces.append(f"sort -u {all_names}")
        case "up":
            pieces += [f"tr a-z A-Z <{name}" for name in names]
        case "grep":
            pieces.append(f"sed -n /k/p {all_names}")
        case "second":
            pieces += [f'{{ read -r a; read -r b; echo "$b"; }} <{name}' for name in names]
        case "members":
            pieces += [f"ar p {name}" for name in names]
        case "files":
            pieces += [f"cat {name.removesuffix('.stamp')}/*" for name in names]
        case "const":
            pass
        case "object":
            before.append(f"read -r k i <{names[0]}")
            pieces.append(f"tail -n +2 {names[0]}; cat $i /dev/null")
        case "list":
            pieces[0] += " " + all_names
        case _:
            raise ValueError(node.function)
    if node.option:
        option = path(node.option)
        pieces.append({
            "test": f"if test -e {option}; then cat {option}; else echo none; fi",
            "open": f"cat {option} 2>/dev/null || echo none",
            "size": f"stat -c %s {option} 2>/dev/null || echo none",
        }[node.option_how])
    if node.bump:
        pieces.append(f"cat {path(node.bump)}")
    return before, pieces


def check_of(name):
    return f"{{ read -r a; read -r b; }} <{name}; case $b in FAIL*) exit 1;; esac"


def lines_of(node, path, reads, target, depfile=""):
    """The recipe as shell lines. reads: paths or variables of make; depfile: make, ninja or none"""
    one = path(reads[0]) if reads else ""
    text = {"T": target, "R": " ".join(path(read) for read in reads), "D": target.removesuffix(".stamp")}
    if node.function == "copy":
        # all targets are in one directory; what is not there lies beside it
        text["L"] = reads[0].removeprefix("out/") if reads[0].startswith("out/") else "../" + reads[0]
        lines = [line.format(**text) for line in COPIES[node.manner]]
    elif node.function == "archive":
        lines = [line.format(AR=AR, **text) for line in ARCHIVES[node.manner]]
    elif node.function == "stamp":
        lines = [node.stamp.format(**text)]
    elif node.function == "directory":
        text["S"] = node.stamp.format(**text)
        lines = [line.format(**text) for line in DIRECTORIES[node.manner]]
    else:
        before, pieces = pieces_of(node, path, reads)
        text["B"] = "; ".join(before + pieces)
        text["A"] = "; ".join(before + [f"{{ {piece}; }} >>{target}" for piece in pieces])
        lines = [line.format(**text) for line in MANNERS[node.manner]]
    if len(node.outs) > 1:
        lines[-1] += f"; stat -Lc %s {text['R']} >{path(node.outs[1])}"
    if depfile:
        lines[-1] += f"; read -r k i <{one}; {{ echo \"{target}: {one} $i\""
        if depfile == "make":
            lines[-1] += '; for h in $i; do echo "$h:"; done'
        lines[-1] += f"; }} >{target.removesuffix('.o')}.d"
    if node.fails == "early":
        lines[0] = check_of(one) + "; " + lines[0]
    elif node.fails == "late":
        lines[-1] += "; " + check_of(one)
    return lines


def as_archive(contents):
    """What of an archive is compared: the names of its members, and their bytes"""
    return "".join(f"{name} {len(text)}\n{text}" for name, text in contents)


def read_archive(data):
    """The same of a real one; of a thin one the names alone"""
    thin = data.startswith(b"!<thin>\n")
    if not thin and not data.startswith(b"!<arch>\n"):
        return data.decode("latin-1")
    at = 8
    names = b""
    contents = []
    while at + 60 <= len(data):
        name, size = data[at:at + 16].rstrip(), int(data[at + 48:at + 58])
        at += 60
        special = name in (b"/", b"//")
        text = data[at:at + size] if special or not thin else b""
        at += len(text) + len(text) % 2
        if name == b"//":
            names = text
        if special:
            continue
        if name.startswith(b"/"):
            start = int(name[1:].split(b":")[0])
            name = names[start:names.index(b"/\n", start)]
        name = name.removesuffix(b"/").rsplit(b"/", 1)[-1]
        contents.append((name.decode("latin-1"), text.decode("latin-1")))
    return as_archive(contents)


def result_of(node, get, reads, member_texts, file_texts, options):
    """The bytes of each output, as text. get(path) is the text of a path; member_texts(archive) are the
    bytes of an archive's members, in order; file_texts(stamp) those of the files below a directory"""
    texts = [get(path) for path in reads] if node.function not in ("members", "files", "stamp", "list", "const") else []
    head = f"{node.group if node.function == 'object' else node.label} v{node.variant}"
    out = head + "\n"
    match node.function:
        case "cat":
            out += "".join(texts)
        case "head":
            out += "".join("".join(text.splitlines(True)[:2]) for text in texts)
        case "size":
            out += "".join(f"{len(text)}\n" for text in texts)
        case "md5":
            out += hashlib.md5("".join(texts).encode()).hexdigest() + "  -\n"
        case "sort":
            out += "".join(sorted(set("".join(texts).splitlines(True))))
        case "up":
            out += "".join(texts).upper()
        case "grep":
            out += "".join(line for line in "".join(texts).splitlines(True) if "k" in line)
        case "second":
            out += "".join(line_of(text, 1) + "\n" for text in texts)
        case "members":
            out += "".join("".join(member_texts(path)) for path in reads)
        case "files":
            out += "".join("".join(file_texts(path)) for path in reads)
        case "const":
            pass
        case "object":
            out += texts[0].split("\n", 1)[1]
            out += "".join(get(path) for path in line_of(texts[0], 0).split()[1:])
        case "list":
            out = " ".join([head] + reads) + "\n"
        case "copy":
            return [texts[0]]
        case "archive":
            thin = node.manner.endswith("T")
            names = [path.rsplit("/", 1)[-1] for path in reads]
            return [as_archive((name, "" if thin else text) for name, text in zip(names, texts))]
        case "stamp" | "directory":
            return ["built\n" if node.stamp.startswith("echo") else ""]
    if node.option:
        if node.option not in options:
            out += "none\n"
        elif node.option_how == "size":
            out += f"{len(get(node.option))}\n"
        else:
            out += get(node.option)
    if node.bump:
        out += get(node.bump)
    results = [out]
    if len(node.outs) > 1:
        results.append("".join(f"{len(text)}\n" for text in texts))
    return results
