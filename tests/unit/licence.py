#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that each file says under which licence it is, and that COPYING and the packages name the same: licence.py SOURCE_TREE

All are under the licence that meson.build names, which fits a program that links libfuse3 (LGPL-2.1) and GLib
(LGPL-2.1 or later). The files are those that git knows, or in an unpacked tarball all that are there."""

import fnmatch
import pathlib
import re
import subprocess
import sys

HEAD = 400  # bytes in which it has to stand
# what has no place for a comment, or is data that tests are made of
WITHOUT = ("COPYING", "contrib/debian/changelog", "contrib/debian/source/format", "tests/fuzz/corpus/*")
# of an unpacked tarball: what is built in there
BUILT = ("build*", "obj-*", "rpm-build", "debian", ".*")


def files(top):
    done = subprocess.run(["git", "-C", top, "ls-files", "-z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if (top / ".git").exists() and done.returncode == 0:
        return [pathlib.Path(name) for name in done.stdout.decode().split("\0") if name and (top / name).is_file()]
    paths = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
    return [path for path in paths if not any(fnmatch.fnmatchcase(path.parts[0], pattern) for pattern in BUILT)]


def main():
    top = pathlib.Path(sys.argv[1])
    licence = re.search(r"^  license: '(.*)',$", (top / "meson.build").read_text(), re.M)[1]
    wrong = []
    n_files = 0
    for path in files(top):
        if any(fnmatch.fnmatchcase(str(path), pattern) for pattern in WITHOUT):
            continue
        n_files += 1
        # (the tag in two pieces, or it would be found here)
        found = re.findall(rb"SPDX-License-" rb"Identifier: ([\w.-]+)", (top / path).read_bytes()[:HEAD])
        if found != [licence.encode()]:
            wrong.append(f"{path}: its head names {b', '.join(found).decode() or 'no licence'}, not {licence}")
    if n_files < 100:
        wrong.append(f"{top}: only {n_files} files found")
    if not re.match(r"\s*GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1, February 1999\n", (top / "COPYING").read_text()):
        wrong.append(f"COPYING is not the text of {licence}")
    if f"\nLicense:        {licence}\n" not in (top / "contrib/rpm/lklfs.spec").read_text():
        wrong.append(f"lklfs.spec does not name {licence}")
    if "\nLicense: " + licence.replace("-or-later", "+") + "\n" not in (top / "contrib/debian/copyright").read_text():
        wrong.append(f"contrib/debian/copyright does not name {licence}")
    print("\n".join(wrong) if wrong else f"{n_files} files: all under {licence}")
    return 1 if wrong else 0


sys.exit(main())
