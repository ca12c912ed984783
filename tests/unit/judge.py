#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks how the conformance suites are judged, and the form of their lists of exceptions: judge.py SOURCE_TREE

What is on a list and passes has to fail the run, and so has what fails and is not on it."""

import pathlib
import re
import subprocess
import sys
import tempfile

conformance = pathlib.Path(sys.argv[1]) / "contrib" / "ci" / "conformance"
wrong = []


def judge(plain, mount, ran, allow):
    """The exit status and what is said."""
    with tempfile.TemporaryDirectory() as work:
        for name, tests in (("plain", plain), ("mount", mount), ("ran", ran)):
            pathlib.Path(work, name).write_text("".join(f"{test}\n" for test in sorted(tests)))
        pathlib.Path(work, "allow").write_text(allow)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", '. "$0/judge.bash"; work=$1; judge suite "$1/allow"', conformance, work],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout


def check(what, passes, says, plain, mount, ran, allow="# none\n"):
    status, said = judge(plain.split(), mount.split(), ran.split(), allow)
    if (status == 0) != passes or says not in said:
        wrong.append(f"{what}: exits with {status}, which is wrong, or does not say {says!r}: {said}")


check("all pass", True, "2 pass on the backing, 2 of them in the mount, 0 cannot", "a b", "a b", "a b")
check("one fails", False, "passes on the backing, not in the mount: b", "a b", "a", "a b")
check("one fails on the backing, too", True, "", "a", "a", "a b")
check("one cannot be run in the mount", True, "", "a b", "a", "a")
check("what is listed fails", True, "1 of them in the mount, 1 cannot", "a b", "a", "a b", "b: as it must\n")
check("what is listed passes", False, "is on the list, and passes: b", "a b", "a b", "a b", "b: as it must\n")
check("what is listed passes in the mount alone", False, "is on the list, and passes: b", "a", "a b", "a b", "b: why\n")
check("another than what is listed fails", False, "not in the mount: a", "a b", "b", "a b", "b: as it must\n")
check("what is listed was not run", False, "is on the list, and was not run: b", "a", "a", "a", "b: as it must\n")
check("nothing passes on the backing", False, "", "", "", "a")
check("nothing was run", False, "", "", "", "")

# cases within tests
plain = ["a 1", "a 2", "a 3"]
for lost, allow, passes in (
    (["a 2", "a 3"], "a 2,3: why\n", True),
    (["a 2"], "a 2,3: why\n", False),
    (["a 1", "a 2", "a 3"], "a 2,3: why\n", False),
    ([], "", True),
):
    status, said = judge(plain, [case for case in plain if case not in lost], plain, allow)
    if (status == 0) != passes:
        wrong.append(f"cases {lost} are lost, {allow!r} is allowed: exits with {status}: {said}")

lists = sorted(conformance.glob("*.allow"))
if len(lists) < 2:
    wrong.append(f"{conformance}: no lists")
for path in lists:
    seen = set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w./-]+)(?: ([\d,]+))?: \S.*", line)
        if not match:
            wrong.append(f"{path.name}:{number}: no `TEST [NUMBERS]: REASON`: {line}")
        elif match[1] in seen:
            wrong.append(f"{path.name}:{number}: {match[1]} stands there twice")
        else:
            seen.add(match[1])
print("\n".join(wrong) if wrong else "judged as it should be")
sys.exit(1 if wrong else 0)
