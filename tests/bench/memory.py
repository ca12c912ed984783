# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a daemon takes of memory for each file that the kernel knows: files of one backing, in directories of 1,000, are looked at
through each side, more and more of them. Of a million files lklfs alone is asked, for that takes a while."""

import subprocess

from sides import Failed

STEPS = (1_000, 10_000, 100_000, 1_000_000)
MOST_OF_OTHERS = 100_000
PER_DIRECTORY = 1_000


def make_files(top, worker, most):
    """A file system of its own, with room for that many inodes."""
    image, root = top / "memory.image", top / "memory"
    root.mkdir()
    subprocess.run(["truncate", "-s", "2G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", "-O", "^has_journal", "-N", str(most + most // PER_DIRECTORY + 1_000), image], check=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    files = root / "files"
    files.mkdir()
    subprocess.run([worker, "--size", str(PER_DIRECTORY), "--step", str(PER_DIRECTORY), "populate", files, str(most)], check=True)
    return files


def measure_side(side, worker, steps):
    """{number of files: resident bytes}, 0 files among them"""
    resident, known = {}, 0
    try:
        side.mount()
        resident[0] = side.rss()
        for n in steps:
            side.run([worker, "--size", PER_DIRECTORY, "--step", PER_DIRECTORY, "lookup", side.dir, n, known])
            resident[n], known = side.rss(), n
        side.umount()
    except Failed as failure:
        print(f"failed: {failure}")
        side.end()
    return resident


def measure(sides, top, worker, most):
    """{side: {number of files: resident bytes}}. `sides` have never been mounted."""
    steps = [n for n in STEPS if n <= most]
    files = make_files(top, worker, most)
    results = {}
    for side in sides:
        side.show(files)
        results[side.name] = measure_side(side, worker, [n for n in steps if side.name == "lklfs" or n <= MOST_OF_OTHERS])
    return results


def per_file(resident):
    """Bytes for each further file between the first step and the last one, or None."""
    steps = sorted(resident)
    if len(steps) < 3:
        return None
    return (resident[steps[-1]] - resident[steps[1]]) / (steps[-1] - steps[1])
