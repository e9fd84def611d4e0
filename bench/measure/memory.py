# SPDX-License-Identifier: Apache-2.0
"""Resident memory of a server for each idle connection and each open idle stream: a client of sockets alone."""
import socket
import ssl
import struct
import time

from . import servers

CONNECTIONS, STREAM_CONNECTIONS, STREAMS = 2000, 100, 100
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, SETTINGS_ACK = b"\0\0\0\4\0\0\0\0\0", b"\0\0\0\4\1\0\0\0\0"


def literal(name, value):
    """Without indexing: no table grows. RFC 7541 6.2.2"""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers_frame(stream, path):
    block = b"\x83\x86" + literal(b":path", path) + literal(b":authority", b"localhost")
    block += literal(b"te", b"trailers") + literal(b"content-type", b"application/grpc")
    return struct.pack(">I", len(block) << 8 | 1) + b"\4" + struct.pack(">I", stream) + block


def connect(address, context):
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context:
        connection = context.wrap_socket(connection, server_hostname="localhost")
    connection.sendall(PREFACE + SETTINGS)
    return connection


def finish_settings(connection):
    """Reads what the server said, its SETTINGS among it, and acknowledges."""
    connection.recv(65536)
    connection.sendall(SETTINGS_ACK)


def open_many(address, count, context):
    connections = []
    for begin in range(0, count, 50):  # no more in a listener's queue at once
        some = [connect(address, context) for _ in range(min(50, count - begin))]
        for connection in some:
            finish_settings(connection)
        connections += some
    return connections


def settled_bytes(server):
    """Resident memory when it has stopped to grow."""
    before = server.resident_bytes()
    for _ in range(40):
        time.sleep(0.25)
        now = server.resident_bytes()
        if abs(now - before) < 65536:
            return now
        before = now
    return before


def client_context(tools):
    context = ssl.create_default_context(cafile=str(tools.cert))
    context.set_alpn_protocols(["h2"])
    return context


def idle_connection(tools, peer, tls):
    context = client_context(tools) if tls else None
    with servers.Server(tools, peer, tls=tls) as server:
        for connection in open_many(server.address, 50, context):  # what the first ones cost once
            connection.close()
        before = settled_bytes(server)
        connections = open_many(server.address, CONNECTIONS, context)
        grown = settled_bytes(server) - before
        for connection in connections:
            connection.close()
        yield f"idle_connection_bytes{'_tls' if tls else ''}.{peer}", grown / CONNECTIONS, None


def idle_stream(tools):
    """Behind a first stream on each connection, so that what a connection needs for its first call is not counted."""
    with servers.Server(tools, "proa") as server:
        connections = open_many(server.address, STREAM_CONNECTIONS, None)
        for connection in connections:
            connection.sendall(headers_frame(1, b"/bench.Echo/Idle"))
        before = settled_bytes(server)
        for connection in connections:
            connection.sendall(b"".join(headers_frame(stream, b"/bench.Echo/Idle")
                                        for stream in range(3, 2 * STREAMS, 2)))
        grown = settled_bytes(server) - before
        for connection in connections:
            check_open(connection)
            connection.close()
        yield "idle_stream_bytes.proa", grown / (STREAM_CONNECTIONS * (STREAMS - 1)), None


def check_open(connection):
    """No stream was refused or answered: nothing but acknowledgements and window updates has come."""
    connection.setblocking(False)
    try:
        data = connection.recv(1 << 20)
    except BlockingIOError:
        return
    while len(data) >= 9:
        if data[3] not in (4, 6, 8):
            raise RuntimeError(f"an idle stream was answered by a frame of type {data[3]}")
        data = data[9 + int.from_bytes(data[:3], "big"):]


def jobs(tools):
    wanted = [("proa", False), ("grpc_cpp", False), ("grpc_go", False), ("proa", True)]
    made = [("memory", peer, lambda peer=peer, tls=tls: idle_connection(tools, peer, tls)) for peer, tls in wanted]
    made.append(("memory", "proa", lambda: idle_stream(tools)))
    return [job for job in made if tools.has(job[1])]
