"""Shopify's side of OAuth: the grant page and the token endpoint with its grant types.

Source: PLATFORM A.1-A.4 (shopify.dev/docs/apps/build/authentication-authorization, read 2026-11). The page's look is our own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from fake_shopify.world import App, Grant, Shop, World

ACCESS_TOKEN_LIFE_S = 3600
REFRESH_TOKEN_LIFE_S = 90 * 86400
CLIENT_CREDENTIALS_LIFE_S = 86399
MIGRATION_REPEAT_S = 7 * 86400
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"


def sign_query(pairs: dict[str, str], secret: str) -> str:
    """Return the hex HMAC of a callback's query: sorted `k=v` joined with `&`, keys and values minimally escaped."""
    message = "&".join(f"{_escape(k)}={_escape(v)}" for k, v in sorted(pairs.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _refuse(status: int, error: str, description: str) -> Response:
    text = json.dumps({"error": error, "error_description": description})
    return Response(text, status, content_type="application/json; charset=utf-8")


# The grant page


def authorize(world: World, shop: Shop, request: Request) -> Response:
    """GET shows who asks for what; POST is the merchant's answer and sends the browser back to the app."""
    app = world.apps.get(request.args.get("client_id", ""))
    if app is None:
        return _page("Oauth error invalid_request: Could not find Shopify API application with that api_key", 400)
    target = request.args.get("redirect_uri", "")
    if not _whitelisted(app, target):
        return _page("Oauth error invalid_request: The redirect_uri is not whitelisted", 400)
    if request.method == "POST":
        return _decide(world, shop, app, request, target)
    scopes = [s for s in request.args.get("scope", "").replace(" ", ",").split(",") if s]
    return _grant_page(app, shop, scopes, request)


def _whitelisted(app: App, target: str) -> bool:
    parts = urlsplit(target)
    if not parts.scheme or not parts.netloc:
        return False
    bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
    local = parts.hostname in ("127.0.0.1", "localhost")
    return bare in app.redirect_urls or (not app.redirect_urls and (local or parts.scheme == "https"))


def _decide(world: World, shop: Shop, app: App, request: Request, target: str) -> Response:
    joint = "&" if urlsplit(target).query else "?"
    state = request.args.get("state", "")
    if request.form.get("answer") == "cancel":
        refused = {"error": "access_denied", "error_description": "The merchant denied the request", "state": state}
        return redirect(target + joint + urlencode(refused), 302)
    code = secrets.token_hex(16)
    scopes = frozenset(s for s in request.args.get("scope", "").replace(" ", ",").split(",") if s) or app.scopes
    online = "per-user" in request.args.getlist("grant_options[]")
    world.codes[code] = {"shop": shop.domain, "client_id": app.client_id, "scopes": scopes, "online": online}
    name = shop.domain.removesuffix(".myshopify.com")
    pairs = {
        "code": code,
        "host": base64.b64encode(f"admin.shopify.com/store/{name}".encode()).decode().rstrip("="),
        "shop": shop.domain,
        "state": state,
        "timestamp": str(int(world.clock.now().timestamp())),
    }
    pairs["hmac"] = sign_query(pairs, app.client_secret)
    return redirect(target + joint + urlencode(pairs, quote_via=quote), 302)


def _grant_page(app: App, shop: Shop, scopes: list[str], request: Request) -> Response:
    template = files("fake_shopify").joinpath("pages", "grant.html").read_text("utf-8")
    rows = "".join(f"<li><code>{html.escape(scope)}</code></li>" for scope in sorted(scopes)) or "<li>all scopes of the app</li>"
    shown = {
        "APP": html.escape(app.name),
        "SHOP": html.escape(shop.domain),
        "SCOPES": rows,
        "ACTION": html.escape(request.full_path),
    }
    for name, value in shown.items():
        template = template.replace(f"[[{name}]]", value)
    return Response(template, content_type="text/html; charset=utf-8")


def _page(text: str, status: int) -> Response:
    return Response(f"<!DOCTYPE html><title>Shopify</title><p>{html.escape(text)}</p>", status, content_type="text/html")


# The token endpoint


def access_token(world: World, shop: Shop, request: Request) -> Response:
    """POST /admin/oauth/access_token, JSON or form: the code grant, refresh, client credentials and token exchange."""
    sent = _sent(request)
    app = world.apps.get(sent.get("client_id", ""))
    if app is None or not hmac.compare_digest(sent.get("client_secret", "").encode(), app.client_secret.encode()):
        return _refuse(400, "invalid_client", "Client authentication failed")
    grants = {
        "refresh_token": _refresh,
        "client_credentials": _client_credentials,
        EXCHANGE: _exchange,
    }
    handler = grants.get(sent.get("grant_type", ""), _code if "code" in sent else None)
    if handler is None:
        return _refuse(400, "unsupported_grant_type", "The grant type is not supported")
    return handler(world, shop, app, sent)


def _sent(request: Request) -> dict[str, str]:
    if "json" in (request.content_type or ""):
        document = request.get_json(force=True, silent=True)
        return {k: str(v) for k, v in document.items()} if isinstance(document, dict) else {}
    return {k: str(v) for k, v in request.form.items()}


def _ok(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), 200, content_type="application/json; charset=utf-8")


def issue(
    world: World, shop: Shop, app: App, scopes: frozenset[str], *, kind: str, life_s: int | None, refreshable: bool = False
) -> dict[str, Any]:
    """Give out a token and return the endpoint's answer. One active expiring offline token per app and shop (documented)."""
    now = world.clock.now().timestamp()
    token = ("shpca_" if kind == "client_credentials" else "shpua_" if kind == "online" else "shpat_") + secrets.token_hex(16)
    if kind == "offline" and life_s is not None:
        for other in list(world.grants.values()):
            if (other.shop_domain, other.client_id, other.kind) == (shop.domain, app.client_id, "offline"):
                del world.grants[other.token]
    grant = Grant(token, shop.domain, app.client_id, scopes, kind, None if life_s is None else now + life_s)
    world.grants[token] = grant
    answer: dict[str, Any] = {"access_token": token, "scope": ",".join(sorted(scopes))}
    if life_s is not None:
        answer["expires_in"] = life_s
    if refreshable:
        grant.refresh_token = "shprt_" + secrets.token_hex(16)
        answer |= {"refresh_token": grant.refresh_token, "refresh_token_expires_in": REFRESH_TOKEN_LIFE_S}
        kept = shop.state.setdefault("refresh_tokens", {})
        kept[grant.refresh_token] = {"client_id": app.client_id, "scopes": scopes, "ends_at_s": now + REFRESH_TOKEN_LIFE_S}
    return answer


def _issue_offline(world: World, shop: Shop, app: App, scopes: frozenset[str], sent: dict[str, str]) -> dict[str, Any]:
    expiring = sent.get("expiring") in ("1", "true", "True")
    life_s = ACCESS_TOKEN_LIFE_S if expiring else None
    return issue(world, shop, app, scopes, kind="offline", life_s=life_s, refreshable=expiring)


def _code(world: World, shop: Shop, app: App, sent: dict[str, str]) -> Response:
    kept = world.codes.pop(sent["code"], None)
    if kept is None or kept["shop"] != shop.domain or kept["client_id"] != app.client_id:
        return _refuse(400, "invalid_request", "The authorization code was not found or was already used")
    if kept["online"]:
        answer = issue(world, shop, app, kept["scopes"], kind="online", life_s=86399)
        user = {"id": 902541635, "first_name": "Demo", "last_name": "Owner", "email": "owner@example.com", "account_owner": True}
        return _ok(answer | {"associated_user_scope": answer["scope"], "associated_user": user})
    return _ok(_issue_offline(world, shop, app, kept["scopes"], sent))


def _refresh(world: World, shop: Shop, app: App, sent: dict[str, str]) -> Response:
    """Rotate: the token that was sent stays usable until its successor is used (documented since 28 Aug 2026)."""
    kept = shop.state.setdefault("refresh_tokens", {})
    token = sent.get("refresh_token", "")
    known = kept.get(token)
    if known is None or known["client_id"] != app.client_id or known["ends_at_s"] <= world.clock.now().timestamp():
        return _refuse(400, "invalid_grant", "This request requires an active refresh_token")
    for older in [t for t, k in kept.items() if k.get("next") == token]:
        del kept[older]
    answer = issue(world, shop, app, known["scopes"], kind="offline", life_s=ACCESS_TOKEN_LIFE_S, refreshable=True)
    known["next"] = answer["refresh_token"]
    return _ok(answer)


def _client_credentials(world: World, shop: Shop, app: App, sent: dict[str, str]) -> Response:
    if shop.state.get("organization_apps") and app.client_id not in shop.state["organization_apps"]:
        return _refuse(400, "shop_not_permitted", "Client credentials cannot be performed on this shop")
    return _ok(issue(world, shop, app, app.scopes, kind="client_credentials", life_s=CLIENT_CREDENTIALS_LIFE_S))


def _exchange(world: World, shop: Shop, app: App, sent: dict[str, str]) -> Response:
    if sent.get("subject_token_type") == OFFLINE:
        return _migrate(world, shop, app, sent)
    if sent.get("subject_token_type") != ID_TOKEN or not _session_token_ok(world, shop, app, sent.get("subject_token", "")):
        return _refuse(400, "invalid_subject_token", "The subject token is invalid")
    if sent.get("requested_token_type") == ONLINE:
        return _ok(issue(world, shop, app, app.scopes, kind="online", life_s=86399))
    return _ok(_issue_offline(world, shop, app, app.scopes, sent))


def _migrate(world: World, shop: Shop, app: App, sent: dict[str, str]) -> Response:
    """A static token becomes an expiring pair; the same question within 7 days gets the same pair (documented)."""
    moved = shop.state.setdefault("migrated", {})
    old, now = sent.get("subject_token", ""), world.clock.now().timestamp()
    at_s, answer = moved.get(old, (0.0, None))
    if answer is not None and now - at_s <= MIGRATION_REPEAT_S:
        return _ok(answer)
    grant = world.grants.get(old)
    if grant is None or grant.shop_domain != shop.domain or grant.expires_at_s is not None:
        return _refuse(400, "invalid_subject_token", "The subject token is invalid")
    del world.grants[old]
    answer = issue(world, shop, app, grant.scopes, kind="offline", life_s=ACCESS_TOKEN_LIFE_S, refreshable=True)
    moved[old] = (now, answer)
    return _ok(answer)


def _session_token_ok(world: World, shop: Shop, app: App, token: str) -> bool:
    try:
        head, body, signature = token.split(".")
        made = hmac.new(app.client_secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_unpad(signature), made) or json.loads(_unpad(head)).get("alg") != "HS256":
            return False
        claims = json.loads(_unpad(body))
        now = world.clock.now().timestamp()
        fresh = float(claims["nbf"]) - 10 <= now <= float(claims["exp"]) + 10
        return bool(fresh and claims["aud"] == app.client_id and claims["dest"] == f"https://{shop.domain}")
    except (ValueError, KeyError, TypeError):
        return False


def _unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
