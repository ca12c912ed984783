# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was measured: tables for people, and JSON. Every figure is for one time, the median of the rounds."""

import json
import statistics

import memory

WIDTH, COLUMN = 46, 15
MISSING = "-"


def number(value):
    if value is None:
        return MISSING
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def median(values, unit=1):
    return statistics.median(values) / unit if values else None


def table(head, sides, lines):
    """`lines`: (label, {side: text})"""
    print(f"{head:{WIDTH}}" + "".join(f"{side:>{COLUMN}}" for side in sides))
    for label, texts in lines:
        print(f"{label:{WIDTH}}" + "".join(f"{texts.get(side, MISSING):>{COLUMN}}" for side in sides))
    print(flush=True)


def row_lines(rows, labels, value):
    for key, cells in rows.items():
        yield labels[key], {side: "failed" if cell.failed else number(value(cell)) for side, cell in cells.items()}


def print_times(sides, rows, labels):
    """Of one row as soon as it is measured, or of all."""
    table("microseconds", sides, row_lines(rows, labels, lambda cell: median(cell.times, 1000)))


def n_requests(cell):
    return None if cell.requests is None else sum(cell.requests.values())


def print_costs(sides, daemons, rows, labels, counter):
    alone = {key: cells for key, cells in rows.items() if key[1].processes == 1 and not key[1].own}
    if counter.known:
        table("requests", daemons, row_lines(alone, labels, n_requests))
    else:
        print(f"requests: not counted: {counter.why}\n")
    table("KiB that reached the device", sides, row_lines(alone, labels, lambda cell: median(cell.device, 1024)))
    table("microseconds of the daemon's CPU time", daemons, row_lines(rows, labels, lambda cell: median(cell.cpu, 1000)))


def print_requests(rows, labels):
    """What those of lklfs are."""
    print("requests of lklfs")
    for (name, variant), cells in rows.items():
        counts = cells["lklfs"].requests
        if counts:
            most = sorted(counts.items(), key=lambda item: -item[1])
            print(f"{labels[name, variant]:{WIDTH}}  " + ", ".join(f"{number(n)} {opcode}" for opcode, n in most))
    print(flush=True)


def print_memory(resident):
    steps = sorted({n for values in resident.values() for n in values})
    lines = [(f"{n:,} files", {side: number(values[n] / 1024) for side, values in resident.items() if n in values})
             for n in steps]
    lines.append(("bytes for each further file",
                  {side: number(memory.per_file(values)) for side, values in resident.items()}))
    table("KiB resident", list(resident), lines)


def print_builds(times):
    lines = [(name, {side: f"{median(values):.3f}" for side, values in of.items() if values}) for name, of in times.items()]
    table("seconds", ("backing", "lklfs"), lines)


def cell_json(cell):
    return {"microseconds": median(cell.times, 1000), "rounds_microseconds": [ns / 1000 for ns in cell.times],
            "daemon_cpu_microseconds": median(cell.cpu, 1000), "device_bytes": median(cell.device),
            "requests": cell.requests, "failed": cell.failed}


def write_json(path, conditions, rows, labels, resident, times, journal, bars):
    document = {
        "conditions": conditions,
        "rows": [{"name": name, "label": labels[name, variant], "processes": variant.processes, "own_process": variant.own,
                  "sides": {side: cell_json(cell) for side, cell in cells.items()}}
                 for (name, variant), cells in rows.items()],
        "resident_bytes": resident,
        "builds_seconds": times,
        "journal_parts": journal,
        "bars": [{"what": bar.what, "value": bar.value, "most": bar.most, "unit": bar.unit.strip(), "met": bar.met}
                 for bar in bars],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
