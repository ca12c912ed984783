#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that modules look down only: layers.py SOURCE_TREE

A module is src/X.c with include/X.h. It may include headers of its own layer and of those below. Every
module has a place here. A .c file includes its own header first, so that the header is known to stand
by itself.

stage, fs, node and version are one layer: their structs hold each other, and a node cannot be let go
without its stage. What acts upon them (publish, pin) stands above."""

import fnmatch
import pathlib
import re
import sys

LAYERS = (  # top first
    ("main", "cmd", "cmd-*"),
    ("mount-session", "mount-target", "mount-daemon", "mount-watch", "mount-helper"),
    ("request", "request-*", "order", "notify", "lock"),
    ("publish", "through", "save", "record", "pin", "match"),
    ("stage", "stage-content", "failed", "space", "fs", "node", "version", "offer", "former", "kept", "held", "audit", "late", "outdated"),
    ("compare", "looks", "step", "sweep", "backing", "beneath", "inputs", "record-lock", "report", "report-*", "progress"),
    ("proc", "walk", "fileio", "usage", "stamp", "journal", "journal-file", "html", "log", "outbox", "supervisor", "mount-options", "util"),
)


def layer_of(module):
    for number, patterns in enumerate(LAYERS):
        if any(fnmatch.fnmatchcase(module, pattern) for pattern in patterns):
            return number
    return None


def main():
    top = pathlib.Path(sys.argv[1])
    headers = {path.name for path in top.glob("include/*.h")}
    files = sorted(top.glob("src/*.c")) + sorted(top.glob("include/*.h"))
    wrong = []
    n_includes = 0
    for path in files:
        name = path.relative_to(top)
        layer = layer_of(path.stem)
        if layer is None:
            wrong.append(f"{name}: has no layer; give it one in tests/unit/layers.py")
            continue
        includes = re.findall(r'^[ \t]*#[ \t]*include[ \t]+["<]([^">]+)[">]', path.read_text(), re.M)
        own = [header.removesuffix(".h") for header in includes if header in headers]
        if path.suffix == ".c" and f"{path.stem}.h" in headers and includes[0] != f"{path.stem}.h":
            wrong.append(f"{name}: includes {includes[0]} before its own header")
        for module in own:
            n_includes += 1
            below = layer_of(module)
            if below is not None and below < layer:
                wrong.append(f"{name}: looks up at {module}.h ({', '.join(LAYERS[below])})")
    if n_includes == 0:
        wrong.append(f"{top}: no includes found, so nothing was checked")
    print("\n".join(wrong) if wrong else f"{len(files)} files, {n_includes} includes: all look down")
    return 1 if wrong else 0


sys.exit(main())
