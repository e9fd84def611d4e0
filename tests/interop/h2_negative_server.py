#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""h2_negative_server.py CASE PORT: a gRPC server that misbehaves as http2-interop-test-descriptions.md says.

Raw frames, one thread a connection. It speaks just enough HTTP/2: it answers every request as if it were
grpc.testing.TestService/UnaryCall, keeps to the client's windows, and never looks into a header block. At SIGTERM it says
what it saw that the client should not have done; exit 0: nothing, and the case was played at all.

  goaway               GOAWAY after the first request of a connection; the second request must come on a new connection
  rst_after_header     RST_STREAM behind the response's headers
  rst_during_data      RST_STREAM in the middle of the message
  rst_after_data       RST_STREAM behind the message, in the place of trailers
  ping                 PINGs before, between and behind all frames of a response; all must be acknowledged
  max_streams          SETTINGS_MAX_CONCURRENT_STREAMS 1; never may two streams be open
  data_frame_padding   5 bytes of data and 255 of padding in each DATA frame: windows must count both
  no_df_padding        the same without padding, to compare
  no_trailers          END_STREAM on the last DATA frame: no status ever comes
  goaway_refuses       GOAWAY that names no stream behind the first request: that call must be made again elsewhere
"""
import signal
import socket
import struct
import sys
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
MAX_CONCURRENT, INITIAL_WINDOW = 3, 4
NO_ERROR = 0
RESPONSE_BYTES = 314159
WAIT_S = 30


def literal(name, value):
    """A header field without indexing, RFC 7541 6.2.2; nothing here is longer than 126 bytes."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


RESPONSE = b"\x88" + literal(b"content-type", b"application/grpc+proto")  # \x88: :status 200
TRAILERS = literal(b"grpc-status", b"0")


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def message(size):
    """SimpleResponse{payload{body: zeros}} with the gRPC prefix."""
    body = b"\x12" + varint(size) + bytes(size)
    reply = b"\x0a" + varint(len(body)) + body
    return b"\0" + struct.pack(">I", len(reply)) + reply


REPLY = message(RESPONSE_BYTES)


