#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cli_test.py BIN: the tool `proa` as a person uses it, against a greeter and an interop server on free ports."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

BIN = os.path.abspath(sys.argv.pop(1))
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
LIMIT_S = 30


def run(*arguments, data=b"", trace=None):
    environment = dict(os.environ)
    environment.pop("PROA_TRACE", None)
    if trace:
        environment["PROA_TRACE"] = trace
    return subprocess.run([os.path.join(BIN, "proa"), *arguments], input=data, capture_output=True, timeout=LIMIT_S,
                          env=environment, check=False)


def protoc(way, message, data):
    done = subprocess.run(["protoc", f"--{way}={message}", "-I", f"{ROOT}/examples/greeter", "helloworld.proto"],
                          input=data, capture_output=True, check=True, timeout=LIMIT_S)
    return done.stdout


class Server:
    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([os.path.join(BIN, program), *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)
        self.process.stdout.close()


class Call(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.greeter = f"unix:{cls.folder.name}/greeter"
        cls.server = Server("greeter_server", cls.greeter)
        cls.interop = Server("interop_server", "--port=0")
        line = cls.interop.process.stdout.readline().decode()
        cls.target = re.search(r"127\.0\.0\.1:\d+", line).group(0)
        for _ in range(200):
            if run("call", cls.greeter, "/a/b").stderr.startswith(b"UNIMPLEMENTED"):
                break

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.interop.stop()
        cls.folder.cleanup()

    def test_protoc_gives_the_bytes_a_meaning(self):
        request = protoc("encode", "helloworld.HelloRequest", b'name: "Ada"')
        done = run("call", self.greeter, "/helloworld.Greeter/SayHello", data=request)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(protoc("decode", "helloworld.HelloReply", done.stdout), b'message: "Hello, Ada!"\n')

    def test_another_status_is_said_and_is_exit_code_1(self):
        done = run("call", self.greeter, "/helloworld.Greeter/SayHello")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, b"INVALID_ARGUMENT: name is empty\n")
        self.assertEqual(done.stdout, b"")

    def test_streams_are_framed(self):
        turn = b"\x12\x02\x08\x03"  # response_parameters { size: 3 }
        data = b"".join(struct.pack(">I", len(m)) + m for m in (turn, turn))
        done = run("call", "--framed", self.target, "/grpc.testing.TestService/FullDuplexCall", data=data)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        reply = b"\x0a\x05\x12\x03\0\0\0"  # payload { body: three zeros }
        self.assertEqual(done.stdout, (struct.pack(">I", len(reply)) + reply) * 2)

    def test_a_frame_that_is_cut_is_refused(self):
        done = run("call", "--framed", self.target, "/grpc.testing.TestService/FullDuplexCall", data=b"\0\0\0\x05abc")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"ends inside a message", done.stderr)

    def test_headers_go_out_and_come_back(self):
        done = run("call", "--verbose", "--header=x-grpc-test-echo-initial:here",
                   "--header=x-grpc-test-echo-trailing-bin:abab", self.target, "/grpc.testing.TestService/EmptyCall")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"header x-grpc-test-echo-initial: here\n", done.stderr)
        self.assertIn(b"trailer x-grpc-test-echo-trailing-bin: abab\n", done.stderr)

    def test_a_timeout_is_a_deadline(self):
        sleep = b"\x12\x06\x08\x03\x10\xc0\x84\x3d"  # response_parameters { size: 3, interval_us: 1000000 }
        done = run("call", "--timeout=0.1", self.target, "/grpc.testing.TestService/StreamingOutputCall", data=sleep)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(b"DEADLINE_EXCEEDED"), done.stderr)

    def test_nobody_there_is_unavailable(self):
        done = run("call", f"unix:{self.folder.name}/nobody", "/a/b")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(b"UNAVAILABLE"), done.stderr)

    def test_a_name_without_an_address_is_named(self):
        done = run("call", "nobody.onion:1", "/a/b")  # RFC 7686: a resolver answers this itself, without a network
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(b'UNAVAILABLE: looking up "nobody.onion": '), done.stderr)

    def test_trace_is_one_line_an_event(self):
        done = run("call", self.target, "/grpc.testing.TestService/EmptyCall", trace="h2,rpc,io")
        self.assertEqual(done.returncode, 0)
        for text in (b"h2 > HEADERS", b"h2 < HEADERS", b"connected"):
            self.assertIn(text, done.stderr)


class Arguments(unittest.TestCase):
    def complains(self, text, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(text, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_what_makes_no_sense_is_one_line_and_exit_code_2(self):
        self.complains("no command nonsense", "nonsense")
        self.complains("proa COMMAND")
        self.complains("a target and a path are needed", "call")
        self.complains("a target and a path are needed", "call", "localhost:1")
        self.complains("a path is /package.Service/Method", "call", "localhost:1", "Method")
        self.complains("one argument too many", "call", "localhost:1", "/a/b", "c")
        self.complains("--what: unknown option", "call", "--what", "localhost:1", "/a/b")
        self.complains("a timeout is a number of seconds", "call", "--timeout=-1", "localhost:1", "/a/b")
        self.complains("a header is NAME:VALUE", "call", "--header=x", "localhost:1", "/a/b")
        self.complains("is hex", "call", "--header=x-bin:zz", "localhost:1", "/a/b")

    def test_help_and_version(self):
        for arguments in (["help"], ["--help"], ["call", "--help"], ["version"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(b"proa"))


class Tls(unittest.TestCase):
    """A server without client certificates: what a client does with its own, programs_test.py j_mtls shows."""

    PATH = "/grpc.testing.TestService/EmptyCall"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = {name: f"{cls.folder.name}/{name}" for name in ("ca.pem", "server.pem", "server.key", "keys")}
        subprocess.run([f"{ROOT}/tests/programs/certificates", cls.folder.name], check=True, timeout=LIMIT_S)
        cls.server = Server("interop_server", "--port=0", "--use_tls=true", f"--tls_cert_file={cls.file['server.pem']}",
                            f"--tls_key_file={cls.file['server.key']}")
        line = cls.server.process.stdout.readline().decode()
        cls.target = re.search(r"127\.0\.0\.1:\d+", line).group(0)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def call(self, *options):
        return run("call", *options, self.target, self.PATH)

    def test_the_server_is_checked(self):
        done = self.call("--tls", f"--ca={self.file['ca.pem']}")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = self.call("--tls")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"unknown authority", done.stderr)
        done = self.call("--tls", f"--ca={self.file['ca.pem']}", "--server-name=other.example")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not for other.example: it names \"localhost\"", done.stderr)

    def test_options_of_tls_go_with_tls(self):
        for options, says in (((f"--ca={self.file['ca.pem']}",), b"they go with --tls"),
                              (("--tls", "--plaintext"), b"one of them")):
            done = self.call(*options)
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)

    def test_secrets_go_where_sslkeylogfile_says(self):
        os.environ["SSLKEYLOGFILE"] = self.file["keys"]
        try:
            self.assertEqual(self.call("--tls", f"--ca={self.file['ca.pem']}").returncode, 0)
        finally:
            del os.environ["SSLKEYLOGFILE"]
        with open(self.file["keys"], encoding="ascii") as file:
            self.assertIn("CLIENT_TRAFFIC_SECRET_0 ", file.read())


if __name__ == "__main__":
    unittest.main()
