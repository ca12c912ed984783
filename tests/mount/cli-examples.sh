#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each option has an example in the man page, and each example works: it is run as it stands there.
# AXES: root ext4 plain
. "${0%/*}/lib.sh"
need python3 make mountpoint

# N files $T/example-N, a block of lines each; what no example has is said
python3 - "$TOP/docs/lklfs.1.rst" "$T" "$LKLFS" <<'END' || fail "the examples of the man page"
import pathlib, re, shlex, subprocess, sys
page, scratch, lklfs = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]), sys.argv[3]
section = page.partition("\nEXAMPLES\n========\n")[2].partition("\n====")[0]
blocks = [re.sub("^    ", "", block, flags=re.M) for block in re.findall(r"::\n\n((?:    .*\n)+)", section)]
assert len(blocks) > 5, "they are not found"
for number, block in enumerate(blocks):
    (scratch / f"example-{number}").write_text(block)

def help_of(command):
    return subprocess.run([lklfs, command, "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout

commands = re.findall(r"^  lklfs \[?(\w+)\]? ", help_of("--help"), re.M)
shown, words = set(), set()  # (command, option); what -o has
for line in "".join(blocks).splitlines():
    before, lklfs_is, rest = line.partition("lklfs ")
    if not lklfs_is or before:
        continue
    arguments = shlex.split(re.split(r" [|&]| \d?>", rest)[0])
    command = arguments.pop(0) if arguments[0] in commands else "mount"
    for number, argument in enumerate(arguments[: arguments.index("--")] if "--" in arguments else arguments):
        name, _, value = argument.partition("=")
        shown.add((command, name))
        if name in ("-o", "--options"):
            words |= {word.partition("=")[0] for word in (value or arguments[number + 1]).split(",")}
wrong, n_options = [], 0
for command in commands:
    for short, long in re.findall(r"^  (?:(-\w), )?(--[\w-]+)", help_of(command), re.M):
        n_options += 1
        # mount and run have some in common, and all have --help and --version
        having = {"mount": ("mount", "run"), "run": ("mount", "run")}.get(command, (command,))
        having = commands if long in ("--help", "--version") else having
        if not shown & {(other, name) for other in having for name in (short, long)}:
            wrong.append(f"no example of {long} of {command}")
of_o = re.search(r"^Options of -o.*\n((?:  .*\n)+)", help_of("mount"), re.M)[1]
names = re.findall(r"^  (\w+)", of_o, re.M)
wrong += [f"no example of -o {name}" for name in names if name not in words]
assert n_options > 20 and len(names) > 10, "--help is not understood"
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
END

ln -s "$LKLFS" "$T/lklfs"
export PATH=$T:$PATH
mkdir "$W/project"
cd "$W/project"
cat >Makefile <<'END'
lib/prog: lib/prog.o
	cp lib/prog.o $@
lib/prog.o: prog.c include/config.h
	cat prog.c include/config.h >$@
include/config.h: configure
	cat configure >$@
END
n_examples=0
for example in "$T"/example-*; do
	# each has something to do
	echo "$example" | tee configure >prog.c
	sh -e "$example" >"$T/out" 2>"$T/err" </dev/null || fail "status $? of $(cat "$example" "$T/err")"
	! grep -Ev '^lklfs: (audit: .*: )?[1-9]' "$T/err" | grep '^lklfs: ' || fail "what $(cat "$example") says"
	eq "mounts after $(cat "$example")" "$(findmnt -n -t fuse.lklfs)" ""
	until_true "the daemon's end" no_daemon
	n_examples=$((n_examples + 1))
done
((n_examples > 5)) || fail "only $n_examples examples"
