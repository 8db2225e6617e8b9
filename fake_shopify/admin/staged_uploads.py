"""Staged uploads: `stagedUploadsCreate` gives out signed targets for files, which stand for Google Cloud Storage's.

Captured: staged_uploads-001 … 019 (folders, forms, fields and their order, where `resourceUrl` points), and that the image of a
shop is refused to an app with every scope that apps have (staged_uploads-012). Source: mutations/stagedUploadsCreate, input
objects/StagedUploadInput (`fileSize` is required for videos and models; read 2026-11). Assumed: the folder of collection images,
that videos and models are always sent as forms, and the words for what is refused.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from fake_shopify.admin.bulk_operations import desk_of
from fake_shopify.context import Context
from fake_shopify.failures import access_denied, user_error
from fake_shopify.registry import mutation
from fake_shopify.staged_files import LIMITS, TARGET_LIVES_S, StagedFile

FOLDERS = {
    "BULK_MUTATION_VARIABLES": "bulk",
    "COLLECTION_IMAGE": "collections",
    "DISPUTE_FILE_UPLOAD": "payments_file_uploads",
    "FILE": "files",
    "IMAGE": "products",
    "PRODUCT_IMAGE": "products",
    "RETURN_LABEL": "return_labels",
    "URL_REDIRECT_IMPORT": "redirect_imports",
}
NAMED_BY_TARGET = ("BULK_MUTATION_VARIABLES", "URL_REDIRECT_IMPORT")
"""Resources that are named by their key later on: their `resourceUrl` is no more than the target's own address."""
SIZED = ("MODEL_3D", "VIDEO")
CREDENTIAL = "merchant-assets@shopify-tiers.iam.gserviceaccount.com"
ALGORITHM = "GOOG4-RSA-SHA256"

Input = dict[str, Any]
Target = dict[str, Any]


@mutation("stagedUploadsCreate")
def staged_uploads_create(ctx: Context, input: list[Input]) -> dict[str, Any]:
    """Give out targets, one for each input, or none when one is wrong."""
    if any(one["resource"] == "SHOP_IMAGE" for one in input):
        raise access_denied("stagedUploadsCreate", None)
    errors = [error for index, one in enumerate(input) for error in _errors(index, one)]
    if errors:
        return {"stagedTargets": None, "userErrors": errors}
    return {"stagedTargets": [_target(ctx, one) for one in input], "userErrors": []}


def _errors(index: int, given: Input) -> list[dict[str, Any]]:
    field, size = ["input", str(index)], given.get("fileSize")
    if not given["filename"].strip():
        return [user_error([*field, "filename"], "Filename can't be blank")]
    if not given["mimeType"].strip():
        return [user_error([*field, "mimeType"], "Mime type can't be blank")]
    if given["resource"] in SIZED and size is None:
        return [user_error([*field, "fileSize"], "File size is required for video and 3D model resources")]
    limit = LIMITS.get(given["resource"])
    if size is not None and limit is not None and int(size) > limit:
        return [user_error([*field, "fileSize"], f"File size exceeds the maximum allowed of {limit} bytes")]
    return []


def _target(ctx: Context, given: Input) -> Target:
    resource = given["resource"]
    if resource in SIZED:
        return _media_target(ctx, given)
    name = _name_of(given)
    key = f"tmp/{ctx.shop.number}/{FOLDERS[resource]}/{uuid.uuid4()}/{name}"
    if given.get("httpMethod") == "POST":
        return _form_target(ctx, given, key)
    staged = desk_of(ctx).uploads.add(key, ctx.shop.domain, resource, {})
    plain = f"{ctx.base_url}/{quote(key)}"
    signed = f"{plain}?{_query(ctx, staged)}"
    parameters = {"content_type": given["mimeType"], "acl": "private"}
    return _shown(signed, signed if resource in NAMED_BY_TARGET else plain, parameters)


def _name_of(given: Input) -> str:
    """Return the name of the file in the bucket; the label of a return gets one that nobody can guess."""
    name = str(given["filename"]).replace("/", "_")
    return f"{uuid.uuid4().hex}{os.path.splitext(name)[1]}" if given["resource"] == "RETURN_LABEL" else name


def _form_target(ctx: Context, given: Input, key: str) -> Target:
    signature = desk_of(ctx).uploads.sign(key)
    parameters = {
        "Content-Type": given["mimeType"],
        "success_action_status": "201",
        "acl": "private",
        "key": key,
        "x-goog-date": _stamp(ctx),
        "x-goog-credential": _credential(ctx),
        "x-goog-algorithm": ALGORITHM,
        "x-goog-signature": signature,
        "policy": _policy(ctx, key),
    }
    desk_of(ctx).uploads.add(key, ctx.shop.domain, given["resource"], parameters)
    address = f"{ctx.base_url}/"
    return _shown(address, address if given["resource"] in NAMED_BY_TARGET else address + quote(key), parameters)


def _media_target(ctx: Context, given: Input) -> Target:
    """Give out the target of a video or a model, which is known by a number of its own from now on."""
    number, tail = ctx.shop.new_id("StagedMedia"), os.path.splitext(given["filename"])[1]
    if given["resource"] == "VIDEO":
        key = f"c/o/v/{uuid.uuid4().hex}{tail}"
        address, suffix = ctx.base_url, f"?external_video_id={number}"
        url, resource_url = address, address + suffix
    else:
        key = f"models/{uuid.uuid4().hex[:16]}/{given['filename']}"
        named = base64.b64encode(f"model3d-{number}".encode()).decode()
        url = resource_url = f"{ctx.base_url}/threed-models-production/{quote(key)}?external_model3d_id={quote(named)}"
    parameters = {
        "GoogleAccessId": CREDENTIAL,
        "key": key,
        "policy": _policy(ctx, key),
        "signature": desk_of(ctx).uploads.sign(key),
    }
    desk_of(ctx).uploads.add(key, ctx.shop.domain, given["resource"], parameters)
    return _shown(url, resource_url, parameters)


def _shown(url: str, resource_url: str, parameters: dict[str, str]) -> Target:
    shown = [{"__typename": "StagedUploadParameter", "name": name, "value": value} for name, value in parameters.items()]
    return {"__typename": "StagedMediaUploadTarget", "url": url, "resourceUrl": resource_url, "parameters": shown}


def _stamp(ctx: Context) -> str:
    return ctx.world.clock.now().strftime("%Y%m%dT%H%M%SZ")


def _credential(ctx: Context) -> str:
    return f"{CREDENTIAL}/{_stamp(ctx)[:8]}/auto/storage/goog4_request"


def _policy(ctx: Context, key: str) -> str:
    expires = ctx.world.clock.now() + timedelta(seconds=TARGET_LIVES_S)
    document = {"conditions": [{"key": key}, {"acl": "private"}], "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return base64.b64encode(json.dumps(document).encode()).decode()


def _query(ctx: Context, staged: StagedFile) -> str:
    return (
        f"X-Goog-Algorithm={ALGORITHM}&X-Goog-Credential={quote(_credential(ctx), safe='')}&X-Goog-Date={_stamp(ctx)}"
        f"&X-Goog-Expires={TARGET_LIVES_S}&X-Goog-SignedHeaders=host&X-Goog-Signature={staged.signature}"
    )
