#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a header of files, each a string: embed.py HEADER NAME=FILE..."""

import pathlib
import sys

out = ["#pragma once\n"]
for argument in sys.argv[2:]:
    name, _, path = argument.partition("=")
    out.append(f"static const char {name}[] =")
    for line in pathlib.Path(path).read_text(encoding="ascii").splitlines():
        line = line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
        out.append(f'\t"{line}\\n"')
    out[-1] += ";\n"
pathlib.Path(sys.argv[1]).write_text("\n".join(out), encoding="ascii")