class Judge:
    """What all connections saw together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.wrong, self.calls, self.connections = [], 0, 0

    def blame(self, text):
        with self.lock:
            self.wrong.append(text)

    def count_call(self):
        with self.lock:
            self.calls += 1
            return self.calls


class Gone(Exception):
    pass


class Connection:
    def __init__(self, case, sock, judge, number):
        self.case, self.sock, self.judge, self.number = case, sock, judge, number
        self.turn = threading.Condition()  # guards all that is below, and the order of writes
        self.window, self.initial, self.windows = 65535, 65535, {}
        self.open, self.requests, self.pings_out, self.gone, self.last = set(), 0, {}, False, 0

    # ---- Frames

    def send(self, kind, flags, stream, payload=b""):
        with self.turn:
            try:
                self.sock.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)
            except OSError as error:
                raise Gone from error

    def read(self, size):
        out = b""
        while len(out) < size:
            try:
                piece = self.sock.recv(size - len(out))
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            out += piece
        return out

    def serve(self):
        try:
            if self.read(len(PREFACE)) != PREFACE:
                self.judge.blame("the preface is none")
                return
            limit = struct.pack(">HI", MAX_CONCURRENT, 1) if self.case == "max_streams" else b""
            self.send(SETTINGS, 0, 0, limit)
            while True:
                self.frame()
        except Gone:
            pass
        finally:
            with self.turn:
                self.gone = True
                self.turn.notify_all()
            self.sock.close()

    def frame(self):
        head = self.read(9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        payload = self.read(size)
        if kind == SETTINGS and not flags & ACK:
            self.settings(payload)
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and flags & ACK:
            self.pong(payload)
        elif kind == PING:
            self.send(PING, ACK, 0, payload)
        elif kind == WINDOW:
            self.credit(stream, struct.unpack(">I", payload)[0])
        elif kind == RST:
            self.end(stream)
        elif kind == HEADERS:
            self.begin(stream)
        elif kind == DATA and size:
            for at in (0, stream):
                self.send(WINDOW, 0, at, struct.pack(">I", size))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            threading.Thread(target=self.answer, args=(stream,), daemon=True).start()

    def settings(self, payload):
        with self.turn:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack_from(">HI", payload, at)
                if key == INITIAL_WINDOW:
                    for stream in self.windows:
                        self.windows[stream] += value - self.initial
                    self.initial = value
            self.turn.notify_all()

    def credit(self, stream, size):
        with self.turn:
            if stream:
                self.windows[stream] = self.windows.get(stream, self.initial) + size
            else:
                self.window += size
            self.turn.notify_all()

    def begin(self, stream):
        with self.turn:
            self.requests += 1
            self.last = max(self.last, stream)
            self.open.add(stream)
            self.windows.setdefault(stream, self.initial)
            count = len(self.open)
        if self.case == "max_streams" and count > 1:
            self.judge.blame(f"{count} streams are open, the limit is 1")
        if self.case in ("goaway", "goaway_refuses") and self.requests > 1 and self.number == 1:
            self.judge.blame("a request behind GOAWAY, on the old connection")

    def end(self, stream):
        with self.turn:
            self.open.discard(stream)
            self.windows.pop(stream, None)
            self.turn.notify_all()

    # ---- Pings

    def ping(self):
        with self.turn:
            data = struct.pack(">II", self.number, len(self.pings_out) + 1)
            self.pings_out[data] = False
        self.send(PING, 0, 0, data)

    def pong(self, payload):
        with self.turn:
            if self.pings_out.get(payload, True):
                self.judge.blame(f"an acknowledgement of no PING: {payload.hex()}")
            self.pings_out[payload] = True
            self.turn.notify_all()

    def wait_for_pongs(self):
        with self.turn:
            self.turn.wait_for(lambda: self.gone or all(self.pings_out.values()), WAIT_S)
            missing = list(self.pings_out.values()).count(False)
        if missing:
            self.judge.blame(f"{missing} PINGs were never acknowledged")

    # ---- Responses

    def data(self, stream, piece, padding=None, flags=0):
        """One DATA frame, when both windows have room for all of it; RFC 9113 6.9.1 counts the padding and its length."""
        payload = piece if padding is None else bytes([padding]) + piece + bytes(padding)
        with self.turn:
            room = self.turn.wait_for(lambda: self.gone or stream not in self.windows or min(
                self.window, self.windows[stream]) >= len(payload), WAIT_S)
            if self.gone or stream not in self.windows:
                raise Gone
            if not room:
                self.judge.blame(f"no window for {WAIT_S} s: connection {self.window}, stream {self.windows[stream]}")
                raise Gone
            self.window -= len(payload)
            self.windows[stream] -= len(payload)
            self.send(DATA, flags | (0 if padding is None else PADDED), stream, payload)

    def all_data(self, stream, content, piece_size=16384, padding=None):
        for at in range(0, len(content), piece_size):
            self.data(stream, content[at:at + piece_size], padding)
            if self.case == "ping":
                self.ping()

    def finish(self, stream):
        with self.turn:  # one step: a client may open the next stream as soon as it sees this
            self.end(stream)
            self.send(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)

    def reset(self, stream):
        with self.turn:
            self.end(stream)
            self.send(RST, 0, stream, struct.pack(">I", NO_ERROR))

    def answer(self, stream):
        call = self.judge.count_call()
        try:
            self.respond(stream, call)
        except Gone:
            pass

    def respond(self, stream, call):
        if self.case == "goaway_refuses" and call == 1:
            self.send(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR))
            return
        if self.case == "goaway" and call == 1:
            self.send(GOAWAY, 0, 0, struct.pack(">II", stream, NO_ERROR))
        if self.case == "ping":
            self.ping()
        self.send(HEADERS, END_HEADERS, stream, RESPONSE)
        if self.case == "rst_after_header":
            return self.reset(stream)
        if self.case == "rst_during_data":
            self.all_data(stream, REPLY[:len(REPLY) // 2])
            return self.reset(stream)
        if self.case in ("data_frame_padding", "no_df_padding"):
            self.all_data(stream, REPLY, 5, 255 if self.case == "data_frame_padding" else None)
        elif self.case == "no_trailers":
            self.all_data(stream, REPLY[:-1])
            self.data(stream, REPLY[-1:], flags=END_STREAM)
            return self.end(stream)
        else:
            self.all_data(stream, REPLY)
        if self.case == "rst_after_data":
            return self.reset(stream)
        if self.case == "ping":
            self.ping()
            self.wait_for_pongs()
        return self.finish(stream)


CASES = ("goaway rst_after_header rst_during_data rst_after_data ping max_streams data_frame_padding no_df_padding "
         "no_trailers goaway_refuses").split()


def verdict(case, judge):
    wrong = list(judge.wrong)
    if not judge.calls:
        wrong.append("no call came")
    if case in ("goaway", "goaway_refuses") and judge.connections < 2:
        wrong.append("there was no second connection")
    if case == "max_streams" and judge.calls < 11:
        wrong.append(f"{judge.calls} calls came, not 11")
    for text in wrong:
        print(f"{case}: {text}", flush=True)
    return 1 if wrong else 0


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in CASES:
        sys.exit(__doc__)
    case, judge = sys.argv[1], Judge()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=64)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def stop(*_):
        raise SystemExit(verdict(case, judge))

    signal.signal(signal.SIGTERM, stop)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = sock.recv(1, socket.MSG_PEEK)  # an empty connection is somebody's probe of the port
        if not first:
            sock.close()
            continue
        judge.connections += 1
        connection = Connection(case, sock, judge, judge.connections)
        threading.Thread(target=connection.serve, daemon=True).start()


if __name__ == "__main__":
    main()
