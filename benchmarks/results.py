"""Puts a bench's table into `benchmarks/RESULTS.md`, in a section of its own that the next run replaces.

    from benchmarks.results import machine_facts, markdown_table, write_section

    table = markdown_table(["what", "p50 µs"], [["a hop", "25"]])
    write_section("bench_bridge", "Database bridge", f"{machine_facts(postgres='18.6')}\\n\\n{table}")

Facts of the machine are those that explain a figure (cores, versions); a date or a path would only make two equal runs differ.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")

_HEAD = """# Measurements

Each section is written by the bench it names; `make bench` runs all of them. Ratios travel, absolute figures do not.
"""


def machine_facts(**versions: str) -> str:
    """Describe the machine in one line: `2 cores, Python 3.11.7, postgres 18.6`."""
    facts = [f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    return ", ".join(facts + [f"{name} {version}" for name, version in versions.items()])


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table; the first column is text, the others are figures."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_section(bench: str, title: str, text: str, *, file: Path = RESULTS) -> None:
    """Print the section and replace `bench`'s section in the file by it; a new one goes to the end."""
    section = f"## {title}\n`benchmarks/{bench}.py`\n\n{text.strip()}\n"
    print(section)
    before = file.read_text("utf-8") if file.exists() else _HEAD
    old = re.compile(rf"^## [^\n]*\n`benchmarks/{re.escape(bench)}\.py`\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    after, count = old.subn(lambda _: f"{section}\n", before)
    file.write_text((after if count else f"{before.rstrip()}\n\n{section}").rstrip() + "\n", "utf-8")
