#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_licence.py [ROOT]: every source, script and build file says `SPDX-License-Identifier: Apache-2.0` in its first
five lines. Exempt: generated code, which is the user's, and golden files, which are what the plugin writes."""
import os
import sys

from tree import open_tree

LINE = "SPDX-License-Identifier: Apache-2.0"
SUFFIXES = (".c", ".h", ".cpp", ".inc", ".py", ".bash", ".sh", ".cmake", ".in", ".proto", "CMakeLists.txt", "Makefile",
            "Doxyfile", ".go")


def is_script(tree, path):
    """A file without suffix that starts with #!: dev, .ci/run, the run of a test folder."""
    if "." in os.path.basename(path):
        return False
    with open(os.path.join(tree.root, path), "rb") as file:
        return file.read(2) == b"#!"


def main():
    tree = open_tree()
    checked = exempt = 0
    for path in tree.files(suffixes=("",)):
        if not path.endswith(SUFFIXES) and not is_script(tree, path):
            continue
        if tree.is_generated(path) or path.startswith("tests/golden/"):
            exempt += 1
            continue
        checked += 1
        if LINE not in "\n".join(tree.text(path)[:2000].splitlines()[:5]):
            tree.find(path, 1, f"no {LINE}")
    return tree.done(f"{checked} files; exempt: {exempt} generated")


if __name__ == "__main__":
    sys.exit(main())
