"""Shopify's search syntax: terms, `field:value`, comparators, quotes, `*`, NOT / `-`, AND, OR and parentheses.

Captured: malformed text matches nothing and raises nothing (BEHAVIOURS 26), but a missing parenthesis at the end and a connective
that nothing follows are forgiven (errors-070); a field that the root does not know is ignored and reported under
`extensions.search` (BEHAVIOURS 13); the time part of an unquoted timestamp is ignored and the date is taken in the shop's zone.
Source of the syntax: shopify.dev/docs/api/usage/search-syntax (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fake_shopify.clock import parse_iso
from fake_shopify.failures import TopLevelError
from fake_shopify.rows import Row

Predicate = Callable[[Row], bool]
COMPARATORS = (">=", "<=", ">", "<")
MAX_DEPTH = 50
NUMBER = re.compile(r"[0-9]{1,20}")
TOKEN = re.compile(
    r"""\s*(?:
        (?P<paren>[()])
      | (?P<minus>-)(?=[^\s])
      | (?P<field>[A-Za-z_][\w.$-]*)\s?:(?P<op>>=|<=|>|<)?\s?(?=\S)
      | (?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<word>(?:\\.|[^\s()"'])(?:\\.|[^\s()])*)
      | (?P<stray>["'])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison: `field` is `default` for free text; `op` is `=` or a comparator."""

    field: str
    op: str
    value: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a part."""

    part: Any


@dataclass(frozen=True, slots=True)
class Group:
    """Several parts; `every` says whether all must hold or one is enough."""

    every: bool
    parts: tuple[Any, ...]


class Malformed(Exception):
    """The text cannot be read; Shopify then finds nothing."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [m for m in TOKEN.finditer(text.strip()) if m.group().strip()]
        self.at = 0
        self.depth = 0

    def parse(self) -> Any:
        tree = self._all()
        if self.at != len(self.tokens):
            raise Malformed
        return tree

    def _peek(self) -> re.Match[str] | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _is_word(self, token: re.Match[str] | None, word: str) -> bool:
        return token is not None and token["word"] == word

    def _ends(self) -> bool:
        token = self._peek()
        return token is None or token["paren"] == ")"

    def _all(self) -> Any:
        """Parts that merely stand side by side; OR binds them closer (captured: pagination_search-076)."""
        parts = [self._either()]
        while not self._ends():
            parts.append(self._either())
        return parts[0] if len(parts) == 1 else Group(True, tuple(parts))

    def _either(self) -> Any:
        return self._joined("OR", self._every, every=False)

    def _every(self) -> Any:
        return self._joined("AND", self._one, every=True)

    def _joined(self, word: str, part: Callable[[], Any], *, every: bool) -> Any:
        """Parts with a connective between; one that nothing follows is passed over (captured: errors-070)."""
        parts = [part()]
        while self._is_word(self._peek(), word):
            self.at += 1
            if self._ends():
                break
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(every, tuple(parts))

    def _one(self) -> Any:
        """One part; deeper ones than anybody writes cannot be read (assumed)."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Malformed
        part = self._part()
        self.depth -= 1
        return part

    def _part(self) -> Any:
        token = self._peek()
        if token is None:
            raise Malformed
        self.at += 1
        if token["minus"] or token["word"] == "NOT":
            return Not(self._one())
        if token["paren"] == "(":
            tree = self._all()
            if self._peek() is not None:
                self._close()
            return tree
        if token["paren"] or token["stray"]:
            raise Malformed
        if token["field"]:
            return self._value(token["field"], token["op"] or "=")
        return self._term("default", "=", token)

    def _close(self) -> None:
        token = self._peek()
        if token is None or token["paren"] != ")":
            raise Malformed
        self.at += 1

    def _value(self, name: str, op: str) -> Any:
        token = self._peek()
        if token is None:
            raise Malformed
        self.at += 1
        if token["paren"] == "(":
            tree = self._spread(name, self._all())
            self._close()
            return tree
        if token["field"]:
            return self._timestamp(name, op, token)
        if token["minus"]:
            following = self._peek()
            if following is None:
                raise Malformed
            self.at += 1
            term = self._term(name, op, following)
            return Term(name, op, "-" + term.value, term.quoted)
        return self._term(name, op, token)

    def _timestamp(self, name: str, op: str, token: re.Match[str]) -> Term:
        """`a:b:c` unquoted: the value holds colons of its own."""
        value = token.group().strip()
        following = self._peek()
        while following is not None and following.start() == self.tokens[self.at - 1].end() and not following["paren"]:
            value += following.group()
            self.at += 1
            following = self._peek()
        return Term(name, op, value, False)

    def _spread(self, name: str, tree: Any) -> Any:
        if isinstance(tree, Term):
            return Term(name, tree.op, tree.value, tree.quoted) if tree.field == "default" else tree
        if isinstance(tree, Not):
            return Not(self._spread(name, tree.part))
        return Group(tree.every, tuple(self._spread(name, part) for part in tree.parts))

    def _term(self, name: str, op: str, token: re.Match[str]) -> Term:
        if token["quoted"]:
            return Term(name, op, re.sub(r"\\(.)", r"\1", token["quoted"][1:-1]), True)
        if token["word"] is None:
            raise Malformed
        word = token["word"]
        if op == "=" and word.startswith(COMPARATORS):
            op = next(c for c in COMPARATORS if word.startswith(c))
            word = word[len(op) :]
        return Term(name, op, re.sub(r"\\(.)", r"\1", word), False)


def parse(text: str) -> Any:
    """Read a search text into a tree of Term, Not and Group; None for an empty one.

    Raises:
        Malformed: unbalanced parentheses or quotes.
    """
    return _Parser(text).parse() if text.strip() else None


# What a field compares


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of the search matches: `test(row, op, value, quoted)`; `accepts` says whether a value is one at all."""

    test: Callable[[Row, str, str, bool], bool]
    accepts: Callable[[str], bool] | None = None
    instant: str | None = None


Getter = Callable[[Row], Any]


def _getter(source: str | Getter) -> Getter:
    return (lambda row: row.get(source)) if isinstance(source, str) else source


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple | set) else [value]
    return [str(item).lower() for item in items if item is not None]


def words(*sources: str | Getter) -> Field:
    """Match words of a text without regard to case; `value*` matches beginnings of words, a quoted value a run of words."""
    getters = [_getter(source) for source in sources]

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        wanted = value.lower()
        texts = [text for getter in getters for text in _texts(getter(row))]
        return any(_has_words(text, wanted, quoted) for text in texts)

    return Field(test)


def _has_words(text: str, wanted: str, quoted: bool) -> bool:
    if wanted == "*":
        return bool(text)
    if not quoted and wanted.endswith("*"):
        stem = wanted.rstrip("*")
        return any(word.startswith(stem) for word in re.split(r"[^\w@.+-]+", text)) or text.startswith(stem)
    return wanted == text or re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None


def exact(source: str | Getter) -> Field:
    """Match a whole value (or one of a list) without regard to case; `value*` matches its beginning, `*` anything present."""
    getter = _getter(source)

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        wanted, texts = value.lower(), _texts(getter(row))
        if wanted.endswith("*") and not quoted:
            return any(text.startswith(wanted[:-1]) for text in texts if text)
        return wanted in texts

    return Field(test)


def choice(source: str | Getter, values: Iterable[str]) -> Field:
    """Match one of an enumeration's values (several with commas); another value is reported and ignored."""
    getter, known = _getter(source), {value.lower() for value in values}

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        wanted = {part.strip().lower() for part in value.split(",")}
        return bool(wanted & set(_texts(getter(row)))) or wanted == {"any"}

    return Field(test, accepts=lambda value: all(part.strip().lower() in known | {"any"} for part in value.split(",")))


def yes_no(source: str | Getter) -> Field:
    """Match a boolean written `true` or `false`."""
    getter = _getter(source)
    return Field(lambda row, op, value, quoted: str(bool(getter(row))).lower() == value.lower())


def _compare(have: Any, op: str, wanted: Any) -> bool:
    if have is None:
        return False
    return bool({"=": have == wanted, ">": have > wanted, ">=": have >= wanted, "<": have < wanted, "<=": have <= wanted}[op])


def number(source: str | Getter) -> Field:
    """Compare a number."""
    getter = _getter(source)

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        try:
            wanted, have = float(value), getter(row)
            return have is not None and _compare(float(have), op, wanted)
        except ValueError:
            return False

    return Field(test)


def identifier() -> Field:
    """Compare the number of the id; a GID is accepted too."""

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        digits = value.rsplit("/", 1)[-1].split("?")[0]
        return NUMBER.fullmatch(digits) is not None and _compare(row.number, op, int(digits))

    return Field(test)


def reference(source: str | Getter) -> Field:
    """Compare the number of another object's id (one or a list)."""
    getter = _getter(source)

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        digits, have = value.rsplit("/", 1)[-1], getter(row)
        return NUMBER.fullmatch(digits) is not None and int(digits) in (have if isinstance(have, list | set | tuple) else [have])

    return Field(test)


def moment(name: str, zone: str = "UTC", *, strict_name: str | None = None) -> Field:
    """Compare an instant; a date is a whole day in the shop's zone, and so is an unquoted timestamp.

    With `strict_name`, text that is no date is refused with `BAD_REQUEST` (captured for bulk operations); else it matches nothing.
    """

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        span = day_or_instant(value, quoted, zone)
        if span is None:
            if strict_name is not None:
                raise TopLevelError(f"Invalid timestamp for query filter `{strict_name}`.", "BAD_REQUEST")
            return False
        have = row.get(name)
        return have is not None and _within(parse_iso(have), op, *span)

    return Field(test, instant=name)


def _within(have: datetime, op: str, start: datetime, end: datetime) -> bool:
    """Compare with a span: an instant is within it from its start to before its end, or when it is an empty span's own."""
    is_day = end > start
    return {
        "=": start <= have < end or have == start,
        ">": have >= end if is_day else have > start,
        ">=": have >= start,
        "<": have < start,
        "<=": have < end or have == start,
    }[op]


def day_or_instant(value: str, quoted: bool, zone: str) -> tuple[datetime, datetime] | None:
    """Return the span that a search value means: a whole day, or one instant as an empty span."""
    text = value if quoted else value.split("T")[0]
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            start = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
            return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=ZoneInfo(zone))
        return parsed.astimezone(UTC), parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# Evaluation


@dataclass(slots=True)
class Search:
    """A search text made ready: `matches(row)`, and the `warnings` for `extensions.search`."""

    text: str
    tree: Any
    fields: Mapping[str, Field]
    warnings: list[dict[str, str]] = field(default_factory=list)
    malformed: bool = False

    def matches(self, row: Row) -> bool:
        """Say whether a row is found."""
        return not self.malformed and (self.tree is None or self._eval(self.tree, row) is not False)

    def _eval(self, part: Any, row: Row) -> bool | None:
        """Return whether a part holds; None for a part that is ignored."""
        if isinstance(part, Term):
            known = self.fields.get(part.field)
            if known is None or not self.counts(part):
                return None
            return known.test(row, part.op, part.value, part.quoted)
        if isinstance(part, Not):
            inner = self._eval(part.part, row)
            return None if inner is None else not inner
        held = [h for h in (self._eval(p, row) for p in part.parts) if h is not None]
        return (all(held) if part.every else any(held)) if held else None

    def required(self) -> list[Any]:
        """Return the parts that every found row satisfies; terms that are ignored are none of them."""
        parts = _flat(self.tree) if self.tree is not None else ()
        return [part for part in parts if not isinstance(part, Term) or self.counts(part)]

    def counts(self, term: Term) -> bool:
        """Say whether a term is not ignored: the root knows the field, and the value is one."""
        known = self.fields.get(term.field)
        return known is not None and (known.accepts is None or known.accepts(term.value))

    def report(self, path: list[str | int]) -> dict[str, Any] | None:
        """Shape of the entry in `extensions.search`; None when there is nothing to say."""
        if not self.warnings:
            return None
        return {"path": path, "query": self.text, "parsed": _shown(self.tree), "warnings": self.warnings}


def _flat(part: Any) -> Iterable[Any]:
    """Yield the parts that must all hold."""
    if isinstance(part, Group) and part.every:
        for inner in part.parts:
            yield from _flat(inner)
    else:
        yield part


def _shown(part: Any) -> dict[str, Any]:
    if isinstance(part, Term):
        key = {"=": "match_all", ">": "range_gt", ">=": "range_gte", "<": "range_lt", "<=": "range_lte"}[part.op]
        return {"field": part.field, key: part.value}
    if isinstance(part, Not):
        return {"not": _shown(part.part)}
    return {"and" if part.every else "or": [_shown(p) for p in part.parts]}


def _terms(part: Any) -> Iterable[Term]:
    if isinstance(part, Term):
        yield part
    elif isinstance(part, Not):
        yield from _terms(part.part)
    elif isinstance(part, Group):
        for inner in part.parts:
            yield from _terms(inner)


def _warning(term: Term, fields: Mapping[str, Field]) -> dict[str, str] | None:
    known = fields.get(term.field)
    if known is None and term.field == "default":
        text = "Input must use named search fields in this query."
        return {"field": "default", "message": text, "code": "missing_named_field"}
    if known is None:
        return {"field": term.field, "message": "Invalid search field for this query.", "code": "invalid_field"}
    if known.accepts is not None and not known.accepts(term.value):
        return {"field": term.field, "message": f"Input `{term.value}` is not an accepted value.", "code": "invalid_value"}
    return None


def prepare(text: str | None, fields: Mapping[str, Field]) -> Search:
    """Read a search text for a root that knows `fields` (the free text under `default`)."""
    try:
        search = Search(text or "", parse(text or ""), fields)
    except Malformed:
        return Search(text or "", None, fields, malformed=True)
    search.warnings = [w for w in (_warning(term, fields) for term in _terms(search.tree)) if w is not None]
    return search
