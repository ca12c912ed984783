#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that --help, README.md, the man page, meson and the packages agree, and that --help fits 80 columns:
options.py LKLFS SOURCE_TREE VERSION

README.md has two tables. Rows of the first are | `-x`, `--long=ARG` | COMMAND, ... | meaning |, rows of the
second | `name=ARG` | default | meaning |, for -o. docs/lklfs.1.rst says how it is read at its head."""

import os
import pathlib
import re
import subprocess
import sys

COMMANDS = ("mount", "run", "umount", "status", "report")

lklfs, top, version = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
wrong = []


def output(*arguments, name="lklfs"):
    done = subprocess.run(
        [name, *arguments], executable=lklfs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode != 0 or done.stderr:
        wrong.append(f"lklfs {' '.join(arguments)}: exits with {done.returncode}: {done.stderr}")
    return done.stdout


def section(text, begin):
    """The lines after the one that begins so, as far as they are indented."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith(begin)), len(lines))
    found = []
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            break
        found.append(line)
    return found


def agree(what, first, first_says, second, second_says):
    for item in sorted(first - second):
        wrong.append(f"{what} {item}: {first_says}, but not {second_says}")
    for item in sorted(second - first):
        wrong.append(f"{what} {item}: {second_says}, but not {first_says}")


def help_options(command):
    found = set()
    for line in section(output(command, "--help"), "Options:"):
        match = re.match(r"  (?:(-\w), )?(--[\w-]+(?:=\w+)?)  ", line)
        if not match:
            wrong.append(f"lklfs {command} --help: what is this: {line}")
        else:
            found.add(f"{match[1] + ', ' if match[1] else ''}{match[2]} of {command}")
    return found


def help_words(command):
    """The options of -o, each with its default."""
    entries = []
    for line in section(output(command, "--help"), "Options of -o"):
        if line[2] != " ":
            entries.append(line.strip())
        elif entries:
            entries[-1] += ("" if entries[-1].endswith(":") else " ") + line.strip()
    return {f"{e.split()[0]} ({re.findall(r'[(]([^()]*)[)]', e)[-1]})" for e in entries if "(" in e}


def readme_rows():
    for line in (top / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| `") and len(cells) == 3:
            yield cells[0].replace("`", ""), cells[1].replace("`", "")


def man_lines(title):
    """The lines of a section."""
    lines = (top / "docs/lklfs.1.rst").read_text().splitlines()
    start = lines.index(title) + 2
    end = next((n for n in range(start, len(lines)) if lines[n].startswith("====")), len(lines) + 1)
    return lines[start : end - 1]


def man_options():
    found, commands = set(), []
    for line in man_lines("OPTIONS"):
        if line.startswith("Of "):
            commands = re.split(", | and ", line[3:])
        elif match := re.match(r"(?:(-\w)(?: [A-Z]+)?, )?(--\w[\w-]*(?:=\w+)?)(?:  |$)", line):
            found |= {f"{match[1] + ', ' if match[1] else ''}{match[2]} of {command}" for command in commands}
        elif line.startswith("-") and line.strip("-"):
            wrong.append(f"lklfs.1.rst: what is this: {line}")
    return found


def man_words():
    text = "\n".join(man_lines("MOUNT OPTIONS"))
    return {f"{a} ({b})" for a, b in re.findall(r"^``(\S+)``\n(?: .*\n|\n)*?    Default: ``(.+)``$", text, re.M)}


rows = list(readme_rows())
of_commands = {f"{a} of {c}" for a, b in rows if a.startswith("-") for c in b.split(", ")}
of_words = {f"{a} ({b})" for a, b in rows if not a.startswith("-")}
for name, options, words in (("README.md", of_commands, of_words), ("lklfs.1.rst", man_options(), man_words())):
    agree("option", set().union(*(help_options(c) for c in COMMANDS)), "says --help", options, name)
    for command in ("mount", "run"):
        agree(f"-o of {command}:", help_words(command), "says --help", words, name)
for name in COMMANDS:
    if f"lklfs {name}" not in output("--help").replace("[mount]", "mount"):
        wrong.append(f"lklfs --help does not name {name}")
if output("--help").partition("Usage:")[2] != output("mount", "--help").partition("Usage:")[2]:
    wrong.append("lklfs --help ends otherwise than lklfs mount --help")
for arguments in (["-V"], ["--version"], *([c, "-V"] for c in COMMANDS)):
    if output(*arguments) != f"lklfs {version}\n":
        wrong.append(f"lklfs {' '.join(arguments)}: says {output(*arguments).strip()}, meson says {version}")
for text in (output("--help"), output("--help", name="mount.fuse.lklfs"), *(output(c, "--help") for c in COMMANDS)):
    wrong += [f"--help is wider than 80 columns: {line}" for line in text.splitlines() if len(line) > 80]
for name, before, after in (("contrib/debian/changelog", "lklfs (", "-"), ("contrib/rpm/lklfs.spec", "\nVersion:        ", "\n")):
    if before + version + after not in (top / name).read_text():
        wrong.append(f"{name} is not of version {version}, which meson says")
if not of_commands or not of_words:
    wrong.append("README.md: a table of options is missing")
print("\n".join(wrong) if wrong else f"{len(of_commands)} options and {len(of_words)} of -o: all agree")
sys.exit(1 if wrong else 0)
