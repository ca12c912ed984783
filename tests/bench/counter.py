# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the requests of one FUSE connection from the kernel's side, by its tracepoint fuse_request_send (Linux 6.10). It is
counted, not recorded, and ends with the descriptors. FORGET does not pass there."""

import ctypes
import fcntl
import os
import pathlib
import platform
import re
import struct
import subprocess

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}.get(platform.machine())
PERF_TYPE_TRACEPOINT = 2
ATTR_SIZE = 64  # of the first version
DISABLED = 1
ENABLE, SET_FILTER = 0x2400, 0x40082406  # ioctl

libc = ctypes.CDLL(None, use_errno=True)


class Counter:
    """Without the tracepoint `known` is false, and `why` says what is missing."""

    def __init__(self, top):
        self.known, self.why = False, None
        if PERF_EVENT_OPEN is None:
            self.why = f"no number of perf_event_open for {platform.machine()}"
            return
        tracing = top / "tracing"
        tracing.mkdir()
        result = subprocess.run(["mount", "-t", "tracefs", "tracefs", tracing], capture_output=True, text=True)
        event = tracing / "events/fuse/fuse_request_send"
        if result.returncode != 0:
            self.why = result.stderr.strip()
        elif not event.exists():
            self.why = "this kernel has no tracepoint fuse_request_send"
        else:
            self.id = int((event / "id").read_text())
            text = (event / "format").read_text()
            self.opcodes = {int(n): name for n, name in re.findall(r'{(\d+), "FUSE_(\w+)"}', text)}
            self.known = True

    def open(self, cpu, expression):
        attr = struct.pack("=IIQQQQQ16x", PERF_TYPE_TRACEPOINT, ATTR_SIZE, self.id, 0, 0, 0, DISABLED)
        fd = libc.syscall(PERF_EVENT_OPEN, attr, -1, cpu, -1, 8)  # closed on exec
        if fd < 0:
            raise OSError(ctypes.get_errno(), "perf_event_open")
        text = ctypes.create_string_buffer(expression.encode())
        if libc.ioctl(fd, ctypes.c_ulong(SET_FILTER), text) != 0:
            os.close(fd)
            raise OSError(ctypes.get_errno(), f"the filter {expression}")
        fcntl.ioctl(fd, ENABLE, 0)
        return fd

    def count(self, device, function):
        """{opcode: how many requests were sent while function() ran, by the mount with that (major, minor)}"""
        connection = device[0] << 20 | device[1]
        fds = {}
        try:
            for opcode in self.opcodes:
                fds[opcode] = [self.open(cpu, f"connection == {connection} && opcode == {opcode}")
                               for cpu in range(os.cpu_count())]
            function()
            counts = {self.opcodes[opcode]: sum(struct.unpack("Q", os.read(fd, 8))[0] for fd in opened)
                      for opcode, opened in fds.items()}
        finally:
            for opened in fds.values():
                for fd in opened:
                    os.close(fd)
        return {name: n for name, n in counts.items() if n}
