#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_test.py BIN: `proa bench` as a person uses it, against the echo server of the benchmarks. Counts are asserted and
never times: the machine may be slow."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BIN = os.path.abspath(sys.argv.pop(1))
LIMIT_S = 50
UNARY, DOWNLOAD, UPLOAD, CHAT = (f"/bench.Echo/{name}" for name in ("Unary", "Download", "Upload", "Chat"))


def bench(*arguments):
    return subprocess.run([os.path.join(BIN, "proa"), "bench", *arguments], capture_output=True, timeout=LIMIT_S, text=True,
                          check=False)


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.target = f"unix:{cls.folder.name}/echo"
        cls.server = subprocess.Popen([os.path.join(BIN, "bench_echo_server"), cls.target], stdout=subprocess.PIPE, text=True)
        assert cls.server.stdout.readline().startswith("listening on unix:")

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.communicate(timeout=LIMIT_S)
        cls.folder.cleanup()

    def measure(self, path, *arguments, code=0):
        done = bench("--warmup=0", "--json=-", *arguments, self.target, path)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_unary_calls_are_counted_and_timed(self):
        result = self.measure(UNARY, "--calls=200", "--connections=2", "--streams", "5", "--data=0a03616263")
        self.assertEqual([result[key] for key in ("calls", "calls_failed", "calls_cut", "status.OK")], [200, 0, 0, 200])
        self.assertEqual([result["messages_sent"], result["messages_received"], result["bytes_received"]], [200, 200, 1000])
        self.assertEqual([result["connections"], result["streams"], result["message_bytes"]], [2, 5, 5])
        order = [result[f"latency_ns.{name}"] for name in ("min", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max")]
        self.assertEqual(order, sorted(order))
        self.assertGreater(order[0], 0)
        self.assertEqual(result["shape"], "unary")

    def test_sizes_are_messages_that_protobuf_reads(self):
        for size in (0, 2, 3, 128, 129, 130, 131, 16385, 16386, 16387, 70000):
            result = self.measure(UNARY, "--calls=3", f"--size={size}")
            self.assertEqual((result["message_bytes"], result["status.OK"]), (size, 3))

    def test_a_message_comes_from_a_file(self):
        path = os.path.join(self.folder.name, "message")
        with open(path, "wb") as file:
            file.write(b"\x0a\x04\x00\x01\x02\x03")
        self.assertEqual(self.measure(UNARY, "--calls=1", f"--file={path}")["bytes_received"], 6)

    def test_client_streams(self):
        result = self.measure(UPLOAD, "--shape=client", "--messages=50", "--calls=20", "--size=100", "--streams=3")
        self.assertEqual([result["calls"], result["messages_sent"], result["messages_received"]], [20, 1000, 20])

    def test_server_streams(self):
        result = self.measure(DOWNLOAD, "--shape=server", "--data=081e100a", "--calls=10")  # 30 messages of 10 bytes
        self.assertEqual([result["messages_sent"], result["messages_received"]], [10, 300])
        self.assertEqual(result["bytes_received"], 300 * 12)

    def test_both_stream_with_a_pipeline_or_without(self):
        for pipeline in (1, 8, 0):
            result = self.measure(CHAT, "--shape=bidi", "--messages=40", f"--pipeline={pipeline}", "--calls=5", "--size=10")
            self.assertEqual([result["messages_sent"], result["messages_received"]], [200, 200])
            self.assertEqual("message_latency_ns.p50" in result, pipeline > 0)

    def test_what_never_ends_is_cut_off_at_the_end(self):
        result = self.measure(DOWNLOAD, "--shape=server", "--data=1064", "--duration=0.2")
        self.assertEqual([result["calls"], result["calls_failed"], result["calls_cut"]], [0, 0, 1])
        self.assertGreater(result["messages_received"], 0)
        result = self.measure(CHAT, "--shape=bidi", "--messages=0", "--pipeline=4", "--duration=0.2")
        self.assertGreater(result["messages_received"], 0)

    def test_arrivals_of_an_open_loop(self):
        result = self.measure(UNARY, "--rate=2000", "--calls=100", "--streams=20")
        self.assertEqual([result["calls"], result["arrivals_skipped"]], [100, 0])

    def test_arrivals_without_a_free_stream_are_skipped_and_counted(self):
        result = self.measure(DOWNLOAD, "--shape=server", "--data=1064", "--rate=1000", "--late=0", "--duration=0.3")
        self.assertGreater(result["arrivals_skipped"], 0)
        self.assertEqual(result["calls"], 0)

    def test_warm_up_is_not_counted(self):
        done = bench("--warmup=0.1", "--calls=10", "--streams=4", "--json=-", self.target, UNARY)
        self.assertEqual(json.loads(done.stdout)["calls"], 10)

    def test_calls_that_fail(self):
        done = bench(self.target, "/bench.Echo/Nothing")
        self.assertEqual(done.returncode, 1)
        self.assertIn("UNIMPLEMENTED", done.stderr)
        self.assertIn(self.target, done.stderr)
        result = self.measure("/bench.Echo/Nothing", "--keep-going", "--calls=20", code=1)
        self.assertEqual([result["calls"], result["calls_failed"], result["status.UNIMPLEMENTED"]], [20, 20, 20])

    def test_a_server_that_is_away(self):
        done = bench(f"unix:{self.folder.name}/nobody", UNARY)
        self.assertEqual(done.returncode, 1)
        self.assertIn("UNAVAILABLE", done.stderr)

    def test_a_header_that_cannot_be_sent_fails_calls(self):
        result = self.measure(UNARY, "--header=te:gzip", "--keep-going", "--calls=3", code=1)
        self.assertEqual(result["status.INTERNAL"], 3)
        result = self.measure(UNARY, "--header=x-a:1", "--header=x-b-bin:00ff", "--calls=3")
        self.assertEqual(result["status.OK"], 3)

    def test_more_streams_than_the_server_takes_wait_for_theirs(self):
        result = self.measure(UNARY, "--calls=2000", "--streams=500")
        self.assertEqual(result["status.OK"], 2000)

    def test_a_server_that_goes_and_comes_back(self):
        target = f"unix:{self.folder.name}/again"
        server = subprocess.Popen([os.path.join(BIN, "bench_echo_server"), target], stdout=subprocess.PIPE, text=True)
        server.stdout.readline()
        load = subprocess.Popen([os.path.join(BIN, "proa"), "bench", "--live", "--warmup=0", "--duration=1000", "--json=-",
                                 "--connections=2", "--streams=3", target, UNARY],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        load.stderr.readline()
        server.kill()
        server.communicate()
        server = subprocess.Popen([os.path.join(BIN, "bench_echo_server"), target], stdout=subprocess.PIPE, text=True)
        server.stdout.readline()
        failed = "failed"
        while "failed" in failed or " 0 calls/s" in failed:  # until a second without failures
            failed = load.stderr.readline()
        load.send_signal(signal.SIGINT)
        out, _ = load.communicate(timeout=LIMIT_S)
        server.terminate()
        server.communicate()
        result = json.loads(out)
        self.assertEqual(load.returncode, 1)
        self.assertGreater(result["status.UNAVAILABLE"], 0)
        self.assertGreater(result["status.OK"], 0)

    def test_a_deadline_ends_calls(self):
        result = self.measure(DOWNLOAD, "--shape=server", "--data=1064", "--timeout=0.05", "--keep-going", "--calls=3", code=1)
        self.assertEqual(result["status.DEADLINE_EXCEEDED"], 3)

    def test_seconds_are_said_and_an_interrupt_ends_the_run(self):
        process = subprocess.Popen([os.path.join(BIN, "proa"), "bench", "--live", "--warmup=0", "--duration=1000", self.target,
                                    UNARY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LIMIT_S)
        self.assertIn("calls/s", line)
        self.assertEqual(process.returncode, 0)
        self.assertIn("p99.99", out)

    def test_arguments_that_make_no_sense(self):
        for arguments, said in [((), "target"), (("x",), "path"), (("x", "/a"), "/package.Service/Method"),
                                (("--shape=round", "x", "/a/b"), "--shape=round"), (("--rate=0", "x", "/a/b"), "--rate=0"),
                                (("--calls=x", "x", "/a/b"), "--calls=x"), (("--streams=0", "x", "/a/b"), "--streams=0"),
                                (("--size=1", "x", "/a/b"), "--size=1"), (("--data=abc", "x", "/a/b"), "--data"),
                                (("--size=3", "--data=00", "x", "/a/b"), "--size"), (("--nothing", "x", "/a/b"), "--nothing"),
                                (("x", "/a/b", "--json"), "--json"), (("--tls=1", "x", "/a/b"), "--tls=1"),
                                (("--cert=a", "--tls", "x", "/a/b"), "--cert"), (("--ca=a", "x", "/a/b"), "--ca"),
                                (("--messages=3", "x", "/a/b"), "--messages"),
                                (("--file=/nonexistent", "x", "/a/b"), "/nonexistent"),
                                (("--connections=10000", "--streams=10000", "x", "/a/b"), "--connections"),
                                (("--pipeline=2", "--shape=client", "x", "/a/b"), "--pipeline")]:
            done = bench(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(said, done.stderr)

    def test_a_result_that_cannot_be_written(self):
        done = bench("--warmup=0", "--calls=1", "--json=/nonexistent/file", self.target, UNARY)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/file", done.stderr)

    def test_help(self):
        done = bench("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--rate", done.stdout)


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.cert, self.key = (os.path.join(self.folder.name, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=x", "-addext", "subjectAltName=DNS:bench.test", "-keyout", self.key, "-out", self.cert],
                       check=True, capture_output=True)
        self.target = f"unix:{self.folder.name}/echo"
        self.server = subprocess.Popen([os.path.join(BIN, "bench_echo_server"), self.target, self.cert, self.key],
                                       stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate, timeout=LIMIT_S)
        self.addCleanup(self.server.terminate)
        self.assertTrue(self.server.stdout.readline().startswith("listening on "))

    def bench(self, *arguments):
        return bench("--warmup=0", "--calls=50", "--connections=2", "--json=-", *arguments, self.target, UNARY)

    def test_calls_over_tls(self):
        done = self.bench("--tls", f"--ca={self.cert}", "--server-name=bench.test")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["status.OK"], result["transport"]), (50, "tls"))

    def test_a_server_that_is_not_trusted_gets_no_call(self):
        for arguments, said in [(["--tls", "--server-name=bench.test"], "self-signed"),
                                (["--tls", f"--ca={self.cert}", "--server-name=other.test"], "other.test"),
                                (["--tls", "--ca=/nonexistent"], "/nonexistent"), ([], "closed")]:
            done = self.bench(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(said, done.stderr)


class Compare(unittest.TestCase):
    BASE = {"path": "/a/b", "shape": "unary", "connections": 1, "streams": 10, "message_bytes": 5, "rate": 0.0,
            "calls_per_s": 1000.0, "calls_failed": 0, "latency_ns.p50": 500, "latency_ns.p99": 900, "latency_ns.max": 1000}

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    def compare(self, after, *options, before=None):
        return bench("compare", *options, self.write("before", before or self.BASE), self.write("after", after))

    def test_the_same_is_good(self):
        self.assertEqual(self.compare(self.BASE).returncode, 0)

    def test_what_is_worse_is_named(self):
        for key, value in (("calls_per_s", 900.0), ("latency_ns.p50", 600), ("latency_ns.p99", 1000), ("calls_failed", 1)):
            done = self.compare({**self.BASE, key: value})
            self.assertEqual(done.returncode, 1)
            self.assertEqual([line.split()[0] for line in done.stdout.splitlines() if line.endswith("worse")], [key])

    def test_what_is_better_or_within_the_threshold_is_good(self):
        self.assertEqual(self.compare({**self.BASE, "calls_per_s": 2000.0, "latency_ns.p99": 100}).returncode, 0)
        self.assertEqual(self.compare({**self.BASE, "calls_per_s": 900.0}, "--threshold=11").returncode, 0)
        self.assertEqual(self.compare({**self.BASE, "latency_ns.max": 90000}).returncode, 0)  # shown, not judged

    def test_two_loads_are_not_compared(self):
        done = self.compare({**self.BASE, "streams": 100})
        self.assertEqual(done.returncode, 2)
        self.assertIn("streams is 10 and 100", done.stderr)

    def test_what_is_no_result(self):
        for content in ("", "{}", "[1]", '{"calls_per_s": 1', '{"calls_per_s": {}}', '{"calls_per_s": 1} x', '{"a": 1,}'):
            done = self.compare(content)
            self.assertEqual(done.returncode, 2, content)
            self.assertIn("after", done.stderr)
        self.assertEqual(bench("compare", "/nonexistent", "/nonexistent").returncode, 2)
        self.assertEqual(bench("compare").returncode, 2)
        self.assertEqual(bench("compare", "--threshold=x", "a", "b").returncode, 2)


if __name__ == "__main__":
    unittest.main()
