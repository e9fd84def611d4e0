#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_lengths.py [ROOT]: a function of more than 70 lines or a file of more than 800 wants another shape,
and a line of more than 132 columns is cut (120 is the habit; the rest is for a comment at the end of a table's row).

Exempt: generated files (.proa.c and .proa.h with the banner) and pure tables (.inc). It says how many those are.
A function is counted from the line of its opening brace to that of its closing one, both included.
"""
import re
import sys

from tree import blank_comments_and_strings, open_tree

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
COLUMNS_MAX = 132
FUNCTION_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")


def without_preprocessor(lines):
    """The lines, those of directives and their continuations blanked: their braces need not balance."""
    inside = False
    for line in lines:
        directive = inside or line.lstrip().startswith("#")
        inside = directive and line.endswith("\\")
        yield "" if directive else line


def functions(text):
    """(line, name, lines) of each function: a block at depth 0 whose header ends in `)` and assigns nothing."""
    depth, header, start = 0, "", None
    for number, line in enumerate(without_preprocessor(blank_comments_and_strings(text).splitlines()), 1):
        for char in line + "\n":
            if char == "{":
                if depth == 0 and header.rstrip().endswith(")") and "=" not in header:
                    match = FUNCTION_NAME.search(header)
                    start, name = number, match.group(1) if match else "?"
                depth += 1
            elif char == "}":
                depth = max(0, depth - 1)
                if depth == 0 and start is not None:
                    yield start, name, number - start + 1
                    start = None
                header = "" if depth == 0 else header
            elif depth == 0:
                header = "" if char == ";" else header + char


def main():
    tree = open_tree()
    exempt = {"generated": 0, "tables": len(tree.files(suffixes=(".inc",)))}
    counted = 0
    for path in tree.files(suffixes=(".c", ".h", ".cpp", ".py", ".bash")):
        if tree.is_generated(path):
            exempt["generated"] += 1
            continue
        text = tree.text(path)
        length = len(text.splitlines())
        if length > FILE_LINES_MAX:
            tree.find(path, FILE_LINES_MAX + 1, f"the file has {length} lines, at most {FILE_LINES_MAX}")
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > COLUMNS_MAX:
                tree.find(path, number, f"the line has {len(line)} columns, at most {COLUMNS_MAX}")
        if path.endswith((".py", ".bash")):
            continue
        for line, name, lines in functions(text):
            counted += 1
            if lines > FUNCTION_LINES_MAX:
                tree.find(path, line, f"{name} has {lines} lines, at most {FUNCTION_LINES_MAX}")
    what = f"{counted} functions; exempt: {exempt['generated']} generated files, {exempt['tables']} tables (.inc)"
    return tree.done(what)


if __name__ == "__main__":
    sys.exit(main())
