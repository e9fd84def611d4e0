#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_ranks.py [ROOT]: every #include of src/ goes strictly down the ladder of tools/ranks.txt.

- a folder includes itself and folders of lower ranks; siblings never include each other
- a folder of src/ that has no rank is refused, so that a drawer (util, common, misc) cannot appear
- include/proa/ includes nothing of src/; the examples include nothing but public headers and their own
- protoc-gen-proa stands on base and pb alone, io and rpc on base and what tools/ranks.txt puts below
"""
import os
import re
import sys

from tree import open_tree, ranks

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# What is narrower than the ladder: these folders may include no others.
ONLY = {"plugin": {"base", "pb"}, "io": {"base"}, "pb": {"base"}, "hpack": {"base"}, "h2": {"base", "hpack"}}
DRAWERS = {"util", "utils", "common", "misc", "helper", "helpers", "core", "lib", "shared", "internal", "tools"}


def includes(tree, path):
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def check_source(tree, rank, path):
    folder = path.split("/")[1]
    for number, name in includes(tree, path):
        other = name.split("/")[0] if "/" in name else folder
        if other in ("proa", folder):
            continue
        if other not in rank:
            if os.path.isdir(os.path.join(tree.root, "src", other)):
                tree.find(path, number, f"includes {name}: src/{other} has no rank in tools/ranks.txt")
            elif not name.endswith(".proa.h"):
                tree.find(path, number, f"includes {name}: neither a folder of src/ nor proa/")
        elif rank[other] == rank[folder]:
            tree.find(path, number, f"includes {name}: {folder} and {other} are siblings (rank {rank[folder]})")
        elif rank[other] > rank[folder]:
            tree.find(path, number, f"includes {name}: {other} (rank {rank[other]}) is above {folder} ({rank[folder]})")
        elif folder in ONLY and other not in ONLY[folder]:
            tree.find(path, number, f"includes {name}: {folder} stands on {', '.join(sorted(ONLY[folder]))} alone")


def check_outside(tree, rank, path, what):
    for number, name in includes(tree, path):
        if name.split("/")[0] in rank and "/" in name:
            tree.find(path, number, f"includes {name}: {what}")


def main():
    tree = open_tree()
    rank = ranks(tree)
    source = os.path.join(tree.root, "src")
    for folder in sorted(os.listdir(source)):
        if os.path.isdir(os.path.join(source, folder)) and folder not in rank:
            why = "a drawer, not a room" if folder in DRAWERS else "it has no rank in tools/ranks.txt"
            tree.find(f"src/{folder}", 1, f"folder refused: {why}")
    files = tree.files("src", suffixes=(".c", ".h", ".inc"))
    for path in files:
        if path.count("/") == 1:
            tree.find(path, 1, "stands in src/ itself: every file belongs to a folder with a rank")
        elif path.split("/")[1] in rank:
            check_source(tree, rank, path)
    public = tree.files("include")
    for path in public:
        check_outside(tree, rank, path, "a public header includes nothing of src/")
    examples = tree.files("examples")
    for path in examples:
        check_outside(tree, rank, path, "an example uses the public headers alone")
    return tree.done(f"{len(files) + len(public) + len(examples)} files")


if __name__ == "__main__":
    sys.exit(main())
