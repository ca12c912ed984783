#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the completion for a shell: generate.py LKLFS TEMPLATE OUTPUT

All that the shells have to know of commands and options they get from here, and that is what --help says: the tables
in the sources of lklfs are the only ones. A template is a script in which a line @NAME@ stands for what is made of
them, for the shell that the template's name ends with: lklfs.bash.in.

What --help cannot say is KINDS (what a value is) and OPERANDS (what stands beside the options)."""

import ctypes
import os
import pathlib
import re
import subprocess
import sys

# What an option's value is: the name that --help has for it
KINDS = {"FILE": "file", "LIST": "list"}
# What a command is about; what --help calls DIR is to be a mount for some
OPERANDS = {"run": "command", "umount": "mount", "status": "mount", "report": "file"}
ADDR_NO_RANDOMIZE = 0x0040000


class Option:
    """One of a command's: names (-x, --long), what kind of value it has (None: no value), and what it does."""

    def __init__(self, short, long, value, text):
        self.short, self.long, self.text = short, long, text
        self.kind = KINDS.get(value, "other") if value else None
        self.value = value


class Word:
    """One of -o: its name, whether it has a value, which one is offered then, and what it does."""

    def __init__(self, name, value, default, text):
        self.name, self.has_value, self.text = name, bool(value), text
        # what is no number would have to be known by heart; these two are words of their own
        self.default = {"always": "none", "drivers": "+"}.get(name, default if default[:1].isdigit() else "")


def help_of(lklfs, *arguments):
    return subprocess.run(
        [lklfs, *arguments, "--help"], stdout=subprocess.PIPE, check=True, text=True, env={**os.environ, "LC_ALL": "C"}
    ).stdout


def read_commands(lklfs):
    """{name: what it does}"""
    commands = re.findall(r"^  lklfs \[?(\w+)\]? .*\n      (.*)$", help_of(lklfs), re.M)
    assert len(commands) > 1, "lklfs --help lists no commands"
    return dict(commands)


def read_options(text):
    found = re.findall(r"^  (?:(-\w), )?(--[\w-]+)(?:=(\w+))?  +(.*)$", text, re.M)
    assert found, "--help lists no options"
    return [Option(*fields) for fields in found]


def read_words(text):
    """Those of -o. What it does may go over several lines, and its default ends the last one."""
    section = re.search(r"^Options of -o.*\n((?:  .*\n)+)Everything else \((.*), \.\.\.\)", text, re.M)
    assert section, "--help does not list the options of -o"
    words = []
    for entry in re.findall(r"^  \w.*\n(?:   .*\n)*", section[1], re.M):
        name, value, text = re.match(r"  (\w+)(=\w+(?:[:]\w+)*)? +(.*)", entry, re.S).groups()
        text, default = re.match(r"(.*?)(?: \(([^()]*)\))?$", " ".join(text.split())).groups()
        words.append(Word(name, value, default or "", text))
    return words + [Word(name, None, "", "see mount.fuse3(8)") for name in section[2].split(", ")]


def bash(commands, options, words):
    def names(o):
        return [*([o.short] if o.short else []), o.long + ("=" if o.value else "")]

    lines = [f"{c}) options=({' '.join(n for o in options[c] for n in names(o))}) ;;" for c in commands]
    kinds = {}
    for command in commands:
        for option in options[command]:
            if option.kind:
                kinds.setdefault(option.kind, []).extend(f"{command}:{n}" for n in (option.short, option.long) if n)
    return {
        "COMMANDS": f"commands=({' '.join(commands)})",
        "OPTIONS": ["case $command in", *lines, "esac"],
        "KINDS": ["declare -A kinds=(", *(f"\t[{n}]={kind}" for kind in sorted(kinds) for n in kinds[kind]), ")"],
        "OPERANDS": ["case $command in", *(f"{c}) operands={OPERANDS.get(c, 'directory')} ;;" for c in commands), "esac"],
        "WORDS": ["words_of_o=(", *("\t" + w.name + ("=" + w.default if w.has_value else "") for w in words), ")"],
    }


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh(commands, options, words):
    actions = {"file": ":file:_files", "list": ":mount options:_lklfs_list", "other": ": "}

    def text(t):
        return re.sub(r"([\[\]:\\])", r"\\\1", t)

    def specs(o):
        action = actions.get(o.kind, "")
        action = action + (o.value.lower() if o.kind == "other" else "")
        once = "*" if o.kind == "list" else f"({' '.join(filter(None, (o.short, o.long)))})"
        if o.short:
            yield quote(f"{once}{o.short}{'+' if o.kind else ''}[{text(o.text)}]{action}")
        yield quote(f"{once}{o.long}{'=' if o.kind else ''}[{text(o.text)}]{action}")

    lines = [f"{c}) options=({' '.join(s for o in options[c] for s in specs(o))}) ;;" for c in commands]
    described = [quote(f"{c}:{text(commands[c])}") for c in commands]
    return {
        "COMMANDS": ["subcommands=(", *("\t" + d for d in described), ")"],
        "OPTIONS": ["case $command in", *lines, "esac"],
        "OPERANDS": ["case $command in", *(f"{c}) operands={OPERANDS.get(c, 'directory')} ;;" for c in commands), "esac"],
        "WORDS": ["words_of_o=(", *("\t" + quote(f"{w.name}{'=' + w.default if w.has_value else ''}:{w.text}") for w in words), ")"],
    }


def fish(commands, options, words):
    lines = []
    for command in commands:
        for o in options[command]:
            names = (f" -s {o.short[1]}" if o.short else "") + f" -l {o.long[2:]}"
            kind = {None: "", "file": " -r -F", "list": " -x -a '(__lklfs_list)'"}.get(o.kind, " -x")
            lines.append(f"complete -c lklfs -n '__lklfs_command_is {command}'{names}{kind} -d {quote(o.text)}")
    return {
        "COMMANDS": f"set -g __lklfs_commands {' '.join(commands)}",
        "SUMMARIES": [f"complete -c lklfs -n __lklfs_first -x -a {c} -d {quote(t)}" for c, t in commands.items()],
        "OPTIONS": lines,
        "OPERANDS": [
            f"complete -c lklfs -n '__lklfs_command_is {c}' -x -a '(__lklfs_{OPERANDS.get(c, 'directory')})'" for c in commands
        ],
        "WORDS": [
            "printf '%s\\t%s\\n' \\",
            *(f"\t{quote(w.name + ('=' + w.default if w.has_value else ''))} {quote(w.text)} \\" for w in words[:-1]),
            f"\t{quote(words[-1].name)} {quote(words[-1].text)}",
        ],
    }


def main():
    lklfs, template, output = sys.argv[1:]
    # gcc 12's ThreadSanitizer finds no room among addresses that are drawn by lot
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
    shell = {".bash": bash, ".zsh": zsh, ".fish": fish}[pathlib.PurePath(template).suffixes[-2]]
    commands = read_commands(lklfs)
    helps = {command: help_of(lklfs, command) for command in commands}
    made = shell(commands, {c: read_options(text) for c, text in helps.items()}, read_words(helps["mount"]))

    def fill(match):
        lines = made.pop(match[2])
        return "".join(match[1] + line + "\n" for line in ([lines] if isinstance(lines, str) else lines))

    text = re.sub(r"^([ \t]*)@([A-Z]+)@\n", fill, pathlib.Path(template).read_text(), flags=re.M)
    assert not made, f"{template} has no place for {', '.join(made)}"
    pathlib.Path(output).write_text(text)


main()
