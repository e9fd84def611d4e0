#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exported_test.py INCLUDE_DIR LIBRARY: each function and table that a public header declares with PROA_API is in the
library, and the library has no other."""
import pathlib
import re
import subprocess
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#.*(?:\\\n.*)*", re.M)
DECLARATION = re.compile(r"\bPROA_API\b([^;{]*?)\b(proa_\w+)\s*(?:\(|;)", re.S)


def main():
    include, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    declared = set()
    for header in sorted(include.glob("proa/*.h")):
        text = DIRECTIVE.sub("", COMMENT.sub("", header.read_text()))
        declared |= {match.group(2) for match in DECLARATION.finditer(text)}
    table = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], capture_output=True, text=True,
                           check=True).stdout
    defined = {line.split()[0].split("@")[0] for line in table.splitlines()}
    for name in sorted(declared - defined):
        print(f"{name} is declared and not in the library")
    for name in sorted(defined - declared):
        print(f"{name} is in the library and not declared")
    print(f"exported_test.py: {len(declared)} declared, {len(defined)} defined")
    return 1 if declared != defined or not declared else 0


if __name__ == "__main__":
    sys.exit(main())
