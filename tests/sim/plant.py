#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plant.py PLANT ROOT OUT: writes a copy of the plant's source with its fault in it, or says why it does not apply."""
import re
import sys
from pathlib import Path


def read(path):
    """Returns the file that is changed, the word for it, and the pairs of old and new text."""
    text = Path(path).read_text(encoding="utf-8")
    head, _, body = text.partition("<<<\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    pairs = re.findall(r"^<<<\n(.*?)^===\n(.*?)^>>>\n", "<<<\n" + body, re.S | re.M)
    if not pairs or "file" not in fields or "word" not in fields:
        sys.exit(f"{path}: a plant has file:, word: and at least one pair")
    return fields["file"], fields["word"], pairs


def main():
    plant, root, out = sys.argv[1:]
    name, _, pairs = read(plant)
    text = Path(root, name).read_text(encoding="utf-8")
    for old, new in pairs:
        count = text.count(old)
        if count != 1:
            sys.exit(f"{plant}: does not apply any more: the old lines stand {count} times in {name}:\n{old}")
        text = text.replace(old, new)
    Path(out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
