#!/usr/bin/env python3
"""Collect from the fake's docstrings on which ground each claim stands and put it into `fake_shopify/FIDELITY.md`, by domain.

A docstring marks what it takes from documentation (`Source: …`), from recordings (`Captured: …`) and from nowhere (`Assumed: …`, or
the word in a sentence). The list stands between two markers in the file; what is around it is written by hand.

Usage: python -m tools.fidelity_grounds [--print]
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]
FAKE = PROJECT_ROOT / "fake_shopify"
FIDELITY = FAKE / "FIDELITY.md"
BEGIN, END = "<!-- grounds by domain: begin -->", "<!-- grounds by domain: end -->"
WIDTH = 130

DOMAINS = {
    "Products, variants and media": "product variant option media combined linked handles tags taxonomy publishing",
    "Collections": "collection",
    "Customers, companies and credit": "customer contact mailing countries compan segment store_credit gift_cards",
    "Orders, drafts, payments and refunds": "order draft refund suggested payment_terms",
    "Fulfilment": "fulfillment",
    "Inventory and locations": "inventory location stock",
    "Discounts": "discount redeem",
    "Metafields and metaobjects": "metafield metaobject definition standard_def",
    "Webhooks and events": "webhook delivery deliveries subscriptions topics events_family payloads",
    "Bulk operations and uploads": "bulk staged upload storage",
    "Shop, app and markets": "shop markets app_access saved_searches jobs nodes",
    "Seeding": "seeding",
    "Core": "",
}
"""Domain → how the names of its modules begin; the first domain that fits takes a module, the last one takes the rest."""

MARK = re.compile(r"(?P<word>[Ss]ource|[Cc]aptured|[Aa]ssumed)(?: (?:of|for|on) [^:.;()]{1,60})?: ")
SENTENCE = re.compile(r"(?<=[.;]) (?=[A-Z`“\"])")
CASE = re.compile(r"\b(?:[a-z_]+-\d{3}|BEHAVIOURS \d+)\b")


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring: the module's path below the fake, whose it is (empty for the module's own), and its text on one line."""

    module: str
    name: str
    text: str

    @property
    def place(self) -> str:
        """Module and name as the list shows them."""
        stem = self.module.removeprefix("admin/").removesuffix(".py")
        return f"{stem}.{self.name}" if self.name else stem


def docstrings() -> Iterator[Docstring]:
    """Yield every docstring of the fake, those of constants too."""
    for path in sorted(FAKE.rglob("*.py")):
        module = path.relative_to(FAKE).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield from _of_node(module, node)


def _of_node(module: str, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[Docstring]:
    own = "" if isinstance(node, ast.Module) else node.name
    before: ast.stmt | None = None
    for statement in node.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
            name = own if before is None else _assigned(before)
            if name is not None:
                yield Docstring(module, name, " ".join(statement.value.value.split()))
        before = statement


def _assigned(statement: ast.stmt) -> str | None:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def marked(text: str, word: str) -> list[str]:
    """Return what a docstring says behind one of its marks, each up to the next mark or the end of its parentheses."""
    found = list(MARK.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)]
    parts = (text[one.end() : end] for one, end in zip(found, ends, strict=False) if one["word"].lower() == word)
    return [_tidy(part) for part in parts]


def assumptions(text: str) -> list[str]:
    """Return what a docstring assumes: behind a mark that begins a sentence, or in a whole sentence with the word in it."""
    found = []
    for sentence in SENTENCE.split(text):
        mark = MARK.match(sentence)
        if mark is not None and mark["word"].lower() == "assumed":
            found.append(_tidy(sentence[mark.end() :]))
        elif re.search(r"\b[Aa]ssum", sentence):
            found.append(_tidy(sentence))
    return found


def _tidy(text: str) -> str:
    depth, kept = 0, ""
    for letter in re.sub(r"\s*(?:Args|Returns|Raises):.*", "", text):
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        kept += letter
    plain = re.sub(r",? ?\(read 2026-11\)|[,;] read 2026-11", "", kept)
    return plain.strip().rstrip("(.,; ") + "."


def domain_of(module: str) -> str:
    """Return the domain that a module belongs to."""
    stem = module.removeprefix("admin/")
    return next(domain for domain, starts in DOMAINS.items() if not starts or stem.startswith(tuple(starts.split())))


def written(found: Iterable[Docstring]) -> str:
    """Write the grounds of all domains in Markdown."""
    every = list(found)
    parts = []
    for domain in DOMAINS:
        own = [one for one in every if domain_of(one.module) == domain]
        parts.append("\n\n".join([f"### {domain}", *_domain(own)]))
    return "\n\n".join(parts)


def _domain(own: list[Docstring]) -> Iterator[str]:
    sources = dict.fromkeys(f"{source} (`{one.place}`)" for one in own for source in marked(one.text, "source"))
    cases = {case for one in own for case in CASE.findall(one.text)}
    assumed = [f"`{one.place}`: {said}" for one in own for said in assumptions(one.text)]
    if sources:
        yield "*Documented:*\n\n" + _bullets(sources)
    if cases:
        yield _wrapped("*Captured:* " + "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in _grouped(cases)) + ".", "")
    if assumed:
        yield "*Assumed:*\n\n" + _bullets(assumed)


def _grouped(cases: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    pairs = sorted({tuple(re.split(r"[- ](?=\d+$)", case)) for case in cases}, key=lambda pair: (pair[0], int(pair[1])))
    for name, group in groupby(pairs, key=lambda pair: pair[0]):
        yield name, [number for _, number in group]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(_wrapped(f"- {line}", "  ") for line in lines)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def put_in(text: str, grounds: str) -> str:
    """Return the file's text with another list between the markers."""
    before, _, rest = text.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"{FIDELITY.name} lacks the markers of its grounds")
    return f"{before}{BEGIN}\n\n{grounds}\n\n{END}{after}"


def main() -> int:
    """Collect and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--print", action="store_true", help="show the grounds and leave the file as it is")
    grounds = written(docstrings())
    if options.parse_args().print:
        print(grounds)
    else:
        FIDELITY.write_text(put_in(FIDELITY.read_text("utf-8"), grounds), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
