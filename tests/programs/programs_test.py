#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the programs that have a main, as processes over Unix sockets: programs_test.py BIN_DIR [NAME...]"""
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

LIMIT_S = 20


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Stage:
    """A temporary folder and the servers that run in it; all of them end with it, gracefully."""

    def __init__(self, bin_dir):
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.servers = []

    def serve(self, program, *arguments, **options):
        """Starts a server on a socket of its own, its last or only address; returns the target."""
        path = self.dir / f"{len(self.servers)}.sock"
        words = [f"unix:{path}" if a is ... else str(a) for a in arguments]
        server = subprocess.Popen([self.bin / program, *words], stdin=subprocess.DEVNULL, **options)
        self.servers.append((program, server))
        end = time.monotonic() + LIMIT_S
        while not can_connect(path):
            expect(server.poll() is None, f"{program} ended with {server.poll()}")
            expect(time.monotonic() < end, f"{program} does not listen")
            time.sleep(0.01)
        return f"unix:{path}"

    def run(self, program, *arguments, **options):
        done = subprocess.run([self.bin / program, *map(str, arguments)], timeout=LIMIT_S, capture_output=True, **options)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def end(self):
        for program, server in reversed(self.servers):
            server.send_signal(signal.SIGTERM)
            try:
                code = server.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                server.kill()
                raise Failed(f"{program} does not drain") from None
            expect(code == 0, f"{program} ended with {code}")

    def clean(self):
        for _, server in self.servers:
            if server.poll() is None:
                server.kill()
                server.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def can_connect(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def check_greeter(stage, target):
    code, out, err = stage.run("a_client", target)
    expect((code, out) == (0, "Hello, Ada!\n"), f"a_client: {code} {out}{err}")
    code, out, err = stage.run("a_client", target, "")
    expect((code, out, err) == (1, "", "INVALID_ARGUMENT: name is empty\n"), f"a_client: {code} {out}{err}")


def write_log(stage):
    log = stage.dir / "log"
    log.write_text("".join(f"{'error' if i % 100 == 0 else 'fine'} {i}\n" for i in range(1, 1001)))
    return log


def check_telemetry(stage, target):
    """All that (c) does, in its three ways."""
    data = os.urandom(300_000)
    file = stage.dir / "upload"
    file.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    errors = [f"error {i}" for i in range(100, 1001, 100)]

    code, out, err = stage.run("c_blocking", target, stdin=file.open("rb"))
    lines = out.splitlines()
    expect(code == 0, f"c_blocking: {code} {out}{err}")
    expect(lines[0].startswith(socket.gethostname()) and lines[0].endswith(" cores"), lines[0])
    expect(sum(line.startswith("load ") for line in lines) == 3, out)
    expect(digest in lines, f"{digest} is not in {out}")
    expect(lines[-10:] == [f"{text.split()[1]}: {text}" for text in errors], out)

    code, out, err = stage.run("c_callbacks", target, file)
    lines = out.splitlines()
    expect(code == 0 and digest in lines and any(line.startswith("CANCELLED") for line in lines), f"{code} {out}{err}")
    expect(sum(line.startswith("load ") for line in lines) == 5, out)
    expect(any(line.endswith(" cores") for line in lines), out)

    foreign = subprocess.Popen([stage.bin / "c_foreign", target], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stop = threading.Timer(LIMIT_S, foreign.kill)
    stop.start()
    foreign.stdin.write(b"error\n")
    out, _ = foreign.communicate()
    stop.cancel()
    lines = out.decode().splitlines()
    expect(foreign.returncode == 0 and lines == [*errors, "OK"], f"c_foreign: {foreign.returncode} {lines}")


def a_greeter(stage):
    check_greeter(stage, stage.serve("a_server", ...))


def certify(folder):
    """ca.pem, server.pem, me.pem and their keys; what stands there already is replaced, file by file."""
    fresh = pathlib.Path(tempfile.mkdtemp())
    subprocess.run([pathlib.Path(__file__).parent / "certificates", fresh], check=True, timeout=LIMIT_S)
    for file in sorted(fresh.iterdir()):
        os.replace(file, folder / file.name)
    fresh.rmdir()


def j_mtls(stage):
    certify(stage.dir)
    target = stage.serve("j_mtls", "server", ..., cwd=stage.dir)
    code, out, err = stage.run("j_mtls", "client", target, cwd=stage.dir)
    expect((code, out) == (0, "Hello, spiffe://example/me\n"), f"j_mtls: {code} {out}{err}")
    code, out, err = stage.run("a_client", target)
    expect(code == 1 and "does it want TLS?" in err, f"a_client in plaintext: {code} {out}{err}")
    (stage.dir / "me.pem").unlink()
    code, out, err = stage.run("j_mtls", "client", target, cwd=stage.dir)
    expect((code, out, err) == (1, "", "UNAVAILABLE: me.pem: No such file or directory\n"), f"no me.pem: {code} {out}{err}")
    certify(stage.dir)  # another CA: the server still knows the old one
    code, out, err = stage.run("j_mtls", "client", target, cwd=stage.dir)
    expect(code == 1 and "unknown authority" in err, f"another CA: {code} {out}{err}")


def j_without_files(stage):
    code, out, err = stage.run("j_mtls", "server", f"unix:{stage.dir}/x", cwd=stage.dir)
    expect(code == 1 and "server.pem: No such file or directory" in err, f"j_mtls: {code} {out}{err}")


def b_loop(stage):
    check_telemetry(stage, stage.serve("b_loop", ..., write_log(stage)))


def b_workers(stage):
    check_telemetry(stage, stage.serve("b_workers", ..., write_log(stage)))


def b_without_log(stage):
    target = stage.serve("b_loop", ..., stage.dir / "nothing")
    code, _, err = stage.run("c_blocking", target, stdin=subprocess.DEVNULL)
    expect(code == 1 and err == "NOT_FOUND: there is no log here\n", f"{code} {err}")


def f_proxy(stage):
    """Whatever the services behind it are, the clients see no difference."""
    check_greeter(stage, stage.serve("f_proxy", stage.serve("a_server", ...), ...))
    check_telemetry(stage, stage.serve("f_proxy", stage.serve("b_workers", ..., write_log(stage)), ...))


def f_proxy_of_nothing(stage):
    code, out, err = stage.run("a_client", stage.serve("f_proxy", f"unix:{stage.dir}/none", ...))
    expect(code == 1 and out == "" and err.startswith("UNAVAILABLE: "), f"{code} {out}{err}")


def i_signal(stage):
    """A call that was accepted before SIGTERM is answered; the next one finds nobody."""
    target = stage.serve("i_signal", ..., stdout=subprocess.PIPE)
    client = subprocess.Popen([stage.bin / "a_client", target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    line = stage.servers[0][1].stdout.readline()  # then the handler takes another half a second
    expect(line == b"greeting Ada\n", line)
    stage.end()
    out, _ = client.communicate(timeout=LIMIT_S)
    expect((client.returncode, out) == (0, b"Good night, Ada\n"), f"{client.returncode} {out}")
    stage.servers.clear()
    code, out, err = stage.run("a_client", target)
    expect(code == 1 and err.startswith("UNAVAILABLE: "), f"{code} {out}{err}")


def address_in_use(stage):
    """One clear line and a code that is not 0."""
    target = stage.serve("a_server", ...)
    code, out, err = stage.run("a_server", target)
    expect(code != 0 and out == "" and len(err.splitlines()) == 1, f"{code} {out}{err}")


def l_channel(stage):
    target = stage.serve("a_server", ...)
    code, out, err = stage.run("l_channel", target)
    expect((code, out) == (0, "Hello, Ada!\n"), f"l_channel: {code} {out}{err}")
    code, out, err = stage.run("l_channel", target, "loop")
    expect(code == 0 and out.splitlines()[-1] == "ready", f"l_channel loop: {code} {out}{err}")
    nothing = f"unix:{stage.dir / 'nothing'}"
    code, out, err = stage.run("l_channel", nothing, 1)
    expect((code, out, err) == (1, "", "no server after 1 s\n"), f"l_channel: {code} {out}{err}")
    code, out, err = stage.run("l_channel", nothing, "loop")
    expect(code == 1 and out.splitlines()[-1] == "transient failure", f"l_channel loop: {code} {out}{err}")


def bad_address(stage):
    code, out, err = stage.run("a_server", "no such address")
    expect(code != 0 and out == "" and len(err.splitlines()) == 1, f"{code} {out}{err}")


TESTS = [a_greeter, b_loop, b_workers, b_without_log, f_proxy, f_proxy_of_nothing, i_signal, j_mtls, j_without_files, l_channel,
         address_in_use, bad_address]


def main():
    bin_dir, names = sys.argv[1], sys.argv[2:]
    failed = 0
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        stage = Stage(bin_dir)
        try:
            test(stage)
            stage.end()
            print(f"ok      {test.__name__}", flush=True)
        except (Failed, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAILED  {test.__name__}: {error}", flush=True)
        finally:
            stage.clean()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
