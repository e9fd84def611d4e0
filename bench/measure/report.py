# SPDX-License-Identifier: Apache-2.0
"""What came out: bench/RESULTS.md, bench/results.json, bench/pictures/*.svg."""
import json
import os
import platform
import re
import statistics
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from . import picture
from .cells import SHAPES, STREAM_PEERS, STREAM_SIZES, UNARY_PEERS
from .counts import FLOOR_IR_MAX, NGHTTP2_IR_MAX

BENCH = Path(__file__).resolve().parent.parent
BUSY = 0.95

# What results.json holds; everything else that was measured is in RESULTS.md alone.
KEYS = [f"unary.cpu_us.{shape}.{peer}" for shape in SHAPES for peer in UNARY_PEERS]
KEYS += ["unary.tls_cpu_us.10x10.proa"]
KEYS += [f"unary.ir.{mix}.{side}" for mix in "abc" for side in ("client", "server", "both")]
KEYS += ["unary.mallocs"]
KEYS += [f"stream.msgs_per_s.{size}.{peer}" for size in STREAM_SIZES for peer in STREAM_PEERS]
KEYS += [f"large.bytes_per_s.{way}.{peer}" for way in ("plain", "tls") for peer in ("proa", "grpc_cpp", "tcp")]
KEYS += [f"idle_connection_bytes.{peer}" for peer in ("proa", "grpc_cpp", "grpc_go")]
KEYS += ["idle_connection_bytes_tls.proa", "idle_stream_bytes.proa"]
KEYS += [f"codec.{way}_ns.{peer}" for way in ("decode", "encode") for peer in ("proa", "protobuf_c", "protobuf_cpp")]
KEYS += ["bench.ir_per_call"]


class Figures:
    """Values of each key, one a round, and how busy the server's core was."""

    def __init__(self):
        self.values, self.busy = {}, {}

    def add(self, key, value, busy=None):
        self.values.setdefault(key, []).append(value)
        if busy is not None:
            self.busy.setdefault(key, []).append(busy)

    def median(self, key):
        return statistics.median(self.values[key]) if key in self.values else None

    def is_limited(self, key):
        return key in self.busy and statistics.median(self.busy[key]) < BUSY

    def ratio(self, key, other):
        a, b = self.median(key), self.median(other)
        return a / b if a is not None and b else None


# ---- Goals: (what, the ratio or value, the bound, True: at most, False: at least)

def goals(f, floor_ir, nghttp2_ir):
    floor_good = floor_ir is not None and floor_ir <= FLOOR_IR_MAX

    def unary(shape, peer):
        if peer == "floor" and not floor_good:
            return None
        return f.ratio(f"unary.cpu_us.{shape}.proa", f"unary.cpu_us.{shape}.{peer}")

    def to(key, other):
        return f.ratio(key, other)

    return [
        ("unary 10x10, CPU to grpc_cpp", unary("10x10", "grpc_cpp"), 1 / 8, True),
        ("unary 10x10, CPU to tonic", unary("10x10", "tonic"), 1 / 2.8, True),
        ("unary 10x10, CPU to the floor", unary("10x10", "floor"), 1.8, True),
        ("unary 100x100, CPU to grpc_cpp", unary("100x100", "grpc_cpp"), 1 / 16, True),
        ("unary 100x1, CPU to the floor", unary("100x1", "floor"), 1.25, True),
        ("instructions (a), both ends", f.median("unary.ir.a.both"), 5000, True),
        ("instructions (b) to (a)", to("unary.ir.b.both", "unary.ir.a.both"), 1.3, True),
        ("instructions (c) to (a)", to("unary.ir.c.both", "unary.ir.a.both"), 2.5, True),
        ("allocations of a unary call", f.median("unary.mallocs"), 0, True),
        ("allocations of a streamed message", f.median("stream.mallocs"), 0, True),
        ("messages of 100 bytes to grpc_cpp", to("stream.msgs_per_s.100B.proa", "stream.msgs_per_s.100B.grpc_cpp"), 10, False),
        ("1 MiB one way to raw TCP", to("large.bytes_per_s.plain.proa", "large.bytes_per_s.plain.tcp"), 0.7, False),
        ("idle connection, bytes", f.median("idle_connection_bytes.proa"), 4096, True),
        ("idle connection over TLS, bytes", f.median("idle_connection_bytes_tls.proa"), 32768, True),
        ("idle stream, bytes", f.median("idle_stream_bytes.proa"), 2048, True),
        ("decode, times protobuf-c", to("codec.decode_ns.protobuf_c", "codec.decode_ns.proa"), 4, False),
        ("decode, times libprotobuf", to("codec.decode_ns.protobuf_cpp", "codec.decode_ns.proa"), 2, False),
        ("encode, times protobuf-c", to("codec.encode_ns.protobuf_c", "codec.encode_ns.proa"), 5, False),
        ("encode, times libprotobuf", to("codec.encode_ns.protobuf_cpp", "codec.encode_ns.proa"), 2, False),
        ("proa bench, instructions a call", f.median("bench.ir_per_call"), 2500, True),
        ("floor, instructions a call at 1x100", floor_ir, FLOOR_IR_MAX, True),
        ("nghttp2 echo, instructions a call at 1x100", nghttp2_ir, NGHTTP2_IR_MAX, True),
    ]


