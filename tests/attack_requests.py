"""From a row of the recorded attacks to a request: placeholders filled, bodies generated, shops under the fake's own names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.web_host import WEBHOOK_SECRET, Host, bearer

PLACEHOLDER = re.compile(r"\{\{([a-z0-9_]+(?:[+-][0-9]+)?)(?::([^}]*))?\}\}")
OLD_SECRET = "secret-of-the-webhooks-of-old-012"
WRONG_SECRET = "secret-of-somebody-else-012345678"


class UnknownPlaceholder(Exception):
    """A placeholder that the runner cannot fill."""


@dataclass(slots=True)
class Attack:
    """One row, ready to be sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


@dataclass(slots=True)
class Filler:
    """Fills the placeholders of one row; the same placeholder has the same value everywhere in it."""

    host: Host
    body: bytes = b""
    _kept: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """Replace every placeholder and the rows' names of shops."""
        for who, shop in self.host.shops.items():
            text = text.replace(f"{who}-shop.myshopify.com", shop.shop_domain)
            text = text.replace(f"{who}-shop/", f"{shop.shop_domain.removesuffix('.myshopify.com')}/")
        return PLACEHOLDER.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        if match.group() not in self._kept:
            self._kept[match.group()] = self._make(match[1], match[2] or "")
        return self._kept[match.group()]

    def _make(self, name: str, argument: str) -> str:
        base, shift = re.fullmatch(r"([a-z0-9_]+?)([+-][0-9]+)?", name).groups()  # type: ignore[union-attr]
        instant = datetime.now(UTC) + timedelta(seconds=int(shift or 0))
        makers: Mapping[str, Callable[[], str]] = {
            "auth": lambda: bearer(argument),
            "token": lambda: self._token(argument),
            "session": lambda: f"session=of-{argument}",
            "uuid": lambda: str(uuid.uuid4()),
            "uuid2": lambda: str(uuid.uuid4()),
            "now": lambda: str(int(instant.timestamp())),
            "now_iso": lambda: instant.isoformat(),
            "b64": lambda: base64.b64encode(argument.encode()).decode(),
            "repeat": lambda: _repeated(argument),
            "hmac_b64": lambda: self._signature(WEBHOOK_SECRET, original=argument == "original_body"),
            "hmac_b64_key": lambda: self._signature(argument),
            "hmac_b64_old_key": lambda: self._signature(OLD_SECRET),
            "hmac_b64_wrong_key": lambda: self._signature(WRONG_SECRET),
            "hmac_b64_empty_key": lambda: self._signature(""),
            "hmac_hex": lambda: _mac(WEBHOOK_SECRET, self.body).hex(),
            "event": lambda: str(self._dead_event(argument)),
            "op": lambda: finished_operation(self.host, argument),
        }
        if base not in makers:
            raise UnknownPlaceholder(name)
        return makers[base]()

    def _signature(self, secret: str, *, original: bool = False) -> str:
        body = self.body.replace(b" }", b"}") if original else self.body
        return base64.b64encode(_mac(secret, body)).decode()

    def _dead_event(self, owner: str) -> int:
        """Have a delivery of a user's shop end among the dead letters; returns its id."""
        assert self.host.deliver("orders/create", b"[1]", owner).status_code == 200
        self.host.work()
        return int(self.host.events(owner)[0]["id"])

    def _token(self, name: str) -> str:
        owner = "alice" if name == "ok" else name.removesuffix("-shop")
        return self.host.shops[owner].access_token


def finished_operation(host: Host, owner: str) -> str:
    """Return the id of a bulk query of a user's shop that ended well, made where there is none."""
    found = host.get("/bulk/operations?status=completed&limit=1", owner).get_json()["operations"]
    if not found:
        started = host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}, owner).get_json()
        found = [host.finish(started["operation_id"], owner)]
    number: str = found[0]["id"]
    return number


def _repeated(argument: str) -> str:
    unit, _, count = argument.rpartition(":")
    return unit * int(count)


def _mac(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def build_attack(row: Mapping[str, Any], host: Host) -> Attack:
    """Make the request of a row."""
    filler = Filler(host)
    body = build_body(row["body"], filler.fill)
    filler.body = body or b""
    headers = {name: filler.fill(value) for name, value in row["headers"].items()}
    return Attack(row["method"], filler.fill(row["path"]), headers, body)


def build_body(given: Any, fill: Callable[[str], str] = str) -> bytes | None:
    """Make the bytes of a body: text, `$raw_b64`, `$gen`, `$json` with generated parts, `$encode`d text, or plain JSON."""
    if given is None or isinstance(given, str):
        return None if given is None else fill(given).encode()
    if "$raw_b64" in given:
        return base64.b64decode(given["$raw_b64"])
    if "$gen" in given:
        made = generate(given)
        return made.encode() if isinstance(made, str) else json.dumps(made).encode()
    beside = {name: value for name, value in given.items() if name not in ("$json", "$encode", "text")}
    if "$encode" in given:
        document = json.dumps(beside | json.loads(fill(given["text"])))
        return document.encode(given["$encode"])
    return fill(json.dumps(_resolved(beside | given.get("$json", {})))).encode()


def _resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return generate(value) if "$gen" in value else {name: _resolved(part) for name, part in value.items()}
    return [_resolved(part) for part in value] if isinstance(value, list) else value


def generate(spec: Mapping[str, Any]) -> Any:
    """Make what `$gen` asks for: a text where it is a whole body or a string, else a value.

    Raises:
        KeyError: an unknown kind.
    """
    kinds: Mapping[str, Callable[[], Any]] = {
        "repeat": lambda: spec["unit"] * spec["n"],
        "nest_object": lambda: '{"a":' * spec["depth"] + "1" + "}" * spec["depth"],
        "nest_array": lambda: "[" * spec["depth"] + "]" * spec["depth"],
        "bigint": lambda: '{"id":' + "9" * spec["digits"] + "}",
        "json_pad": lambda: '{"a":"' + "x" * (spec["bytes"] - len('{"a":""}')) + '"}',
        "json_keys": lambda: "{" + ",".join(f'"{number}":1' for number in range(spec["n"])) + "}",
        "list": lambda: [{} for _ in range(spec["n"])],
    }
    return kinds[spec["$gen"]]()
