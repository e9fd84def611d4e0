#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plant_test.py ROOT: every plant applies to the sources as they are, and one that does not is refused."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
ROOT = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else HERE.parent.parent


def put(plant):
    """Runs plant.py; returns its code and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, HERE / "plant.py", plant, ROOT, Path(folder, "out.c")], capture_output=True,
                              text=True, check=False)
    return done.returncode, done.stderr


class Plants(unittest.TestCase):
    def test_all_apply(self):
        plants = sorted(HERE.glob("plants/*.plant"))
        self.assertGreaterEqual(len(plants), 12)
        for plant in plants:
            with self.subTest(plant.stem):
                self.assertEqual(put(plant), (0, ""))

    def test_one_whose_lines_are_gone_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            plant = Path(folder, "gone.plant")
            plant.write_text("file: src/h2/flow.c\nword: x\n<<<\nno such line\n===\nother\n>>>\n", encoding="utf-8")
            code, said = put(plant)
            self.assertNotEqual(code, 0)
            self.assertIn("does not apply any more", said)
            plant.write_text("file: src/h2/flow.c\n", encoding="utf-8")
            self.assertNotEqual(put(plant)[0], 0)


if __name__ == "__main__":
    unittest.main()
