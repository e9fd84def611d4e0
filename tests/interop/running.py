# SPDX-License-Identifier: Apache-2.0
"""Programs that run beside a test: each is started with a port, waited for, and ended by its pid. Certificates for a run."""
import os
import signal
import socket
import subprocess
import time

LISTEN_S = 30  # a machine with two busy cores starts a JVM in 5
END_S = 10
CASE_S = 90


class Failed(Exception):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tail(path, lines=8):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


class Program:
    """A server in the background. `with Program(...)` ends it; `exit_code` is known then."""

    def __init__(self, name, command, log, environment=None, port=None):
        self.name, self.command, self.log, self.environment, self.port = name, command, log, environment, port
        self.process, self.exit_code = None, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)
        if self.port:
            try:
                self.wait_for_port()
            except Failed:
                self.end()
                raise

    def wait_for_port(self):
        """An empty connection is the probe: one that writes would be an error of protocol."""
        limit = time.monotonic() + LISTEN_S
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log)}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"{self.name} does not listen on {self.port}:\n{tail(self.log)}")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def end(self, how=signal.SIGTERM):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.exit_code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.exit_code = self.process.wait()


def play(command, environment=None, limit=CASE_S):
    """Runs one client: (whether it exited with 0, the end of what it said)."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment) as process:
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            return False, said.decode(errors="replace")[-600:] + f"\nnot over after {limit} s"
    return process.returncode == 0, said.decode(errors="replace")[-600:]


def certificates(folder):
    """ca.pem, server1.pem and server1.key, for the names that all interoperability tests use. Made new for each run."""
    os.makedirs(folder, exist_ok=True)
    names = "DNS:*.test.google.fr,DNS:waterzooi.test.google.be,DNS:localhost,IP:127.0.0.1"
    with open(f"{folder}/extensions", "w", encoding="utf-8") as file:
        file.write(f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n")
    key = ["-newkey", "rsa:2048", "-nodes"]
    for command in (
            ["req", "-x509", *key, "-days", "7", "-subj", "/CN=proa interop CA", "-keyout", f"{folder}/ca.key",
             "-out", f"{folder}/ca.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
            ["req", *key, "-subj", "/CN=*.test.google.fr", "-keyout", f"{folder}/server1.key", "-out", f"{folder}/server1.csr"],
            ["x509", "-req", "-days", "7", "-in", f"{folder}/server1.csr", "-CA", f"{folder}/ca.pem", "-CAkey",
             f"{folder}/ca.key", "-set_serial", "1", "-extfile", f"{folder}/extensions", "-out", f"{folder}/server1.pem"]):
        done = subprocess.run(["openssl", *command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise Failed(f"openssl {command[0]}: {done.stderr.decode(errors='replace')[-400:]}")
    return folder
