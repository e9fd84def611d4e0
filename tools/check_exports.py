#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_exports.py LIBRARY...: a library of ours defines no global symbol but proa_*.

A shared library is asked for its dynamic symbols, a static one for its global symbols: in both a name of src/ that
leaks could clash with a name of the program.
"""
import subprocess
import sys


def leaks(path):
    shared = ".so" in path.rsplit("/", 1)[-1]
    command = ["nm", "--defined-only", "-D" if shared else "-g", path]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = [line.split()[2] for line in out.splitlines() if len(line.split()) == 3]
    return len(names), sorted(n for n in names if not n.startswith("proa_"))


def main(paths):
    failed = False
    for path in paths:
        count, bad = leaks(path)
        for name in bad:
            print(f"{path}: exports {name}, which is not proa_*")
        failed |= bool(bad)
        print(f"{path}: {count} symbols, {len(bad)} not proa_*")
    return failed or not paths


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
