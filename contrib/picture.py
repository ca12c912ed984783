#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws a build that is run a second time though nothing has changed, without lklfs and with it: SVG to standard output.

    contrib/picture.py LKLFS >docs/build.svg

Runs contrib/demo three times in a mount, in a temporary directory, each with a journal. The first journal tells which files there
are, and which of them were read for which. In the second run `-o always=*` has every rewriting count as a change, as it does
without lklfs; the third is as ever. What is drawn comes from the journals alone, and is the same each time."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

TOP = pathlib.Path(__file__).resolve().parent.parent
WIDTH, BOX, HIGH, ROW, LEFT, TITLE = 860, 164, 26, 36, 16, 52
STYLE = """
text { font: 12px sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: bold }
.card { fill: #ffffff; stroke: #d0d7de }
.edge { fill: none; stroke: #afb8c1 }
.idle { fill: #f6f8fa; stroke: #afb8c1 }
.idle + text { fill: #6e7781 }
.kept { fill: #dafbe1; stroke: #1a7f37; stroke-width: 1.5 }
.new { fill: #ffd8b5; stroke: #bc4c00; stroke-width: 1.5 }
.new-edge { fill: none; stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.card { fill: #0d1117; stroke: #30363d }
.edge { stroke: #484f58 }
.idle { fill: #161b22; stroke: #484f58 }
.idle + text { fill: #8b949e }
.kept { fill: #0f3d1d; stroke: #3fb950 }
.new { fill: #5a2a08; stroke: #f0883e }
.new-edge { stroke: #f0883e }
}
"""


def run(lklfs, work, number, *options):
    """Builds, and returns the verdicts by name, with what was read for it. Names are relative to the project."""
    journal, project = work / f"journal{number}", f"{work}/demo/"
    command = [lklfs, "run", "--mkdir", *options, "-o", f"journal={journal}", "lib", "include", "--", "make"]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    verdicts, reads, steps = {}, {}, {}
    for line in map(json.loads, journal.read_text().splitlines()):
        if "verdict" in line:
            name = line["path"].removeprefix(project)
            step = steps.setdefault(line["step"], set())
            step.update(path.removeprefix(project) for path in line.get("read", []))
            verdicts[name], reads[name] = line["verdict"], set(step)
    there = {name for name in verdicts if os.path.exists(project + name)}  # no temporary files
    verdicts = {name: verdicts[name] for name in there}
    reads = {name: reads[name] & there - {name} for name in sorted(there)}
    return verdicts, reads


def places(reads):
    """Where each file is drawn: as far to the right as what it is made of goes, and at the height of that."""
    column, place = {}, {}

    def depth(name):
        if name not in column:
            column[name] = max((depth(other) + 1 for other in reads[name]), default=0)
        return column[name]

    for name in reads:
        depth(name)
    last = max(column.values())
    step = (WIDTH - 2 * LEFT - BOX) / last
    used = {name: max((column[n] for n in reads if name in reads[n]), default=0) for name in reads}
    for c in range(last + 1):
        lowest = TITLE
        # what is used furthest away comes first, so that lines pass above what lies between
        for name in sorted((n for n in reads if column[n] == c), key=lambda n: (c and -used[n], n)):
            heights = [place[other][1] for other in reads[name]]
            if c == last:
                lowest = max(lowest, sum(heights) / len(heights))
            elif c > 1:
                lowest = max(lowest, *heights)
            place[name] = (LEFT + step * c, lowest)
            lowest += ROW
    return place


def panel(top, title, place, reads, verdicts):
    bottom = max(y for _, y in place.values()) + HIGH + 14
    yield f'<g transform="translate(0 {top})">'
    yield f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{bottom - 1}" rx="8"/>'
    yield f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>'
    for name, (x, y) in place.items():
        for other in sorted(reads[name]):
            a, b = place[other]
            style = "new-edge" if verdicts.get(other) not in (None, "kept") else "edge"
            from_x, from_y, to_y, bend = a + BOX, b + HIGH / 2, y + HIGH / 2, (x - a - BOX) / 2
            yield (
                f'<path class="{style}" d="M{from_x:.0f} {from_y:.0f}'
                f'C{from_x + bend:.0f} {from_y:.0f} {x - bend:.0f} {to_y:.0f} {x:.0f} {to_y:.0f}"/>'
            )
    for name, (x, y) in place.items():
        style = {None: "idle", "kept": "kept"}.get(verdicts.get(name), "new")
        yield f'<rect class="{style}" x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{HIGH}" rx="5"/>'
        yield f'<text x="{x + BOX / 2:.0f}" y="{y + 17:.0f}" text-anchor="middle">{escape(name)}</text>'
    yield "</g>"


def picture(reads, without, with_it):
    place = places(reads)
    high = max(y for _, y in place.values()) + HIGH + 14
    n_kept = sum(verdict == "kept" for verdict in with_it.values())
    n_new = len(with_it) - n_kept
    yield "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * high + 46:.0f}" role="img">'
    yield "<title>The second run of make, without lklfs and with it</title>"
    yield f"<style>{STYLE}</style>"
    title = f"The second run of make, nothing changed, without lklfs: {len(without)} files written, all new"
    yield from panel(0, title, place, reads, without)
    title = f"and with lklfs: {len(with_it)} files written, {n_kept} with the bytes that they had, {n_new} new"
    yield from panel(high + 8, title, place, reads, with_it)
    y, x = 2 * high + 20, LEFT
    yield f'<rect class="card" x="0.5" y="{y - 3.5:.1f}" width="{WIDTH - 1}" height="29" rx="8"/>'
    for style, says in (
        ("new", "written, new mtime: what depends on it is made again"),
        ("kept", "written with the same bytes: no trace"),
        ("idle", "not made again"),
    ):
        yield f'<rect class="{style}" x="{x}" y="{y + 4:.0f}" width="22" height="14" rx="3"/>'
        yield f'<text x="{x + 30}" y="{y + 15:.0f}">{says}</text>'
        x += 62 + 6 * len(says)
    yield "</svg>"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lklfs = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        shutil.copytree(TOP / "contrib/demo", work / "demo")
        _, reads = run(lklfs, work, 1)
        without, _ = run(lklfs, work, 2, "-o", "always=*,keep=0")
        with_it, _ = run(lklfs, work, 3)
    print("\n".join(picture(reads, without, with_it)))


main()
