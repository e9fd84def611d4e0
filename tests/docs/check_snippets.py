#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_snippets.py [--write] [ROOT]: code that the documents show is code of this tree, word for word.

In README.md, ARCHITECTURE.md and docs/, a block of C, C++, proto, CMake or shell code stands under a line that says
where it comes from:

    <!-- tests/programs/b_loop.c -->              the whole file, without its licence line
    <!-- tests/programs/b_loop.c watch upload --> these functions and tables of it, in this order;
                                                 struct-upload is the struct of that name
    <!-- not in a file -->                        nothing to compare

--write puts the code of today into the blocks. Files that are named in backquotes (`h2/flow.c`, `docs/guide`) exist, in the
tree, in src/ or in include/.
"""
import pathlib
import re
import sys

SOURCE = re.compile(r"^<!-- (\S+\.\S+)((?: [\w-]+)*) -->$")
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
LANGUAGES = {"c", "cpp", "proto", "cmake", "sh"}


class Missing(Exception):
    pass


def part(lines, name):
    """The definition of name: from the line at column 0 that has it, with the comment above, to its end."""
    struct = name.removeprefix("struct-")
    start = re.compile(rf"^struct {struct} \{{" if struct != name else rf"^[a-z].*\b{name}(\(| = )")
    for first, line in enumerate(lines):
        if not start.match(line) or re.match(r".*\);$", line):
            continue
        last = first
        while not re.match(r"^[^ \t/{].*;$|^\}", lines[last]):
            last += 1
            if last == len(lines):
                raise Missing(f"{name} does not end")
        while first and re.match(r"^(/\*| \*)", lines[first - 1]):
            first -= 1
        return lines[first:last + 1]
    raise Missing(f"there is no {name}")


def snippet(path, names):
    lines = path.read_text().splitlines()
    if not names:
        lines = [line for line in lines if "SPDX-License-Identifier" not in line]
        return lines[1:] if lines and not lines[0] else lines
    out = []
    for name in names:
        out += ([""] if out else []) + part(lines, name)
    return out


def missing_files(root, document, lines):
    places = (root, root / "src", root / "include", document.parent)
    return [f"{document}:{n}: there is no {name}" for n, line in enumerate(lines, 1) for name in NAMED.findall(line)
            if not name.startswith(("build/", "x/")) and not any((place / name).exists() for place in places)]


def check(root, document, write):
    """Findings of one document."""
    lines = document.read_text().splitlines()
    findings, out, source, n = missing_files(root, document, lines), [], None, 0
    while n < len(lines):
        line = lines[n]
        out.append(line)
        n += 1
        if line.startswith("<!-- "):
            source = line
            continue
        if not line.startswith("```") or line == "```":
            source = None if line.strip() else source
            continue
        end = lines.index("```", n)
        block, number, n = lines[n:end], n, end
        wanted = block
        match = SOURCE.match(source) if source else None
        if match:
            try:
                wanted = snippet(root / match.group(1), match.group(2).split())
            except (Missing, OSError) as error:
                findings.append(f"{document}:{number}: {match.group(1)}: {error}")
        elif source != "<!-- not in a file -->" and line[3:] in LANGUAGES:
            findings.append(f"{document}:{number}: code that does not say where it comes from")
        if wanted != block and not write:
            findings.append(f"{document}:{number}: is not what {match.group(1)} says: --write")
        out += wanted + ["```"]
        n, source = end + 1, None
    if write and out != lines:
        document.write_text("\n".join(out) + "\n")
    return findings


def main():
    words = sys.argv[1:]
    write = "--write" in words
    words = [word for word in words if word != "--write"]
    root = pathlib.Path(words[0] if words else __file__).resolve()
    root = root if words else root.parent.parent.parent
    documents = [path for path in (root / "README.md", root / "ARCHITECTURE.md") if path.exists()]
    documents += sorted((root / "docs").rglob("*.md"))
    findings = [text for document in documents for text in check(root, document, write)]
    for text in findings:
        print(text)
    print(f"check_snippets.py: {len(documents)} documents, {len(findings)} findings")
    return 1 if findings or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
