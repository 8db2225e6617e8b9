"""The languages of the shop: `shopLocales`, and the mutations that enable, publish and disable one.

Nothing of this was recorded: shapes follow the schema 2026-10, texts of refusals are assumed.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation, query

NAMES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nb": "Norwegian (Bokmål)",
    "nl": "Dutch",
    "pl": "Polish",
    "pt-BR": "Portuguese (Brazil)",
    "pt-PT": "Portuguese (Portugal)",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh-CN": "Chinese (Simplified)",
    "zh-TW": "Chinese (Traditional)",
}
PRIMARY = "en"

Locale = dict[str, Any]


def _locales(ctx: Context) -> dict[str, Locale]:
    """Return the enabled locales by code."""
    kept: dict[str, Locale] = ctx.shop.state.setdefault("locales", {PRIMARY: _new(PRIMARY, primary=True, published=True)})
    return kept


def _new(code: str, *, primary: bool, published: bool) -> Locale:
    return {"__typename": "ShopLocale", "locale": code, "name": NAMES[code], "primary": primary, "published": published}


@query("shopLocales")
def shop_locales(ctx: Context, published: bool = False) -> list[Locale]:
    """List the enabled languages, only published ones when asked."""
    return [row for row in _locales(ctx).values() if row["published"] or not published]


@query("availableLocales")
def available_locales(ctx: Context) -> list[dict[str, str]]:
    """List the languages that can be enabled. Assumed: a choice of common ones."""
    return [{"__typename": "Locale", "isoCode": code, "name": name} for code, name in NAMES.items()]


@mutation("shopLocaleEnable")
def shop_locale_enable(ctx: Context, locale: str, marketWebPresenceIds: list[str] | None = None) -> dict[str, Any]:
    """Enable a language, unpublished."""
    if locale not in NAMES:
        return {"shopLocale": None, "userErrors": [user_error(["locale"], "Locale is invalid")]}
    if locale in _locales(ctx):
        return {"shopLocale": None, "userErrors": [user_error(["locale"], "Locale has already been taken")]}
    row = _locales(ctx)[locale] = _new(locale, primary=False, published=False)
    ctx.shop.emit("locales/create", {"locale": locale, "published": False})
    return {"shopLocale": row, "userErrors": []}


@mutation("shopLocaleUpdate")
def shop_locale_update(ctx: Context, locale: str, shopLocale: dict[str, Any]) -> dict[str, Any]:
    """Publish a language or take it back."""
    row = _locales(ctx).get(locale)
    if row is None:
        return {"shopLocale": None, "userErrors": [user_error(["locale"], "The locale doesn't exist.")]}
    wanted = shopLocale.get("published")
    if row["primary"] and wanted is False:
        return {"shopLocale": None, "userErrors": [user_error(["locale"], "The primary locale can't be unpublished.")]}
    row["published"] = row["published"] if wanted is None else wanted
    ctx.shop.emit("locales/update", {"locale": locale, "published": row["published"]})
    return {"shopLocale": row, "userErrors": []}


@mutation("shopLocaleDisable")
def shop_locale_disable(ctx: Context, locale: str) -> dict[str, Any]:
    """Disable a language; its translations are lost."""
    row = _locales(ctx).get(locale)
    if row is None:
        return {"locale": None, "userErrors": [user_error(["locale"], "The locale doesn't exist.")]}
    if row["primary"]:
        return {"locale": None, "userErrors": [user_error(["locale"], "The primary locale can't be disabled.")]}
    del _locales(ctx)[locale]
    return {"locale": locale, "userErrors": []}
