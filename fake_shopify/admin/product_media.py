"""Pictures and videos of products: their rows, how they become ready, and what products, variants and media show of them.

A media row is kept under its type and under `Media`, which the lists use; both hold the same row. New media are UPLOADED in the
answer that makes them, PROCESSING in the next request that looks at them and READY from then on (captured: BEHAVIOURS 27,
products-030; assumed: one step per request, where Shopify takes seconds). Videos from elsewhere skip PROCESSING (captured:
products-082, variants-005).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_shopify.admin.product_fields import counted
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context, split_gid
from fake_shopify.paging import Connection, by_id, page, page_of_list
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

TYPES = {"IMAGE": "MediaImage", "EXTERNAL_VIDEO": "ExternalVideo", "VIDEO": "Video", "MODEL_3D": "Model3d"}
NEXT = {"UPLOADED": "PROCESSING", "PROCESSING": "READY", "READY": "READY"}
VIDEO_HOSTS = ("youtu.be", "youtube.com", "vimeo.com")
SIZE_IN_PATH = re.compile(r"(\d{2,4})x(\d{2,4})")
ASSUMED_SIZE = (1024, 1024)


# Rows


def source_error(spec: dict[str, Any]) -> str | None:
    """Return what is wrong with the source of new media (captured for images: products-082, 143; assumed for the others)."""
    parts = urlsplit(spec["originalSource"])
    is_web = parts.scheme in ("http", "https") and bool(parts.netloc)
    if spec["mediaContentType"] == "EXTERNAL_VIDEO":
        host = (parts.hostname or "").removeprefix("www.")
        return None if is_web and host.endswith(VIDEO_HOSTS) else "External video URL is invalid"
    if is_web:
        return None
    return {"IMAGE": "Image URL is invalid", "VIDEO": "Video URL is invalid"}.get(
        spec["mediaContentType"], "Model 3D URL is invalid"
    )


def new_media(ctx: Context, product: Row, spec: dict[str, Any]) -> Row:
    """Make media as the last of a product."""
    number, now, source = ctx.shop.new_id("Media"), ctx.now(), spec["originalSource"]
    type_name = TYPES[spec["mediaContentType"]]
    row = Row(
        __typename=type_name,
        _id=number,
        id=gid(type_name, number),
        alt=spec.get("alt"),
        mediaContentType=spec["mediaContentType"],
        mediaErrors=[],
        mediaWarnings=[],
        fileErrors=[],
        createdAt=now,
        updatedAt=now,
        _state="UPLOADED",
        _request=ctx,
        _source=source,
        _image_id=ctx.shop.new_id("ProductImage"),
    )
    ctx.table(type_name).add(row)
    product["_media_ids"].append(number)
    return ctx.table("Media").add(row)


def copy_media(ctx: Context, product: Row, source: Row) -> Row:
    """Make media of a product from that of another; it is ready as far as its origin is."""
    spec = {"mediaContentType": source["mediaContentType"], "originalSource": source["_source"], "alt": source["alt"]}
    row = new_media(ctx, product, spec)
    row["_state"] = source["_state"]
    return row


def drop_media(shop: Shop, product: Row, number: int) -> None:
    """Delete media of a product and take it off its variants."""
    row = shop.table("Media").get(number)
    product["_media_ids"].remove(number)
    for variant in map(shop.table("ProductVariant").edit, product["_variant_ids"]):
        if variant is not None and variant["_media_id"] == number:
            variant["_media_id"] = None
    if row is not None:
        shop.table(row["__typename"]).remove(number)
        shop.table("Media").remove(number)


def media_of(shop: Shop, product: Row) -> list[Row]:
    """Return the media of a product in their order."""
    return [row for row in map(shop.table("Media").get, product["_media_ids"]) if row is not None]


def number_in(text: str, product: Row) -> int | None:
    """Return the number of a media GID when it is one of the product's; None otherwise."""
    kind, number = split_gid(text)
    known = kind in TYPES.values() and number.isdigit() and int(number) in product["_media_ids"]
    return int(number) if known else None


# Becoming ready


def state(row: Row, ctx: Context) -> str:
    """Return the status of media; each request that looks at it takes it one step on."""
    if row["_request"] is not ctx and row["_state"] != "READY":
        row["_request"] = ctx
        row["_state"] = "READY" if row["mediaContentType"] == "EXTERNAL_VIDEO" else NEXT[row["_state"]]
    return str(row["_state"])


def is_ready(row: Row) -> bool:
    """Say whether media is known to be ready."""
    return bool(row["_state"] == "READY")


