#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples_test.py BIN_DIR EXAMPLES_DIR [NAME...]: the examples do what they say, and refuse what they cannot do."""
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 40


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], timeout=LIMIT_S, capture_output=True, text=True, check=False,
                          **options)
    return done.returncode, done.stdout, done.stderr


def start(log, *words):
    """A telemetry server; returns it with its address."""
    server = subprocess.Popen([*map(str, words), "127.0.0.1:0", str(log)], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    expect(line.startswith("listening on 127.0.0.1:"), line)
    return server, line.split()[-1]


def stop(server):
    server.send_signal(signal.SIGTERM)
    expect(server.wait(LIMIT_S) == 0, f"the server ended with {server.returncode}")


def greeter(bin_dir, _, folder):
    socket = f"unix:{folder}/greeter.sock"
    server = subprocess.Popen([bin_dir / "greeter_server", socket])
    try:
        end = time.monotonic() + 10
        while not (folder / "greeter.sock").exists() and time.monotonic() < end:
            time.sleep(0.01)
        code, out, err = run(bin_dir / "greeter_client", socket)
        expect((code, out) == (0, "Hello, Ada!\n"), f"{code} {out}{err}")
        stop(server)
        expect(not (folder / "greeter.sock").exists(), "the socket file stays")
    finally:
        server.kill()
    code, out, err = run(bin_dir / "greeter_client", socket)
    expect(code == 1 and out == "" and err.startswith("UNAVAILABLE: "), f"{code} {out}{err}")


def embed(bin_dir, _, __):
    code, out, err = run(bin_dir / "embed_main", "Ada", "Grace", input="Edsger\n")
    lines = sorted(out.splitlines())
    expect(code == 0 and lines == ["Hello, Ada!", "Hello, Edsger!", "Hello, Grace!"], f"{code} {out}{err}")


def demo(bin_dir, examples, _):
    """Four calls over one connection, each with a line of method, status, messages and time; then it ends."""
    code, out, err = run("bash", examples / "telemetry" / "demo.sh", env={**os.environ, "PROA_BIN": str(bin_dir)},
                         stdin=subprocess.DEVNULL)
    expect(code == 0, f"{code} {out}{err}")
    calls = re.findall(r"^telemetry\.Host/(\w+) +(\w+) +(\d+) sent +(\d+) received +[\d.]+ ms", out, re.M)
    expect([(name, status) for name, status, _, _ in calls] ==
           [("Describe", "OK"), ("Watch", "CANCELLED"), ("Upload", "OK"), ("Grep", "OK")], out)
    expect(calls[1][2:] == ("1", "5") and calls[3][2] == "2" and int(calls[3][3]) >= 8, out)
    digest = hashlib.sha256((bin_dir / "telemetry_server").read_bytes()).hexdigest()
    expect(digest in out, f"{digest} is not in {out}")


def telemetry(bin_dir, _, folder):
    """A log that goes on growing, patterns that are none, files that are not there."""
    log = folder / "log"
    log.write_bytes(b"one error\nfine\nhalf an er")
    server, address = start(log, bin_dir / "telemetry_server")
    try:
        client = [bin_dir / "telemetry_client", "-a", address]
        grep = subprocess.Popen([*map(str, client), "-f", "-m", "3", "-t", "20", "grep", "error"],
                                stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        with log.open("ab") as more:
            more.write(b"ror\nfine\n\xff\xfe error\n")
        out, _ = grep.communicate(timeout=LIMIT_S)
        lines = [line[5:] for line in out.splitlines() if line.startswith("  <- ")]
        expect(grep.returncode == 0 and lines == ["1: one error", "3: half an error", "5: ?? error"], out)

        code, out, err = run(*client, "grep", "(")
        expect(code == 1 and "INVALID_ARGUMENT" in out and "not a regular expression" in out, f"{code} {out}{err}")
        code, out, err = run(*client, "-i", "1", "watch")
        expect(code == 1 and "INVALID_ARGUMENT" in out, f"{code} {out}{err}")
        code, out, err = run(*client, "upload", folder / "none")
        expect(code == 1 and len(err.splitlines()) == 1, f"{code} {out}{err}")
        empty = folder / "empty"
        empty.touch()
        code, out, err = run(*client, "upload", empty)
        expect(code == 0 and hashlib.sha256(b"").hexdigest() in out, f"{code} {out}{err}")
        stop(server)
    finally:
        server.kill()


def refusals(bin_dir, _, folder):
    """One clear line and a code that is not 0."""
    for words in (["telemetry_server", "127.0.0.1:99999"], ["telemetry_server", "nowhere"],
                  ["telemetry_client", "-a", f"unix:{folder}/none", "upload", folder / "none"],
                  ["telemetry_client", "dance"]):
        code, out, err = run(bin_dir / words[0], *words[1:])
        expect(code != 0 and out == "" and len(err.splitlines()) == 1, f"{words}: {code} {out}{err}")
    code, out, err = run(bin_dir / "telemetry_client")
    expect(code == 2 and err.startswith("usage: "), f"{code} {out}{err}")


def trace(bin_dir, _, folder):
    """PROA_TRACE prints what it names, and nothing when it is not there."""
    log = folder / "log"
    log.touch()
    server, address = start(log, bin_dir / "telemetry_server")
    try:
        client = [bin_dir / "telemetry_client", "-a", address, "describe"]
        environment = {name: value for name, value in os.environ.items() if name != "PROA_TRACE"}
        code, _, err = run(*client, env=environment)
        expect(code == 0 and err == "", err)
        for area in ("h2", "rpc", "io"):
            code, _, err = run(*client, env={**environment, "PROA_TRACE": area})
            expect(code == 0 and err != "", f"nothing for {area}")
        stop(server)
    finally:
        server.kill()


TESTS = [greeter, embed, demo, telemetry, refusals, trace]


def main():
    bin_dir, examples, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    failed = 0
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(bin_dir, examples, pathlib.Path(folder))
                print(f"ok      {test.__name__}", flush=True)
            except (Failed, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {test.__name__}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
