#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints a journal (docs/JOURNAL.md) of builds of N outputs that never were: report-journal.py N

Objects are compiled from headers that are made first, archives are made of 50 objects each, and a program of all. The
first build makes all anew; the next one writes each header and half of the objects again, of which a few change; in
the third one header changes, and what includes it. `stamp` never is the same. Some names are odd. The same N gives
the same journal."""

import json
import random
import sys

ODD = ["</script><b>&amp;\"'.o", "a b\tc.o", "line\nfeed.o", "\udcff\udcfe.o", "\u202egnp.o", "\u4f60\u597d.o", "]]>.o", "\x1b[31m.o"]
n = int(sys.argv[1])
lots = random.Random(20261130)
now = 1_700_000_000.0
step = 1000
sizes = {}


def say(**members):
    text = json.dumps({"v": 1, **members}, separators=(",", ":"), ensure_ascii=False)
    # as lklfs writes them: bytes that are no UTF-8, and controls
    text = text.replace("\\t", "\\u0009").replace("\\n", "\\u000a")
    print("".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in text))


def mounted(pid):
    global now
    now += 600
    say(time=now, mounted="/build/out", lklfs="0.1.0", pid=pid)


def writes(verdict, name, command, read=(), seconds=0.02):
    """A step of its own, that takes so long about."""
    global now, step
    took = lots.uniform(0.2, 1.8) * seconds
    now += took / 8
    step += 3
    size = sizes.setdefault(name, lots.randrange(200, 60000))
    line = {"time": now, "verdict": verdict, "path": "/build/out/" + name, "size": size}
    if verdict != "new":
        line["old_size"] = size
    if verdict == "changed":
        first = lots.randrange(size - 100)
        line |= {"first_difference": first, "old_bytes": "3433313836333631330a", "bytes": "2f746d702f782e6f0a00", "differing": 9}
    line |= {"duration": took, "pid": step + 1, "command": ["as", "-o", name], "step": step, "step_command": command}
    say(**line, read=["/build/out/" + r for r in read])


headers = [f"include/generated/h{i}.h" for i in range(max(4, n // 100))]
objects = [f"drivers/subsystem{i // 50}/part{i % 7}/object-{i}.o" for i in range(n - len(headers) - n // 50 - 2)]
objects[3 : 3 + len(ODD)] = ["drivers/" + name for name in ODD]
includes = {o: lots.sample(headers, 4) for o in objects}
archives = {f"drivers/subsystem{i}/built-in.a": objects[i * 50 : i * 50 + 50] for i in range((len(objects) + 49) // 50)}


def build(pid, verdict_of):
    mounted(pid)
    for name in headers:
        if verdict := verdict_of(name, ()):
            writes(verdict, name, ["/bin/sh", "-c", f"sh gen.sh <{name}.in >{name}"], (), 0.004)
    for name in objects:
        if verdict := verdict_of(name, includes[name]):
            command = ["gcc", "-Wp,-MMD,.d", "-nostdinc", "-I./include", "-O2", "-g", "-c", "-o", name, name[:-1] + "c"]
            writes(verdict, name, command, includes[name], 0.4 if name.endswith("7.o") else 0.05)
    for name, members in archives.items():
        if verdict := verdict_of(name, members):
            writes(verdict, name, ["ar", "cDPrST", name, *members], members, 0.02)
    if verdict := verdict_of("vmlinux", list(archives)):
        writes(verdict, "vmlinux", ["ld", "-o", "vmlinux", *archives], archives, 2)
    writes("changed" if sizes.get("stamp") else "new", "stamp", ["/bin/sh", "-c", "date >stamp"])


others = set()


def rebuilt(first):
    """Whatever has read something that changed is made again, and some of it changes."""

    def verdict(name, read):
        changes = name in first or (any(r in others for r in read) and lots.random() < 0.7)
        if changes:
            others.add(name)
            return "changed"
        if name in headers or any(r in others for r in read) or (name in objects and lots.random() < 0.5):
            return "kept" if lots.random() < 0.9 else "restored"
        return None

    others.clear()
    return verdict


build(100, lambda name, read: "new")
build(101, rebuilt(set(lots.sample(objects, 3))))
build(102, rebuilt({headers[1]}))
