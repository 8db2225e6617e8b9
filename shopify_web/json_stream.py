"""A JSON object that is too large to hold: read piece by piece, its one long list handed on element by element.

    for name, value in read_members(stream, "products"):   # ("user_id", "u-1"), (ELEMENT, {...}), (ELEMENT, {...}), …

The same surprises are refused as in a whole body: anything but UTF-8, NaN, duplicate keys, nesting beyond 32, numbers beyond what
any database holds. At most one element is in memory.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from shopify_kit.errors import InvalidInput
from shopify_web.bodies import BoundedDecoder, depth_exceeds

CHUNK_BYTES: Final = 2**16
MAX_ELEMENT_CHARS: Final = 2**20
MAX_DEPTH_INSIDE: Final = 30
BLANKS: Final = " \t\r\n"
ELEMENT: Final = ""

Read = Callable[[int], bytes]


class _Text:
    """A window on a stream's text; what has been passed is forgotten."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._text = ""
        self._at = 0
        self._is_whole = False

    def _more(self, at_least: int = 1) -> bool:
        """Read on; False at the end."""
        if self._is_whole:
            return False
        data = bytearray()
        while len(data) < at_least and not self._is_whole:
            piece = self._read(CHUNK_BYTES)
            self._is_whole = not piece
            data += piece
        try:
            self._text = self._text[self._at :] + self._decode(data, self._is_whole)
        except UnicodeDecodeError:
            raise _invalid("it is not UTF-8") from None
        self._at = 0
        return True

    def peek(self) -> str:
        """Return the next character that is no blank, without passing it; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in BLANKS:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, wanted: str) -> str:
        """Pass the next character, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise _invalid(f"expected {' or '.join(wanted)}")
        self._at += 1
        return found

    def value(self) -> Any:
        """Pass one value and return it."""
        self.peek()
        while True:
            found = self._decoded()
            # What ends where the window ends may go on behind it.
            if found is not None and (found[1] < len(self._text) or self._is_whole):
                self._check(found[1])
                self._at = found[1]
                return found[0]
            if len(self._text) - self._at > MAX_ELEMENT_CHARS:
                raise InvalidInput(f"A part of the body is longer than {MAX_ELEMENT_CHARS} characters.", code="body_too_large")
            # As much again, so that a long value is not looked at for every piece that arrives.
            if not self._more(len(self._text)):
                raise _invalid("a value cannot be read, or it ends in the midst of one")

    def _decoded(self) -> tuple[Any, int] | None:
        """Read the value that begins here, and where it ends; None when it is not whole, or none."""
        try:
            return DECODER.raw_decode(self._text, self._at)
        except RecursionError:
            raise InvalidInput("The JSON is nested too deep.", code="json_too_deep") from None
        except json.JSONDecodeError:
            return None
        except ValueError as error:
            raise _invalid(str(error)) from None

    def _check(self, end: int) -> None:
        if depth_exceeds(self._text[self._at : end].encode("utf-8", "surrogatepass"), MAX_DEPTH_INSIDE):
            raise InvalidInput("The JSON is nested deeper than 32 levels.", code="json_too_deep")


DECODER: Final = BoundedDecoder()


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(f"The body is no valid JSON: {reason}.", code="invalid_json")


def read_members(read: Read, long_list: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object as they come; the elements of `long_list` one by one under the name `ELEMENT`.

    Args:
        read: returns up to so many bytes, none at the end.

    Raises:
        InvalidInput: `invalid_json`, `json_too_deep`, `body_too_large` (one part alone), `validation_error` (no object, no list).
    """
    text, seen = _Text(read), set[str]()
    if text.peek() != "{":
        raise InvalidInput("The body must be a JSON object.", details=[{"field": "", "reason": "expected an object"}])
    text.take("{")
    while text.peek() != "}":
        name = text.value()
        if not isinstance(name, str) or name in seen:
            raise _invalid("a key stands twice in one object" if name in seen else "expected a key")
        seen.add(name)
        text.take(":")
        if name == long_list:
            for element in _elements(text, name):
                yield ELEMENT, element
        else:
            yield name, text.value()
        if text.peek() != "}":
            text.take(",")
            if text.peek() == "}":
                raise _invalid("expected a key")
    text.take("}")
    if text.peek():
        raise _invalid("something follows the object")


def _elements(text: _Text, name: str) -> Iterator[Any]:
    if text.peek() != "[":
        raise InvalidInput.field(name, "expected a list")
    text.take("[")
    while text.peek() != "]":
        yield text.value()
        if text.peek() != "]":
            text.take(",")
            if text.peek() == "]":
                raise _invalid("expected a value")
    text.take("]")
