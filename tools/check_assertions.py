#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_assertions.py [ROOT]: in src/, abort and assert stand behind PROA_ASSERT of base/assert.h, in base/assert.c.

So there is one place that ends the process, it prints its rule, and a hook can take it over. Tests use what they like.
"""
import re
import sys

from tree import blank_comments_and_strings, open_tree

FORBIDDEN = re.compile(r"(?<![\w.])(abort|assert|__builtin_trap|__builtin_abort|__builtin_unreachable|_exit|quick_exit)\s*\(")
HEADER = re.compile(r"^\s*#\s*include\s*<assert\.h>")
HOME = {"src/base/assert.h", "src/base/assert.c"}


def main():
    tree = open_tree()
    checked = 0
    for path in tree.files("src", "include"):
        if path in HOME or re.search(r"_(test|testlib)\.c$", path):
            continue
        checked += 1
        for number, line in enumerate(blank_comments_and_strings(tree.text(path)).splitlines(), 1):
            match = FORBIDDEN.search(line)
            if match:
                tree.find(path, number, f"{match.group(1)}(): only PROA_ASSERT of base/assert.h ends the process")
            elif HEADER.match(line):
                tree.find(path, number, "<assert.h>: use PROA_ASSERT of base/assert.h")
    return tree.done(f"{checked} files")


if __name__ == "__main__":
    sys.exit(main())
