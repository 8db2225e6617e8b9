"""Single objects as pages show them, taken apart into lines as a bulk result has them: children below their parents' ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shopify_mirror.kinds import SHAPES


class Flat(Struct):
    """An object without its children.

    Args:
        is_whole: every connection of it was shown to its end.
    """

    node: dict[str, Any]
    children: list[dict[str, Any]]
    is_whole: bool = True


def flatten(node: Mapping[str, Any]) -> Flat:
    """Take an object apart; connections of what has no table of its own stay where they are."""
    flat = Flat({}, [])
    flat.node = _without_children(node, str(node["id"]), flat)
    return flat


def _without_children(part: Mapping[str, Any], parent_id: str, flat: Flat) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in part.items():
        nodes = _nodes(value)
        if nodes is not None and all(str(child.get("__typename")) in SHAPES for child in nodes):
            flat.is_whole &= not (value.get("pageInfo") or {}).get("hasNextPage", False)
            for child in nodes:
                below = flatten(child)
                flat.is_whole &= below.is_whole
                flat.children += [{**below.node, "__parentId": parent_id}, *below.children]
        else:
            kept[name] = _without_children(value, parent_id, flat) if isinstance(value, Mapping) else value
    return kept


def _nodes(value: Any) -> list[Mapping[str, Any]] | None:
    """Return the nodes of a connection; None for anything else."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("nodes"), list):
        return list(value["nodes"])
    if isinstance(value.get("edges"), list):
        return [edge["node"] for edge in value["edges"]]
    return None
