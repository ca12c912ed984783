#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds random graphs of recipes on lklfs with make or ninja, edits, builds again, and compares every target with what
a clean build gives: P10 as users feel it.

    oracle.py --lklfs PROGRAM --folder DIR --kind make|ninja|ninja-restat --seed N [--edits N]

A case is a kind and a seed, which give the graph and the edits. If it fails, the edits are shrunk and printed with
what the build tool reads; --replay FILE does what was printed after `replay:` again.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time

import edits as editing
from case import Case, Failure
from graph import Graph

KINDS = ("make", "ninja", "ninja-restat")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lklfs", metavar="PROGRAM", help="without it: no lklfs, which tests the test")
    parser.add_argument("--folder", required=True, metavar="DIR",
                        help="where to work: on the backing, made and removed")
    parser.add_argument("--kind", choices=KINDS, default="make")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--option", action="append", default=[], metavar="OPTION", help="an argument for lklfs")
    parser.add_argument("--twin-every", type=int, default=1, metavar="N",
                        help="build beside it without lklfs if the seed divides by N; 0: never")
    parser.add_argument("--no-useful", action="store_true", help="let recipes run again though nothing has changed")
    parser.add_argument("--shrink", type=float, default=90, metavar="SECONDS", help="how long to shrink a failure")
    parser.add_argument("--replay", metavar="FILE", help="the edits, as JSON; - is standard input")
    parser.add_argument("--keep", action="store_true", help="leave the directory of a failure behind")
    return parser.parse_args()


def draw(kind, seed, n):
    editor = editing.Editor(Graph(kind, seed), kind, seed)
    return [editor.edit() for _ in range(n)]


def drawn_options(seed, lklfs):
    """How lklfs is mounted: mostly as it is by default"""
    lot = random.Random(f"options {seed}").random()
    said = subprocess.run([lklfs, "--help"], capture_output=True, check=False).stdout if lklfs else b""
    if lot < 0.15:
        return ["-oentry_timeout=0,attr_timeout=0,negative_timeout=0"]
    if lot < 0.3 and b"keep=" in said:
        return ["-okeep=4"]
    if lot < 0.5 and b"converge" in said:
        return ["-oconverge"]
    return []


class Shrinker:
    """Delta debugging: fewer edits, fewer operations, fewer rules"""

    def __init__(self, make_case, failure, limit):
        self.make_case = make_case
        self.only = None
        self.own = failure.own
        self.failure = failure
        self.until = time.monotonic() + limit
        self.n_tries = 0

    def fails(self, edits, only):
        """Does it still?"""
        if time.monotonic() > self.until:
            return False
        self.n_tries += 1
        try:
            self.make_case(only).run(edits)
        except Failure as failure:
            if failure.own == self.own and bool(failure.target) == bool(self.failure.target):
                self.failure = failure
                return True
        return False

    def shrink(self, edits):
        if self.failure.number + 1 < len(edits):
            edits = edits[: self.failure.number + 1]
        if not self.fails(edits, None):
            return edits, False
        if self.failure.target and self.fails(edits, [self.failure.target]):
            self.only = [self.failure.target]
        edits = self._less(edits, lambda part: self.fails(part, self.only))
        for place, edit in enumerate(edits):
            def with_operations(operations, place=place, edit=edit):
                return edits[:place] + [{**edit, "do": operations}] + edits[place + 1:]
            if len(edit["do"]) > 0:
                operations = self._less(edit["do"], lambda part: self.fails(with_operations(part), self.only))
                edits = with_operations(operations)
        for place, edit in enumerate(edits):
            simpler = edits[:place] + [{**edit, "jobs": 1}] + edits[place + 1:]
            if edit["jobs"] > 1 and self.fails(simpler, self.only):
                edits = simpler
        return edits, True

    @staticmethod
    def _less(items, fails):
        n = 2
        while items:
            size = max(1, len(items) // n)
            for start in range(0, len(items), size):
                part = items[:start] + items[start + size:]
                if fails(part):
                    items = part
                    n = max(n - 1, 2)
                    break
            else:
                if size == 1:
                    break
                n = min(n * 2, len(items))
        return items


def main():
    args = parse()
    os.environ.update(LC_ALL="C", GIT_DISCOVERY_ACROSS_FILESYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null")
    for name in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "NINJA_STATUS"):
        os.environ.pop(name, None)
    os.umask(0o022)
    lklfs = args.lklfs and os.path.realpath(args.lklfs)
    folder = os.path.realpath(args.folder)

    options = args.option or drawn_options(args.seed, lklfs)
    twin = args.twin_every > 0 and args.seed % args.twin_every == 0

    def make_case(only=None):
        return Case(args.kind, args.seed, folder, lklfs, options, only, twin, not args.no_useful)

    only = None
    if args.replay:
        with (sys.stdin if args.replay == "-" else open(args.replay, encoding="utf-8")) as file:
            replay = json.load(file)
        edits, only = replay["edits"], replay["only"]
    else:
        edits = draw(args.kind, args.seed, args.edits)
    begun = time.monotonic()
    case = make_case(only)
    what = f"{args.kind} seed {args.seed}"
    try:
        case.run(edits)
    except Failure as failure:
        print(f"{what}: {'THE TEST IS WRONG: ' if failure.own else ''}edit {failure.number}: {failure}")
        shrinker = Shrinker(make_case, failure, args.shrink)
        if args.shrink > 0 and not args.keep and not args.replay:
            edits, again = shrinker.shrink(edits)
            if not again:
                print("It did not fail a second time; the edits up to there:")
            else:
                print(f"Shrunk to {len(edits)} edits, in {shrinker.n_tries} tries: edit {shrinker.failure.number}:"
                      f" {shrinker.failure}")
            state = editing.first_state(case.graph)
            for edit in edits:
                print(f"  {json.dumps(edit)}")
                for operation in edit["do"]:
                    editing.change(case.graph, state, operation)
            for path, text in make_case(shrinker.only).graph.texts(state).items():
                print(f"---- {path}\n{text}----")
            print("replay: " + json.dumps({"only": shrinker.only, "edits": edits}))
        return 1
    totals = case.totals
    words = ("kept", "restored", "changed", "new", "touched")
    print(f"{what}: {len(edits)} edits, {case.n_runs} builds, {case.n_clean} clean ones, {case.n_idle} idle ones,"
          f" {len(case.graph.rules)} rules, {case.graph.layout}{', git' * case.graph.git}{''.join(', ' + option for option in options)};"
          f" recipes run: {case.ran[0]}" + (f" for {case.ran[1]} without lklfs" if twin else "")
          + f", {case.n_old} for being old; "
          + ", ".join(f"{totals[word]} {word}" for word in words if word in totals) + f"; {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
