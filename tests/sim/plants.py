#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plants.py BIN SEEDS: runs the simulation with each planted fault in it; each must be found within so many seeds."""
import re
import subprocess
import sys
from pathlib import Path

import plant

HERE = Path(__file__).parent


def run(program, seeds):
    """The first seed that fails, in order, and what the judge said; None when all went well."""
    result = subprocess.run([program, "--seeds", "1", str(seeds), "--jobs", "1", "--quiet"], capture_output=True, text=True,
                            errors="replace", check=False)
    found = re.search(r"^seed (\d+) failed: (.*)$", result.stderr, re.M)
    if result.returncode and not found:
        sys.exit(f"{program}: {result.stderr}")
    return (int(found[1]), found[2]) if found else None


def main():
    bin_dir, seeds = Path(sys.argv[1]), int(sys.argv[2])
    missed = 0
    plants = sorted(HERE.glob("plants/*.plant"))
    for path in plants:
        _, word, _ = plant.read(path)
        found = run(bin_dir / f"sim_{path.stem}", seeds)
        missed += found is None
        where = f"found at seed {found[0]:4}: {found[1][:80]}" if found else f"NOT FOUND in {seeds} seeds"
        print(f"{path.stem:26} {word:58} {where}", flush=True)
    print(f"{len(plants) - missed} of {len(plants)} planted faults found within {seeds} seeds")
    return missed != 0


if __name__ == "__main__":
    sys.exit(main())
