"""A value that must not be seen: access tokens, client secrets, sealing keys."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


class Secret:
    """Holds a text whose `repr`, `str`, formatting, pickle and JSON show nothing.

    `reveal()` is the only way in, so that every place that needs the value can be found by that word. Comparison takes constant
    time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; pass it straight to where it is needed, never to a name that a traceback would show."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __format__(self, spec: str) -> str:
        return "…"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # The environment may hold bytes that are no text, which Python reads as surrogates.
        return hmac.compare_digest(self._value.encode(errors="surrogatepass"), other._value.encode(errors="surrogatepass"))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


def revealed(value: str | Secret) -> str:
    """Return a text that may be a secret, for the moment of sending it."""
    return value.reveal() if isinstance(value, Secret) else value
