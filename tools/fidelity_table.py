#!/usr/bin/env python3
"""Replay the recorded exchanges with real shops against a fresh fake store and put the result into `fake_shopify/FIDELITY.md`.

The recordings and the program that compares lie beside the project, in `../shared/data`, and are never copied in. The table stands
between two markers in the file; what is around it is written by hand, save for the grounds, which are written along with it (see
`tools.fidelity_grounds`).

Usage: python -m tools.fidelity_table [--print]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tools import fidelity_grounds

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"
FIDELITY = PROJECT_ROOT / "fake_shopify" / "FIDELITY.md"
BEGIN, END = "<!-- cases by area: begin -->", "<!-- cases by area: end -->"
REASONS = "### Cases that do not pass, and why"
CASE_ROW = r"^\| ([a-z_]+-\d+[^|]*) \| [^|\s][^|]* \|$"
READY_S = 60
REPLAY_S = 600
POLL_S = 1
"""How long a case waits for what takes time; the fake's bulk operations are done by then or never."""


@dataclass(frozen=True, slots=True)
class Result:
    """How the cases of one area fared; a case that needs what an empty store cannot have is skipped."""

    passed: int
    failed: int
    skipped: int

    @property
    def share(self) -> float:
        """The part of the cases that were replayed and passed, 0 to 1."""
        replayed = self.passed + self.failed
        return self.passed / replayed if replayed else 1.0


@contextmanager
def empty_store() -> Iterator[str]:
    """Run an empty fake store on a free port; gives its origin."""
    command = [sys.executable, "-m", "fake_shopify", "--port", "0", "--empty"]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.terminate()
            process.wait(READY_S)


@dataclass(frozen=True, slots=True)
class Case:
    """How one case fared: PASS, FAIL or SKIP."""

    name: str
    area: str
    outcome: str


def replay(base_url: str, areas: Sequence[str] = ()) -> list[Case]:
    """Replay the closed cases of some areas (or of all) on a running empty store, which is reset before each."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        options = {"--cases": SHARED_DATA / "open_cases.jsonl.gz", "--base-url": base_url, "--reset-url": "/__fake/reset"}
        options |= {"--seed": 1, "--poll-timeout": POLL_S, "--json": report}
        command = [sys.executable, SHARED_DATA / "compare.py", "--quiet", *chain.from_iterable(options.items())]
        command += chain.from_iterable(("--area", area) for area in areas)
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=REPLAY_S, check=False)
        if not report.is_file():
            raise RuntimeError(f"compare.py did not finish: {done.stderr[-2000:]}")
        return [Case(row["id"], row["area"], row["result"]) for row in json.loads(report.read_text("utf-8"))["cases"]]


def by_area(cases: Iterable[Case]) -> dict[str, Result]:
    """Count the outcomes of each area."""
    counts = Counter((case.area, case.outcome) for case in cases)
    areas = sorted({area for area, _ in counts})
    return {area: Result(*(counts[area, outcome] for outcome in ("PASS", "FAIL", "SKIP"))) for area in areas}


def written(results: Mapping[str, Result]) -> str:
    """Write the table in Markdown."""
    total = Result(*(sum(getattr(row, name) for row in results.values()) for name in ("passed", "failed", "skipped")))
    lines = ["| area | pass | fail | skip | share |", "|---|---:|---:|---:|---:|"]
    for area, row in [*results.items(), ("**total**", total)]:
        lines.append(f"| {area} | {row.passed} | {row.failed} | {row.skipped} | {row.share:.0%} |")
    return "\n".join(lines)


def read_table(text: str) -> dict[str, Result]:
    """Read the table that stands in FIDELITY.md."""
    _, table, _ = _parts(text)
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: Result(*map(int, row[1:4])) for row in rows if row[1].isdigit()}


def explained(text: str) -> set[str]:
    """Return the cases that FIDELITY.md says do not pass, each with a reason beside it."""
    _, _, below = text.partition(REASONS)
    rows = re.findall(CASE_ROW, below.partition("\n## ")[0], re.MULTILINE)
    return {case for cases in rows for case in cases.split(", ")}


def put_in(text: str, table: str) -> str:
    """Return the file's text with another table between the markers."""
    before, _, after = _parts(text)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _parts(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition(BEGIN)
    table, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"{FIDELITY.name} lacks the markers of its table")
    return before, table, after


def main() -> int:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--print", action="store_true", help="show the table and leave the file as it is")
    chosen = options.parse_args()
    if not SHARED_DATA.is_dir():
        sys.stderr.write(f"The recorded cases are absent: expected them in {SHARED_DATA}\n")
        return 1
    with empty_store() as base_url:
        table = written(by_area(replay(base_url)))
    print(table)
    if not chosen.print:
        text = put_in(FIDELITY.read_text("utf-8"), table)
        grounds = fidelity_grounds.written(fidelity_grounds.docstrings())
        FIDELITY.write_text(fidelity_grounds.put_in(text, grounds), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
