#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contract.py SOURCE TARGET [FROM=TO...]: a .proto file without what only other generators read.

Custom options (gogoproto, google.api.http, openapiv2 ...) say nothing about the wire, but a file that has them cannot be
compiled without the files that define them. So they go, and with them each import that nothing but they needed. FROM=TO
renames imports by their beginning, where a package moved its files.
"""
import re
import sys

OPTIONS_ONLY = re.compile(r"gogoproto/|google/api/|protoc-gen-openapiv2/|protoc-gen-swagger/|.*/?versionpb/")
NEWER = ("debug_redact",)  # options of descriptor.proto that the protoc of Debian 12 does not know
# Comments and strings are left alone; whatever stands between them is code.
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\w+|\s+|.", re.S)


def statement_end(tokens, at, stop=";"):
    """The index behind the first of `stop` that stands in no braces, brackets or parentheses."""
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if depth == 0 and token in stop:
            return at
        depth += (token in "{[(") - (token in "}])")
    raise SystemExit("contract.py: an option that does not end")


def skip_space(tokens, at):
    while at < len(tokens) and (tokens[at].isspace() or tokens[at].startswith(("//", "/*"))):
        at += 1
    return at


def plain_field_options(tokens):
    """Of the tokens between [ and ], those of the options that every protoc knows."""
    kept, at = [], 0
    while at < len(tokens):
        try:
            end = statement_end(tokens, at, ",")
        except SystemExit:
            end = len(tokens) + 1
        option = "".join(tokens[at:end - 1]).strip()
        if option and not option.startswith(("(", *NEWER)):
            kept.append(option)
        at = end
    return ", ".join(kept)


def strip(text, renames=()):
    tokens, out, at = TOKEN.findall(text), [], 0
    while at < len(tokens):
        token, following = tokens[at], skip_space(tokens, at + 1)
        if token == "option" and tokens[following] == "(":
            at = statement_end(tokens, at)
        elif token == "import" and tokens[following][0] in "\"'":
            path = tokens[following][1:-1]
            end = statement_end(tokens, at)
            if not OPTIONS_ONLY.match(path):
                for old, new in renames:
                    path = new + path[len(old):] if path.startswith(old) else path
                out.append(f'import "{path}";')
            at = end
        elif token == "[":
            end = statement_end(tokens, at + 1, "]")
            plain = plain_field_options(tokens[at + 1:end - 1])
            out.append(f"[{plain}]" if plain else "")
            at = end
        else:
            out.append(token)
            at += 1
    # What is left of a line that held an option alone is nothing.
    return re.sub(r"\n[ \t]*(?=\n[ \t]*\n)", "", re.sub(r"[ \t]+(?=\n)", "", "".join(out)))


def main(source, target, *renames):
    with open(source, encoding="utf-8") as file:
        text = strip(file.read(), [rename.split("=", 1) for rename in renames])
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
