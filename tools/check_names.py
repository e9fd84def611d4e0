#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_names.py [ROOT]: the stem of a file in src/ is unique in the tree and a single lower-case noun.

A stem names one room: settings.c, settings.h and settings_test.c stand in one folder. main.c is the exception, one for
each program. A table (.inc) belongs to the room that includes it and shares no name space with the rooms.
"""
import os
import re
import sys

from tree import open_tree

STEM = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")


def main():
    tree = open_tree()
    home = {}
    files = tree.files("src", suffixes=(".c", ".h"))
    for path in files:
        folder, name = os.path.split(path)
        stem = re.sub(r"(\.proa)?\.[ch]$", "", name)
        if not STEM.match(stem) and not tree.is_generated(path):
            tree.find(path, 1, f"the stem {stem} is not lower case words")
        if name == "main.c" or tree.is_generated(path):  # generated code is called as its .proto is
            continue
        other = home.setdefault(stem, (folder, path))
        if other[0] != folder:
            tree.find(path, 1, f"the stem {stem} is taken by {other[1]}")
    return tree.done(f"{len(files)} files, {len(home)} stems")


if __name__ == "__main__":
    sys.exit(main())
