"""FIDELITY.md names the ground of every claim that the fake's docstrings make."""

from __future__ import annotations

import pytest

from tools.fidelity_grounds import DOMAINS, FIDELITY, Docstring, assumptions, docstrings, domain_of, marked, put_in, written

FOUND = list(docstrings())


def squeezed(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def test_every_assumption_in_the_code_stands_in_fidelity() -> None:
    """Run `python -m tools.fidelity_grounds` to bring it up to date."""
    told = squeezed(FIDELITY.read_text("utf-8"))

    missing = [one.place for one in FOUND for said in assumptions(one.text) if squeezed(f"`{one.place}`: {said}") not in told]

    assert missing == []


def test_no_docstring_assumes_without_being_collected() -> None:
    silent = [one.place for one in FOUND if "assumed" in one.text.lower() and not assumptions(one.text)]

    assert silent == []
    assert sum(len(assumptions(one.text)) for one in FOUND) > 150


def test_every_domain_has_grounds() -> None:
    domains = [domain_of(one.module) for one in FOUND]

    assert set(domains) == set(DOMAINS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("Do it. Assumed: the words.", ["the words."], id="behind the mark"),
        pytest.param("Do it (assumed: the words).", ["Do it (assumed: the words)."], id="in parentheses"),
        pytest.param("Do it. Captured: a-001. Assumed for b: x; y. Source: z.", ["x; y."], id="between other marks"),
        pytest.param("Do it; the rest is assumed.", ["Do it; the rest is assumed."], id="in a sentence"),
        pytest.param("Do it (captured: a-001).", [], id="nowhere"),
    ],
)
def test_assumptions_are_read_out_of_a_docstring(text: str, said: list[str]) -> None:
    assert assumptions(text) == said


def test_sources_end_with_their_parentheses() -> None:
    assert marked("Sort (source: shopify.dev/orders, read 2026-11). More.", "source") == ["shopify.dev/orders."]


def test_grounds_are_written_by_domain_between_their_markers() -> None:
    found = [Docstring("admin/orders.py", "order", "Answer an order (captured: orders-010, orders-009). Assumed: the words.")]

    text = put_in(FIDELITY.read_text("utf-8"), written(found))

    assert "*Captured:* orders 009, 010." in text
    assert "- `orders.order`: the words." in text
    assert put_in(text, written(FOUND)) == put_in(FIDELITY.read_text("utf-8"), written(FOUND))
