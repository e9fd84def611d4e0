# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: how each starts, and its CPU time. Each runs alone, on core 0."""
import os
import subprocess
import time
from pathlib import Path

SERVER_CORE, CLIENT_CORE = "0", "1"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Tools:
    """Where the programs are, and the certificate that servers show."""

    def __init__(self, build, peers, work):
        self.bin, self.peers, self.work = Path(build) / "bin", Path(peers), Path(work)
        self.cert, self.key = self.work / "cert.pem", self.work / "key.pem"

    def make_certificate(self):
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self.key), "-out", str(self.cert)], capture_output=True, text=True)
        return done.returncode == 0

    def command(self, peer):
        return {
            "proa": [self.bin / "bench_echo_server"],
            "grpc_cpp": [self.peers / "bench_cpp"],
            "grpc_go": [self.peers / "bench_go"],
            "tonic": [self.peers / "bench_tonic"],
            "nghttp2": [self.bin / "bench_nghttp2_echo"],
            "floor": [self.bin / "bench_floor"],
            "tcp": [self.bin / "bench_tcp", "serve"],
        }[peer]

    def has(self, peer):
        return self.command(peer)[0].exists()


class Server:
    """with Server(tools, "proa") as server: server.address, server.pid"""

    def __init__(self, tools, peer, tls=False, wrap=()):
        self.command = ["taskset", "-c", SERVER_CORE, *wrap, *tools.command(peer), "127.0.0.1:0"]
        self.command += [tools.cert, tools.key] if tls else []
        self.peer = peer

    def __enter__(self):
        self.process = subprocess.Popen([str(c) for c in self.command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, "GOMAXPROCS": "1"})
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            raise RuntimeError(f"{self.peer} did not start: {line}{self.process.communicate()[1]}")
        self.address, self.pid = line.split()[2], self.process.pid
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def cpu_s(self):
        """User and system time of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")


def run_client(command):
    """A program on the client's core. Its standard output; RuntimeError when it fails."""
    done = subprocess.run(["taskset", "-c", CLIENT_CORE, *map(str, command)], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()[-400:] or done.returncode}")
    return done.stdout


def run_client_watched(command, server, settle_s, watch_s):
    """As run_client, and how busy the server's core was for watch_s, from settle_s after the start on."""
    process = subprocess.Popen(["taskset", "-c", CLIENT_CORE, *map(str, command)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(settle_s)
    cpu, began = server.cpu_s(), time.monotonic()
    time.sleep(watch_s)
    busy = (server.cpu_s() - cpu) / (time.monotonic() - began)
    out, err = process.communicate(timeout=600)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {err.strip()[-400:] or process.returncode}")
    return out, busy
