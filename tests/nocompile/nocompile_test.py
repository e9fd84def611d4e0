#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nocompile_test.py [-I DIR]... [FILE...]: programs that must not compile, do not, at the line that says so.

The line ends in `// expect-error: A | B`: each compiler (gcc, and clang where there is one) has an error there whose
text holds A or B, and none on any other line. With GOOD defined the same file compiles: nothing else is wrong with it.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

FLAGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-D_DEFAULT_SOURCE", "-fno-diagnostics-color", "-c",
         "-o", "/dev/null"]
EXPECT = re.compile(r"//\s*expect-error:\s*(.+?)\s*$")
QUOTES = str.maketrans("‘’", "''")


def compile_errors(compiler, file, includes, *defines):
    """The errors in file as {line: [text]}, and those elsewhere as a list; None, [] if it compiles."""
    # gcc names the line of a macro's text unless it is told to name that of its use; clang names the use.
    own = ["-ftrack-macro-expansion=0"] if compiler == "gcc" else []
    words = [compiler, *FLAGS, *own, *(f"-I{path}" for path in includes), *defines, str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None, []
    here, elsewhere = {}, []
    for match in re.finditer(r"^(.+?):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", done.stderr, re.M):
        path, line, text = match.groups()
        if pathlib.Path(path).resolve() == file.resolve():
            here.setdefault(int(line), []).append(text.translate(QUOTES))
        else:
            elsewhere.append(match.group(0))
    return here, elsewhere or ([] if here else [done.stderr.strip()])


def check(compiler, file, includes):
    """What is wrong with one program, a text a finding."""
    lines = file.read_text().splitlines()
    expected = {n: m.group(1) for n, line in enumerate(lines, 1) if (m := EXPECT.search(line))}
    if len(expected) != 1:
        return [f"one line says expect-error, not {len(expected)}"]
    (line, wanted), = expected.items()
    here, elsewhere = compile_errors(compiler, file, includes, "-DGOOD")
    if here is not None:
        return [f"does not compile with GOOD: {here} {elsewhere}"]
    here, elsewhere = compile_errors(compiler, file, includes)
    if here is None:
        return [f"{line}: compiles, and must not"]
    findings = [f"an error elsewhere: {text}" for text in elsewhere]
    findings += [f"{n}: an error that was not expected: {texts}" for n, texts in here.items() if n != line]
    if not any(part in text for text in here.get(line, []) for part in map(str.strip, wanted.split("|"))):
        findings.append(f"{line}: no error with '{wanted}' but {here.get(line)}")
    return findings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-I", dest="includes", action="append", default=[])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    files = arguments.files or sorted(pathlib.Path(__file__).parent.glob("*.c"))
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    if not compilers or not files:
        print("nocompile_test.py: no compiler or no program")
        return 2
    findings = 0
    for file in files:
        for compiler in compilers:
            for text in check(compiler, file, arguments.includes):
                findings += 1
                print(f"{file.name}: {compiler}: {text}")
    print(f"nocompile_test.py: {len(files)} programs, {', '.join(compilers)}, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
