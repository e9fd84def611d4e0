# SPDX-License-Identifier: Apache-2.0
"""Everything that is measured in rounds. A cell is one figure of one round: (key, value, busy or None)."""
import json

from . import servers

SHAPES = {"1x1": (1, 1), "1x100": (1, 100), "10x10": (10, 10), "100x1": (100, 1), "100x100": (100, 100)}
UNARY_PEERS = ("proa", "grpc_cpp", "grpc_go", "tonic", "nghttp2", "floor")
STREAM_PEERS = ("proa", "grpc_cpp", "grpc_go", "tonic")
STREAM_SIZES = {"100B": 100, "16KiB": 16 * 1024}
MEBIBYTE = 1 << 20
SETTLE_S = 0.4


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def unary(tools, peer, seconds):
    """Server CPU of each unary call, at each shape, against one server."""
    with servers.Server(tools, peer) as server:
        for shape, (connections, streams) in SHAPES.items():
            out = servers.run_client([tools.bin / "bench_load", "-c", connections, "-s", streams, "-t", seconds,
                                      "-w", SETTLE_S, "-p", server.pid, server.address])
            result = json.loads(out)
            yield f"unary.cpu_us.{shape}.{peer}", result["server_us"], result["server_busy"]


def unary_tls(tools, seconds):
    """proa bench is the client here: the calls of the whole run over the CPU of the whole run, ten handshakes with it."""
    with servers.Server(tools, "proa", tls=True) as server:
        before = server.cpu_s()
        out = servers.run_client([tools.bin / "proa", "bench", "--tls", f"--ca={tools.cert}", "--connections=10",
                                  "--streams=10", "--size=102", "--warmup=0", f"--duration={seconds}", "--json=-",
                                  server.address, "/bench.Echo/Unary"])
        result, cpu = json.loads(out), server.cpu_s() - before
        yield "unary.tls_cpu_us.10x10.proa", cpu * 1e6 / result["calls"], cpu / result["seconds"]


def download(tools, server, size, seconds, tls=False):
    """proa bench on one call whose server sends messages of that size without end."""
    request = b"\x10" + varint(size)  # StreamRequest.size
    command = [tools.bin / "proa", "bench", "--shape=server", f"--data={request.hex()}", f"--warmup={SETTLE_S}",
               f"--duration={seconds}", "--json=-", server.address, "/bench.Echo/Download"]
    command += ["--tls", f"--ca={tools.cert}"] if tls else []
    out, busy = servers.run_client_watched(command, server, SETTLE_S + 0.1, seconds * 0.8)
    return json.loads(out), busy


def stream(tools, peer, seconds):
    with servers.Server(tools, peer) as server:
        for name, size in STREAM_SIZES.items():
            result, busy = download(tools, server, size, seconds)
            yield f"stream.msgs_per_s.{name}.{peer}", result["messages_received_per_s"], busy


def large(tools, peer, tls, seconds):
    key = f"large.bytes_per_s.{'tls' if tls else 'plain'}.{peer}"
    with servers.Server(tools, peer, tls=tls) as server:
        if peer == "tcp":
            command = [tools.bin / "bench_tcp", "read", server.address, seconds, server.pid] + (["tls"] if tls else [])
            result = json.loads(servers.run_client(command))
            yield key, result["bytes_per_s"], result["server_busy"]
        else:
            result, busy = download(tools, server, MEBIBYTE, seconds, tls)
            yield key, result["bytes_received"] / result["seconds"], busy


def round_of(tools, seconds, wanted):
    """What one round runs, one after the other: (name, peer, function that yields cells)."""
    jobs = [("unary", peer, lambda peer=peer: unary(tools, peer, seconds)) for peer in UNARY_PEERS]
    jobs += [("stream", peer, lambda peer=peer: stream(tools, peer, seconds)) for peer in STREAM_PEERS]
    for tls in (False, True):
        jobs += [("large", peer, lambda peer=peer, tls=tls: large(tools, peer, tls, seconds))
                 for peer in ("proa", "grpc_cpp", "tcp")]
    jobs.append(("tls", "proa", lambda: unary_tls(tools, max(seconds, 1))))
    return [job for job in jobs if job[0] in wanted and tools.has(job[1])]
