# SPDX-License-Identifier: LGPL-2.1-or-later
"""The times of one process as a picture: a line for each row, a point for each side, as multiples of what the backing takes."""

import shutil
import statistics
import subprocess

LINE = 22  # pixels
SHAPES = {"lklfs": 7, "overlayfs": 1, "bindfs": 6, "fuse-overlayfs": 4, "mergerfs": 8, "passthrough_hp": 12}  # of gnuplot
COLOURS = {"lklfs": "#c02020", "overlayfs": "#808080", "bindfs": "#2060b0", "fuse-overlayfs": "#208040",
           "mergerfs": "#b07000", "passthrough_hp": "#7030a0"}


def points(rows):
    """({side: [(multiple, line)]}, [label]); the first row is the highest line"""
    alone = [(name, cells) for (name, variant), cells in rows.items()
             if variant.processes == 1 and not variant.own and not cells["backing"].failed]
    of = {}
    for i, (_, cells) in enumerate(alone):
        base = statistics.median(cells["backing"].times)
        for side, cell in cells.items():
            if side != "backing" and not cell.failed:
                of.setdefault(side, []).append((statistics.median(cell.times) / base, len(alone) - i))
    return of, [name for name, _ in alone]


def script(path, rows):
    of, labels = points(rows)
    n = len(labels)
    tics = ", ".join(f'"{label}" {n - i}' for i, label in enumerate(labels))
    lines = [
        f'set terminal svg size 1000,{LINE * n + 130} font "sans-serif,12" background "white"',
        f'set output "{path}"',
        "set logscale x",
        f"set yrange [0.4:{n + 0.6}]",
        f"set ytics ({tics}) scale 0",
        "set grid x y linecolor '#dddddd'",
        "set xlabel 'time of one process, in times of the backing (less is better)'",
        "set key outside top center horizontal",
        f"set arrow from 1,0.4 to 1,{n + 0.6} nohead linecolor '#000000'",
    ]
    lines += [f"${i} << EOD\n" + "\n".join(f"{x:.4f} {y}" for x, y in of[side]) + "\nEOD" for i, side in enumerate(of, 1)
              for i in (f"side{i}",)]
    plots = [f"$side{i} using 1:2 with points pointtype {SHAPES[side]} pointsize 1 linecolor '{COLOURS[side]}' title '{side}'"
             for i, side in enumerate(of, 1)]
    return "\n".join(lines) + "\nplot " + ", ".join(plots) + "\n"


def write_svg(path, rows):
    if not shutil.which("gnuplot"):
        print(f"gnuplot is not installed: no {path.name}")
    elif not points(rows)[0]:
        print(f"no times of one process: no {path.name}")
    else:
        subprocess.run(["gnuplot"], input=script(path, rows), text=True, check=True)
