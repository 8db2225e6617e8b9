"""The shop's policies: reading them, and `shopPolicyUpdate`."""

from __future__ import annotations

import re
from typing import Any

from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import field, mutation
from fake_shopify.rows import Row

TITLES = {
    "CONTACT_INFORMATION": "Contact",
    "LEGAL_NOTICE": "Legal notice",
    "PRIVACY_POLICY": "Privacy policy",
    "REFUND_POLICY": "Refund policy",
    "SHIPPING_POLICY": "Shipping policy",
    "SUBSCRIPTION_POLICY": "Cancellation policy",
    "TERMS_OF_SALE": "Terms of sale",
    "TERMS_OF_SERVICE": "Terms of service",
}
"""Captured: contact, privacy and refund (shop-007, a recorded shop); the others are assumed."""

LIMIT_BYTES = 512 * 1024
PIECE = re.compile(r"\{%-?\s*(?P<tag>.*?)\s*-?%\}|\{\{.*?\}\}|(?P<open>\{%|\{\{)", re.DOTALL)
BLOCKS = frozenset("if unless case for tablerow capture comment raw form paginate schema style stylesheet javascript".split())
SINGLE = frozenset(
    "assign break continue cycle decrement echo else elsif include increment layout liquid render section sections when".split()
)


# Reading


@field("Shop", "shopPolicies")
def shop_policies(row: dict[str, Any], ctx: Context) -> list[Row]:
    """List the policies that were ever set, by type (captured: shop-026, a recorded shop)."""
    return sorted(ctx.table("ShopPolicy"), key=lambda policy: str(policy["type"]))


@field("ShopPolicy", "url")
def _url(row: Row, ctx: Context) -> str:
    """Captured: shop-007."""
    return f"https://checkout.shopify.com/{ctx.shop.number}/policies/{row.number}.html?locale=en"


# Writing


@mutation("shopPolicyUpdate")
def shop_policy_update(ctx: Context, shopPolicy: dict[str, Any]) -> dict[str, Any]:
    """Set a policy's text, which may be blank save for the subscription policy's (captured: shop-003..007)."""
    kind, body = shopPolicy["type"], shopPolicy["body"]
    error = _error(kind, body)
    if error is not None:
        return {"shopPolicy": None, "userErrors": [error]}
    now = ctx.now()
    kept = next((row for row in ctx.table("ShopPolicy") if row["type"] == kind), None)
    if kept is None:
        kept = ctx.shop.new_row("ShopPolicy", type=kind, title=TITLES[kind], body=body, createdAt=now, updatedAt=now)
    kept.update(body=body, updatedAt=now)
    return {"shopPolicy": kept, "userErrors": []}


def _error(kind: str, body: str) -> dict[str, Any] | None:
    """Captured: blank subscription policy, broken Liquid in the privacy policy, both without a code (shop-003..005).

    Source of the limit: ShopPolicy.body and TOO_BIG in the schema 2026-10; its text is assumed, as is that only the privacy policy
    is a Liquid template.
    """
    path = ("shopPolicy", "body")
    if len(body.encode()) > LIMIT_BYTES:
        return user_error(path, "Body is too big (maximum is 512 KB)", "TOO_BIG")
    if kind == "SUBSCRIPTION_POLICY" and not body.strip():
        return user_error(path, "Purchase options cancellation policy required")
    broken = liquid_error(body) if kind == "PRIVACY_POLICY" else None
    return user_error(path, f"Body Liquid syntax error: {broken}") if broken is not None else None


def liquid_error(template: str) -> str | None:
    """Return what Liquid's parser says of a template's tags; None when it can be read.

    Captured: the words about an unknown tag (shop-003). Source of the others: github.com/Shopify/liquid, `locales/en.yml`.
    """
    stack: list[str] = []
    for piece in PIECE.finditer(template):
        if piece["open"]:
            kind, end = ("Tag", r"/\%\}/") if piece["open"] == "{%" else ("Variable", r"/\}\}/")
            return f"{kind} '{piece['open']}' was not properly terminated with regexp: {end}"
        if piece["tag"] is not None:
            refused = _read_tag(piece["tag"].split()[0] if piece["tag"] else "", stack)
            if refused is not None:
                return refused
    return f"'{stack[-1]}' tag was never closed" if stack else None


def _read_tag(name: str, stack: list[str]) -> str | None:
    if stack and stack[-1] in ("raw", "comment"):
        if name == f"end{stack[-1]}":
            stack.pop()
    elif name in BLOCKS:
        stack.append(name)
    elif stack and name == f"end{stack[-1]}":
        stack.pop()
    elif name.startswith("end") and name[3:] in BLOCKS and stack:
        return f"'{name}' is not a valid delimiter for {stack[-1]} tags. use end{stack[-1]}"
    elif name and name not in SINGLE:
        return f"Unknown tag '{name}'"
    return None
