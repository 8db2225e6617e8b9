"""Bulk operations and staged uploads as Shopify shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from shopify_admin.products import Product
from shopify_admin.shapes import Raw
from shopify_kit.errors import InvalidInput

OVER = frozenset({"completed", "canceled", "failed", "expired"})
NO_SLOT = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})
"""Codes of a refusal that only means: wait until another operation has ended."""


class RemoteOperation(Struct, frozen=True):
    """A bulk operation as Shopify has it; `document` only where it was asked for."""

    gid: str
    kind: str
    status: str
    error_code: str | None
    created_at: datetime
    completed_at: datetime | None
    object_count: int
    root_object_count: int
    file_size: int | None
    url: str | None
    partial_data_url: str | None
    document: str | None = None


class UploadTarget(Struct, frozen=True):
    """Where a file is to be posted, and with which form fields before it."""

    url: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """What a bulk mutation names the uploaded file by: its `key`."""
        return dict(self.parameters)["key"]


class ProductLists(Struct, frozen=True):
    """A product with its lists of files and metafields; None where they are longer than one page."""

    product: Product
    files: tuple[str, ...] | None
    metafields: tuple[dict[str, Any], ...] | None

    def kept_files(self) -> list[dict[str, Any]]:
        """Write the files as a FileSetInput that keeps them.

        Raises:
            InvalidInput: there are too many to list.
        """
        if self.files is None:
            raise InvalidInput.field("images", "the product has more than 250 files; change it by itself")
        return [{"id": gid} for gid in self.files]

    def kept_metafields(self) -> list[dict[str, Any]]:
        """Write the metafields as an input that keeps them.

        Raises:
            InvalidInput: there are too many to list.
        """
        if self.metafields is None:
            raise InvalidInput.field("metafields", "the product has more than 250 metafields; change it by itself")
        return [{key: raw[key] for key in ("namespace", "key", "type", "value")} for raw in self.metafields]


def remote_of(raw: Raw) -> RemoteOperation:
    """Read Shopify's BulkOperation; its counts are texts."""
    return RemoteOperation(
        gid=raw["id"],
        kind=raw["type"].lower(),
        status=raw["status"].lower(),
        error_code=raw["errorCode"],
        created_at=datetime.fromisoformat(raw["createdAt"]),
        completed_at=datetime.fromisoformat(raw["completedAt"]) if raw["completedAt"] else None,
        object_count=int(raw["objectCount"]),
        root_object_count=int(raw["rootObjectCount"]),
        file_size=int(raw["fileSize"]) if raw["fileSize"] is not None else None,
        url=raw["url"],
        partial_data_url=raw["partialDataUrl"],
        document=raw.get("query"),
    )


def target_of(raw: Raw) -> UploadTarget:
    """Read Shopify's StagedMediaUploadTarget."""
    return UploadTarget(raw["url"], tuple((part["name"], part["value"]) for part in raw["parameters"]))


def lists_of(raw: Raw, product: Product) -> ProductLists:
    """Read the lists beside a product."""
    files, metafields = raw["files"], raw["metafields"]
    return ProductLists(
        product=product,
        files=None if files["pageInfo"]["hasNextPage"] else tuple(node["id"] for node in files["nodes"]),
        metafields=None if metafields["pageInfo"]["hasNextPage"] else tuple(metafields["nodes"]),
    )
