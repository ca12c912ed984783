#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes, writes, renames, links, lists and removes files and directories, and leaves nothing: churn.py DIR OPERATIONS

Prints how many operations these were: system calls on names and files, OPERATIONS at least. What makes them is this process
alone, so whatever it writes again is written by the same build step."""

import os
import sys

n_operations = 0


def call(function, *arguments, **named):
    global n_operations
    n_operations += 1
    return function(*arguments, **named)


def write(name, text, flags=os.O_TRUNC):
    fd = call(os.open, name, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    call(os.write, fd, text)
    call(os.close, fd)


def read(name):
    fd = call(os.open, name, os.O_RDONLY)
    call(os.read, fd, 4096)
    call(os.close, fd)


def turn(number):
    """All that can be done with a few names. Bytes differ from turn to turn, and names in every other one."""
    text = b"%d\n" % number * 20
    top = f"d{number % 2 * number}"
    call(os.mkdir, top)
    one, two, three = (f"{top}/{name}" for name in ("one", "two", "three"))
    write(one, text)
    write(one, text)  # kept
    write(one, text + b"more")  # changed
    write(one, b"more", os.O_APPEND)
    call(os.truncate, one, len(text))
    call(os.utime, one, (1, 1))
    read(one)
    call(os.rename, one, two)  # renamed away: a former version of the first name
    write(one, text)  # restored
    write(three, text + b"more")
    call(os.rename, three, one)  # over another with other bytes
    write(three, text + b"more")
    call(os.rename, three, one)  # over another with the same
    call(os.link, two, three)
    write(three, text + b"through")  # by both names
    call(os.unlink, three)
    call(os.symlink, "one", three)
    call(os.stat, three)
    call(os.readlink, three)
    call(os.setxattr, two, "user.turn", b"%d" % number)
    # still open when it goes, and when its directory is listed
    fd = call(os.open, two, os.O_RDWR)
    directory = call(os.open, top, os.O_RDONLY)
    call(os.unlink, two)
    call(os.pwrite, fd, b"x", 0)
    call(os.listdir, directory)
    call(os.close, fd)
    for name in (one, three):
        call(os.unlink, name)
    call(os.close, directory)
    call(os.rmdir, top)
    try:
        call(os.stat, top)
    except FileNotFoundError:
        pass


def main():
    os.chdir(sys.argv[1])
    number = 0
    while n_operations < int(sys.argv[2]):
        number += 1
        turn(number)
    print(n_operations)


main()
