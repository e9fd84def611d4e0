#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge of ./dev interop is judged: what fails, what passes against known.txt, what is not played, who hangs."""
import os
import signal
import sys
import tempfile
import unittest

INTEROP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop")
sys.path.insert(0, INTEROP)

import heal  # noqa: E402
import running  # noqa: E402
from known import Known  # noqa: E402
from matrix import Column, Matrix  # noqa: E402


def known(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
        file.flush()
        return Known([file.name])


def results(list_, ok, case="a_case"):
    """What one cell becomes, and whether it was played."""
    played = []

    def play(name):
        played.append(name)
        return ok, "said"
    matrix = Matrix([case], list_, jobs=1)
    matrix.play([Column("us", "them", "TLS", ("them",), play)])
    cell, = matrix.cells()
    return cell.result, bool(played)


class Judge(unittest.TestCase):
    def test_a_cell_that_no_list_names_is_what_its_client_says(self):
        self.assertEqual(results(known(""), True), ("passed", True))
        self.assertEqual(results(known(""), False), ("FAILED", True))

    def test_an_unexpected_pass_fails(self):
        entry = "us | them | * | a_case | fails | a reason\n"
        self.assertEqual(results(known(entry), False), ("known", True))
        self.assertEqual(results(known(entry), True), ("FAILED", True))

    def test_what_is_never_played_is_not_played(self):
        self.assertEqual(results(known("us | them | TLS | a_* | never | a reason\n"), False), ("known", False))

    def test_a_line_is_for_its_own_transport(self):
        self.assertEqual(results(known("us | them | plaintext | a_case | fails | a reason\n"), True), ("passed", True))

    def test_a_line_without_a_cell_is_told(self):
        list_ = known("us | them | * | a_case | fails | a reason\nus | them | * | gone | fails | a reason\n")
        results(list_, False)
        self.assertEqual([entry.case for entry in list_.unused()], ["gone"])

    def test_a_line_that_makes_no_sense_is_refused(self):
        for line in ("us | them | * | a_case | maybe | a reason\n", "us | them | a_case | fails\n"):
            with self.assertRaises(ValueError):
                known(line)

    def test_the_committed_lists_are_well_formed(self):
        self.assertGreater(len(Known(["known.txt", "sampled.txt"]).entries), 10)

    def test_each_failure_is_shown_with_what_the_client_said(self):
        matrix = Matrix(["a_case"], known(""), jobs=1)
        matrix.play([Column("us", "them", "TLS", ("them",), lambda case: (False, "no response"))])
        self.assertEqual([cell.said for cell in matrix.failures()], ["no response"])


class Programs(unittest.TestCase):
    def test_a_client_that_hangs_is_ended_and_has_failed(self):
        ok, said = running.play(["sleep", "60"], limit=0.2)
        self.assertFalse(ok)
        self.assertIn("not over", said)

    def test_a_server_that_does_not_start_is_told_with_its_log(self):
        with tempfile.TemporaryDirectory() as folder:
            program = running.Program("it", ["sh", "-c", "echo out of luck; exit 3"], f"{folder}/log", port=running.free_port())
            with self.assertRaisesRegex(running.Failed, "(?s)ended with 3.*out of luck"):
                program.start()

    def test_the_misbehaving_server_fails_when_its_case_was_not_played(self):
        with tempfile.TemporaryDirectory() as folder:
            port = running.free_port()
            command = [sys.executable, f"{INTEROP}/h2_negative_server.py", "max_streams", str(port)]
            with running.Program("it", command, f"{folder}/log", port=port) as server:
                pass
            self.assertEqual(server.exit_code, 1)
            self.assertIn("no call came", running.tail(f"{folder}/log"))

    def test_a_load_that_does_not_answer_as_it_should_has_failed(self):
        with tempfile.TemporaryDirectory() as folder:
            load = heal.Load([sys.executable, "-c", "input(); print('surprise', flush=True); input()"], f"{folder}/log")
            try:
                with self.assertRaisesRegex(running.Failed, "surprise"):
                    load.say("load", "loaded")
            finally:
                load.process.send_signal(signal.SIGTERM)
                load.end()


if __name__ == "__main__":
    unittest.main()
