# SPDX-License-Identifier: Apache-2.0
"""What noise does not touch: instructions by callgrind, allocations; and the codec, by a program of its own."""
import json
import os
import re
import subprocess
from pathlib import Path

from . import servers

BENCH = Path(__file__).resolve().parent.parent
FLOOR_IR_MAX, NGHTTP2_IR_MAX = 200, 14000


def instructions(path):
    found = re.search(r"^(?:summary|totals): (\d+)", Path(path).read_text(), re.M)
    if not found:
        raise RuntimeError(f"{path}: callgrind wrote no total")
    return int(found.group(1))


def server_ir(tools, peer, calls=(20000, 60000)):
    """Instructions of a server for each unary call at 1x100: the difference of two numbers of calls."""
    totals = []
    for count in calls:
        out = tools.work / f"callgrind.{peer}.{count}"
        wrap = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with servers.Server(tools, peer, wrap=wrap) as server:
            servers.run_client([tools.bin / "bench_load", "-s", 100, "-t", 1000, "-w", 0, "-n", count, server.address])
        totals.append(instructions(out))
    return (totals[1] - totals[0]) / (calls[1] - calls[0])


def client_ir(tools, calls=(10000, 30000)):
    """The same for proa bench as the client, at 1x100."""
    totals = []
    with servers.Server(tools, "floor") as server:
        for count in calls:
            out = tools.work / f"callgrind.client.{count}"
            servers.run_client(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", tools.bin / "proa", "bench",
                                "--size=102", "--streams=100", "--warmup=0", f"--calls={count}", server.address,
                                "/bench.Echo/Unary"])
            totals.append(instructions(out))
    return (totals[1] - totals[0]) / (calls[1] - calls[0])


def json_lines(command):
    """A program of bench/ that prints JSON objects, one a line: all their members."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=1800, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-400:]}")
    members = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            members.update(json.loads(line))
    return members


def unary_ir(tools):
    return json_lines([BENCH / "ir", "--program", tools.bin / "unary_ir"])


def codec(tools):
    return json_lines([BENCH / "codec", "--program", tools.bin / "bench_codec"])
