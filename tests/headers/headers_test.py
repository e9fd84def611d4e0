#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""headers_test.py INCLUDE_DIR...: each public header compiles alone and twice, as C11 and as C++17, with every compiler
that is here, with -Wpedantic and without warnings. Further folders hold generated headers, which must do the same."""
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
COMPILERS = {"gcc": ["-xc", "-std=c11"], "clang": ["-xc", "-std=c11"],
             "g++": ["-xc++", "-std=c++17"], "clang++": ["-xc++", "-std=c++17"]}


def main():
    roots = [pathlib.Path(name) for name in sys.argv[1:]]
    names = [path.relative_to(root) for root in roots for path in sorted(root.rglob("*.h"))]
    compilers = {name: flags for name, flags in COMPILERS.items() if shutil.which(name)}
    failed = 0
    for name in names:
        source = f'#include "{name}"\n#include "{name}"\n'
        for compiler, flags in compilers.items():
            words = [compiler, *flags, *WARNINGS, *(f"-I{root}" for root in roots), "-"]
            done = subprocess.run(words, input=source, capture_output=True, text=True, check=False)
            if done.returncode:
                failed += 1
                print(f"{name}: {compiler}\n{done.stderr}")
    print(f"headers_test.py: {len(names)} headers, {', '.join(compilers)}, {failed} failed")
    return 1 if failed or not names or not compilers else 0


if __name__ == "__main__":
    sys.exit(main())
