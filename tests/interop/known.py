# SPDX-License-Identifier: Apache-2.0
"""known.txt: cells that cannot pass, and why; sampled.txt: cells that take long."""
import fnmatch
import os

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("fails", "never", "either")


class Entry:
    def __init__(self, words):
        self.client, self.server, self.transport, self.case, self.kind, self.reason = words
        self.used = False

    def covers(self, client, server, transport, case):
        cell = (client, server, transport, case)
        patterns = (self.client, self.server, self.transport, self.case)
        return all(fnmatch.fnmatchcase(value, pattern) for value, pattern in zip(cell, patterns))


class Known:
    """Entries `client | server | transport | case | kind | reason`; * stands for any. Kinds:

    fails   it is played, and a pass is a failure of the run
    never   it is not played: there is nothing to run, or it would take minutes to say no
    either  it is played, and nobody judges: who is first decides
    """

    def __init__(self, names):
        self.entries = []
        for name in names:
            self.read(name)

    def read(self, name):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                words = [word.strip() for word in line.split("|")]
                if len(words) != 6 or words[4] not in KINDS:
                    raise ValueError(f"{name}:{number}: not `client | server | transport | case | kind | reason`")
                self.entries.append(Entry(words))

    def find(self, *cell):
        for entry in self.entries:
            if entry.covers(*cell):
                entry.used = True
                return entry
        return None

    def unused(self):
        return [entry for entry in self.entries if not entry.used]