def number(value):
    if value is None:
        return "-"
    if value >= 1e5:
        return f"{value:,.0f}"
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


def goal_lines(f, floor_ir, nghttp2_ir):
    yield "| goal | found | bound | |"
    yield "|---|---|---|---|"
    for what, value, bound, at_most in goals(f, floor_ir, nghttp2_ir):
        is_met = value is not None and (value <= bound if at_most else value >= bound)
        verdict = "not measured" if value is None else "met" if is_met else "**not met**"
        yield f"| {what} | {number(value)} | {'at most' if at_most else 'at least'} {number(bound)} | {verdict} |"


# ---- Tables

def cell(f, key):
    if key not in f.values:
        return "-"
    values = f.values[key]
    spread = f" ({number(min(values))} – {number(max(values))})" if len(values) > 1 else ""
    return number(f.median(key)) + spread + (" *" if f.is_limited(key) else "")


def ratio_text(ratio):
    return "-" if ratio is None else f"{ratio:.2f}" + (f" (1/{1 / ratio:.1f})" if ratio < 1 else "")


def unary_lines(f, floor_ir):
    peers = [peer for peer in UNARY_PEERS if any(f"unary.cpu_us.{shape}.{peer}" in f.values for shape in SHAPES)]
    yield "| µs of server CPU a call | " + " | ".join(SHAPES) + " |"
    yield "|---" * (len(SHAPES) + 1) + "|"
    for peer in peers:
        yield f"| {peer} | " + " | ".join(cell(f, f"unary.cpu_us.{shape}.{peer}") for shape in SHAPES) + " |"
    yield ""
    yield "| proa to | " + " | ".join(SHAPES) + " |"
    yield "|---" * (len(SHAPES) + 1) + "|"
    for peer in peers[1:]:
        if peer == "floor" and (floor_ir is None or floor_ir > FLOOR_IR_MAX):
            yield f"| floor | refused: it costs {number(floor_ir)} instructions, over {FLOOR_IR_MAX} |"
            continue
        ratios = [f.ratio(f"unary.cpu_us.{shape}.proa", f"unary.cpu_us.{shape}.{peer}") for shape in SHAPES]
        yield f"| {peer} | " + " | ".join(map(ratio_text, ratios)) + " |"
    yield ""
    yield f"proa over TLS at 10x10, `proa bench` as the client: {cell(f, 'unary.tls_cpu_us.10x10.proa')} µs."


def other_lines(f, heads, keys_of):
    yield "| | " + " | ".join(heads) + " |"
    yield "|---" * (len(heads) + 1) + "|"
    for label, keys in keys_of:
        if any(key in f.values for key in keys):
            yield f"| {label} | " + " | ".join(cell(f, key) for key in keys) + " |"


def stream_lines(f):
    yield from other_lines(f, ["100 B, messages/s", "16 KiB, messages/s"],
                           [(peer, [f"stream.msgs_per_s.{size}.{peer}" for size in STREAM_SIZES]) for peer in STREAM_PEERS])
    yield ""
    yield from other_lines(f, ["1 MiB plaintext, bytes/s", "1 MiB TLS, bytes/s"],
                           [(peer, [f"large.bytes_per_s.{way}.{peer}" for way in ("plain", "tls")])
                            for peer in ("proa", "grpc_cpp", "tcp")])


def memory_lines(f):
    yield from other_lines(f, ["idle connection", "idle connection, TLS", "idle stream"],
                           [(peer, [f"idle_connection_bytes.{peer}", f"idle_connection_bytes_tls.{peer}",
                                    f"idle_stream_bytes.{peer}"]) for peer in ("proa", "grpc_cpp", "grpc_go")])


def count_lines(f, floor_ir, nghttp2_ir):
    names = {"a": "(a) constant headers", "b": "(b) a new grpc-timeout each call",
             "c": "(c) three metadata values new each call, one -bin"}
    yield from other_lines(f, ["client", "server", "both"],
                           [(name, [f"unary.ir.{mix}.{side}" for side in ("client", "server", "both")])
                            for mix, name in names.items()])
    yield ""
    yield (f"Allocations in the steady state: {cell(f, 'unary.mallocs')} of a unary call, {cell(f, 'stream.mallocs')} of a "
           f"streamed message. `proa bench`: {cell(f, 'bench.ir_per_call')} instructions a call at 1x100; floor "
           f"{number(floor_ir)}, nghttp2 echo {number(nghttp2_ir)}.")


def codec_lines(f, notes):
    yield from other_lines(f, ["decode, ns a message", "encode, ns a message"],
                           [(peer, [f"codec.{way}_ns.{peer}" for way in ("decode", "encode")])
                            for peer in ("proa", "protobuf_c", "protobuf_cpp")])
    for note in notes:
        yield ""
        yield note


# ---- The machine

