#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_faces.py [ROOT]: outside a folder of src/, nothing of it is included but its face, src/x/x.h.

base is the exception: it is a set of small rooms, each usable alone, and base/base.h is only all of them at once. So
base/<room>.h may be included by everybody. A fuzz target is a test of one folder's rooms and belongs to the folder that
its name begins with: tests/fuzz/rpc_metadata_fuzz.c to rpc. A test of tests/ may include tables (.inc): they are data.
A face opens with at most 12 lines of comment that say what the folder is.
"""
import os
import re
import sys

from tree import open_tree, ranks

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+)/([^"]+)"')
COMMENT_LINES_MAX = 12


def check_includes(tree, rank, path):
    folder = path.split("/")[1] if path.startswith("src/") else None
    if path.startswith("tests/fuzz/"):
        folder = os.path.basename(path).split("_")[0]
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if not match or match.group(1) not in rank:
            continue
        other, header = match.groups()
        if path.startswith("tests/") and header.endswith(".inc"):
            continue
        if other not in (folder, "base") and header != f"{other}.h":
            tree.find(path, number, f"includes {other}/{header}: outside {other} only its face {other}/{other}.h may be")


def check_face(tree, folder):
    path = f"src/{folder}/{folder}.h"
    if not os.path.exists(os.path.join(tree.root, path)):
        if folder not in ("cli", "plugin") and tree.files(f"src/{folder}"):
            tree.find(f"src/{folder}", 1, f"has no face header {folder}.h")
        return
    text = tree.text(path)
    match = re.match(r"/\*.*?SPDX.*?\*/\s*(/\*.*?\*/)", text, re.S)
    if not match:
        tree.find(path, 2, "the face does not open with a comment: what it is, what it owns, what it never does")
    elif match.group(1).count("\n") >= COMMENT_LINES_MAX:
        tree.find(path, 2, f"the comment of the face has {match.group(1).count(chr(10)) + 1} lines, at most {COMMENT_LINES_MAX}")


def main():
    tree = open_tree()
    rank = ranks(tree)
    files = tree.files("src", "tests", "examples", suffixes=(".c", ".h", ".cpp", ".inc"))
    for path in files:
        if not path.startswith("tests/checks/"):
            check_includes(tree, rank, path)
    for folder in sorted(rank):
        if os.path.isdir(os.path.join(tree.root, "src", folder)):
            check_face(tree, folder)
    return tree.done(f"{len(files)} files")


if __name__ == "__main__":
    sys.exit(main())
