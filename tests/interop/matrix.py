# SPDX-License-Identifier: Apache-2.0
"""Cells, played by a few threads, and the tables that show them."""
import concurrent.futures
import os

LABEL, WIDTH = 36, 8


class Cell:
    """One case from one client to one server: passed, FAILED, or known with an entry of known.txt."""

    def __init__(self, column, case, entry):
        self.column, self.case, self.entry = column, case, entry
        self.result, self.said = None, ""

    def play(self):
        if self.entry and self.entry.kind == "never":
            self.result = "known"
            return
        ok, self.said = self.column.play(self.case)
        if not self.entry:
            self.result = "passed" if ok else "FAILED"
        elif self.entry.kind == "either":
            self.result = "known"
        else:
            self.result = "FAILED" if ok else "known"
            if ok:
                self.said = f"it passes, and known.txt says that it cannot: {self.entry.reason}"


class Column:
    """A way from a client to a server. play(case) says whether it passed, and what the client said."""

    def __init__(self, client, server, transport, title, play):
        self.client, self.server, self.transport, self.title, self.play = client, server, transport, title, play
        self.cells = {}

    def name(self):
        return f"{self.client} -> {self.server}, {self.transport}"


class Matrix:
    def __init__(self, cases, known, jobs=None):
        self.cases, self.known, self.jobs = cases, known, jobs or len(os.sched_getaffinity(0))
        self.columns = []

    def play(self, columns, cases=None):
        """All cells of these columns, a few at a time; they are part of the matrix from now on."""
        cells = []
        for column in columns:
            for case in cases or self.cases:
                entry = self.known.find(column.client, column.server, column.transport, case)
                column.cells[case] = Cell(column, case, entry)
                cells.append(column.cells[case])
        self.columns += columns
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as threads:
            list(threads.map(Cell.play, cells))

    def cells(self):
        return [cell for column in self.columns for cell in column.cells.values()]

    def count(self, result):
        return sum(cell.result == result for cell in self.cells())

    def show(self, title, transport, lacking, notes):
        """One table: a row a case, a column a direction. notes collects the reasons that the numbers stand for."""
        columns = [column for column in self.columns if column.transport == transport]
        if not columns:
            return
        heads = [column.title for column in columns]
        depth = max(len(head) for head in heads)
        print()
        for line in range(depth):
            label = title if line == 0 else ""
            print(f"{label:<{LABEL}}" + "".join(f"{head[line] if line < len(head) else '':<{WIDTH}}" for head in heads).rstrip())
        for case in self.cases:
            marks = "".join(f"{self.mark(column.cells.get(case), notes):<{WIDTH}}" for column in columns)
            print(f"{case:<{LABEL}}{marks}".rstrip())
        for name, reason in lacking.items():
            print(f"{name:<{LABEL}}not run: {reason}")

    @staticmethod
    def mark(cell, notes):
        if cell is None:
            return ""
        if cell.result != "known":
            return "pass" if cell.result == "passed" else "FAIL"
        reason = cell.entry.reason
        if reason not in notes:
            notes.append(reason)
        return f"({notes.index(reason) + 1})"

    def failures(self):
        return [cell for cell in self.cells() if cell.result == "FAILED"]