def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except OSError:
        return None
    return (done.stdout or done.stderr).strip().splitlines()[0] if (done.stdout or done.stderr).strip() else None


def package(name):
    return first_line(["dpkg-query", "-W", "-f=${Version}", name])


def pinned(path, pattern):
    found = re.search(pattern, (BENCH / "peers" / path).read_text(), re.M)
    return found.group(1) if found else "?"


def machine_lines(run):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    commit = first_line(["git", "-C", str(BENCH), "describe", "--always", "--dirty"])
    yield f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, proa {commit}, {run.rounds} rounds of {run.seconds:g} s a cell"
    yield f"- {cpu.group(1) if cpu else '?'}, {os.cpu_count()} cores; Linux {platform.release()}"
    yield f"- load average at the start {run.load_before:.2f}, at the end {os.getloadavg()[0]:.2f}" + (
        "; **other programs ran at the same time**" if run.load_before > 0.7 else "")
    yield f"- {first_line(['gcc', '--version'])}, `-O2`; OpenSSL {package('libssl3')}; {first_line(['valgrind', '--version'])}"
    go = first_line(["go", "version"]) or first_line(["/usr/local/go/bin/go", "version"])
    cargo = first_line(["rustc", "--version"])
    yield f"- grpc_cpp: libgrpc++ {package('libgrpc++1.51')}, callback API, `-O2`"
    yield f"- grpc_go: grpc-go {pinned('go/go.mod', r'google.golang.org/grpc (v[0-9.]+)')}, {go}, GOMAXPROCS=1"
    yield (f"- tonic: {pinned('rust/Cargo.toml', r'^tonic = .*?=([0-9.]+)')}, {cargo}, fat LTO, one codegen unit, "
           "current_thread")
    yield f"- nghttp2: libnghttp2 {package('libnghttp2-14')}"


INTRODUCTION = """# Benchmarks

Written by `./dev bench`; `bench/README.md` says how each figure is measured. Server on core 0, generator on core 1;
medians, in brackets the least and the most of all rounds. `*`: the server's core was under 95 % busy, so the generator or
the loopback was the limit, and the server may do better than its figure. Use ratios, not absolute times.
"""


def write_markdown(f, run):
    sections = [
        ("Machine", machine_lines(run)), ("Goals", goal_lines(f, run.floor_ir, run.nghttp2_ir)),
        ("Unary calls", unary_lines(f, run.floor_ir)), ("Streams and large messages", stream_lines(f)),
        ("Resident memory of the server, bytes", memory_lines(f)),
        ("Instructions and allocations", count_lines(f, run.floor_ir, run.nghttp2_ir)),
        ("Codec", codec_lines(f, run.codec_notes)),
    ]
    text = INTRODUCTION
    for title, lines in sections:
        text += f"\n## {title}\n\n" + "\n".join(lines) + "\n"
        for name in run.pictures.get(title, []):
            text += f"\n![{title}](pictures/{name})\n"
    if run.skipped:
        text += "\n## Left out\n\n" + "\n".join(f"- {line}" for line in run.skipped) + "\n"
    (run.out / "RESULTS.md").write_text(text)


def draw(f, run):
    def group(label, keys):
        return label, {peer: f.median(key) for peer, key in keys if f.median(key) is not None}

    wanted = {
        "unary": ("Unary calls", "Server CPU of a unary call, µs",
                  [group(shape, [(p, f"unary.cpu_us.{shape}.{p}") for p in UNARY_PEERS]) for shape in SHAPES]),
        "streams": ("Streams and large messages", "One server-streaming call, messages/s",
                    [group(size, [(p, f"stream.msgs_per_s.{size}.{p}") for p in STREAM_PEERS]) for size in STREAM_SIZES]),
        "large": ("Streams and large messages", "1 MiB messages one way, bytes/s",
                  [group(way, [(p, f"large.bytes_per_s.{way}.{p}") for p in ("proa", "grpc_cpp", "tcp")])
                   for way in ("plain", "tls")]),
        "memory": ("Resident memory of the server, bytes", "Resident bytes of an idle connection",
                   [group("plain", [(p, f"idle_connection_bytes.{p}") for p in STREAM_PEERS]),
                    group("TLS", [("proa", "idle_connection_bytes_tls.proa")])]),
        "codec": ("Codec", "Codec, ns a message",
                  [group(way, [(p, f"codec.{way}_ns.{p}") for p in ("proa", "protobuf_c", "protobuf_cpp")])
                   for way in ("decode", "encode")]),
    }
    (run.out / "pictures").mkdir(exist_ok=True)
    for name, (section, title, groups) in wanted.items():
        svg = picture.bars(title, [g for g in groups if g[1]], list(picture.COLOURS))
        if svg:
            (run.out / "pictures" / f"{name}.svg").write_text(svg)
            run.pictures.setdefault(section, []).append(f"{name}.svg")


def write(f, run):
    run.pictures = {}
    draw(f, run)
    write_markdown(f, run)
    values = {key: round(f.median(key), 4) for key in KEYS if f.median(key) is not None}
    (run.out / "results.json").write_text(json.dumps(values, indent=2) + "\n")