def picture(row: Row, ctx: Context, id: str | None) -> dict[str, Any] | None:
    """Shape of an `Image` of ready media; null before. Width and height are read out of the source's path, else assumed."""
    if state(row, ctx) != "READY":
        return None
    sized = SIZE_IN_PATH.search(row["_source"])
    width, height = (int(sized[1]), int(sized[2])) if sized else ASSUMED_SIZE
    name = re.sub(r"[^\w.-]+", "_", urlsplit(row["_source"]).path.rsplit("/", 1)[-1]) or "image"
    stem, _, ending = name.partition(".")
    stamp = int(parse_iso(row["createdAt"]).timestamp())
    url = f"https://cdn.shopify.com/s/files/1/{ctx.shop.number}/files/{stem}_{row.number}.{ending or 'png'}?v={stamp}"
    return {"__typename": "Image", "id": id, "url": url, "altText": row["alt"], "width": width, "height": height}


@field("MediaImage", "image")
def _image(row: Row, ctx: Context) -> dict[str, Any] | None:
    return picture(row, ctx, gid("ImageSource", row.number))


def _preview(row: Row, ctx: Context) -> dict[str, Any]:
    return {
        "__typename": "MediaPreviewImage",
        "image": picture(row, ctx, gid("ImageSource", row.number)),
        "status": state(row, ctx),
    }


def _file_status(row: Row, ctx: Context) -> str:
    return state(row, ctx)


for _kind in TYPES.values():
    field(_kind, "status")(state)
    field(_kind, "preview")(_preview)
    field(_kind, "fileStatus")(_file_status)


@field("MediaImage", "mimeType")
def _mime_type(row: Row, ctx: Context) -> str | None:
    ending = urlsplit(row["_source"]).path.rsplit(".", 1)[-1].lower()
    return f"image/{'jpeg' if ending in ('jpg', 'jpeg') else ending if ending in ('gif', 'webp') else 'png'}"


# Videos from elsewhere


def video_id(source: str) -> tuple[str, str]:
    """Return host and id of a YouTube or Vimeo address."""
    parts = urlsplit(source)
    host = "VIMEO" if "vimeo" in (parts.hostname or "") else "YOUTUBE"
    named = parse_qs(parts.query).get("v")
    return host, named[0] if named else parts.path.rstrip("/").rsplit("/", 1)[-1]


@field("ExternalVideo", "host")
def _host(row: Row, ctx: Context) -> str:
    return video_id(row["_source"])[0]


@field("ExternalVideo", "originUrl")
def _origin(row: Row, ctx: Context) -> str:
    host, name = video_id(row["_source"])
    return f"https://vimeo.com/{name}" if host == "VIMEO" else f"https://youtu.be/{name}"


@field("ExternalVideo", "embedUrl")
def _embed(row: Row, ctx: Context) -> str:
    host, name = video_id(row["_source"])
    return f"https://player.vimeo.com/video/{name}" if host == "VIMEO" else f"https://www.youtube.com/embed/{name}"


# On products and variants


@field("Product", "media")
def _media(row: Row, ctx: Context, **arguments: Any) -> Connection:
    rows = media_of(ctx.shop, row)
    return page(rows, arguments, key=by_id) if arguments.get("sortKey") == "ID" else page_of_list(rows, arguments)


@field("Product", "mediaCount")
def _media_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(len(row["_media_ids"]))


def _ready_images(row: Row, ctx: Context) -> list[Row]:
    rows = [one for one in media_of(ctx.shop, row) if one["__typename"] == "MediaImage"]
    pictures = [(one, picture(one, ctx, gid("ProductImage", one["_image_id"]))) for one in rows]
    shown = [Row(view, _id=one.number) for one, view in pictures if view is not None]
    for place, view in enumerate(shown, 1):
        view["_place"] = place
    return shown


@field("Product", "images")
def _images(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """List the ready images; the cursor names media and place (captured: products-030)."""
    return page(_ready_images(row, ctx), arguments, key=lambda one: str(one["_place"]).rjust(4))


@field("Product", "featuredImage")
def _featured_image(row: Row, ctx: Context) -> Row | None:
    return next(iter(_ready_images(row, ctx)), None)


@field("Product", "featuredMedia")
def _featured_media(row: Row, ctx: Context) -> Row | None:
    """Give the first media once it is ready (captured: products-030)."""
    first = next(iter(media_of(ctx.shop, row)), None)
    return first if first is not None and state(first, ctx) == "READY" else None


@field("ProductVariant", "media")
def _variant_media(row: Row, ctx: Context, **arguments: Any) -> Connection:
    found = ctx.table("Media").get(row["_media_id"]) if row["_media_id"] is not None else None
    return page_of_list([found] if found is not None else [], arguments)


@field("ProductVariant", "image")
def _variant_image(row: Row, ctx: Context, **arguments: Any) -> dict[str, Any] | None:
    found = ctx.table("Media").get(row["_media_id"]) if row["_media_id"] is not None else None
    return picture(found, ctx, gid("ProductImage", found["_image_id"])) if found is not None else None
