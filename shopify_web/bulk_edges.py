"""Edge models of the bulk routes; see `edges`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from shopify_web.edges import (
    CustomerFilterQuery,
    Edge,
    NewProductFields,
    OrderFilterQuery,
    PageQuery,
    ProductFields,
    ProductFilterQuery,
    Who,
    WhoQuery,
)
from shopify_web.fields import Id, Lowered, NotEmpty, QueryFlag, QueryLimit

MAX_WAIT_S = 25
Seconds = Annotated[int, Field(ge=0, le=MAX_WAIT_S)]
QuerySeconds = Annotated[float, Field(ge=0, le=MAX_WAIT_S, strict=False)]
Status = Annotated[
    Literal["pending", "submitting", "created", "running", "canceling", "completed", "canceled", "failed", "expired"], Lowered
]
Gql = Annotated[str, Field(min_length=1, max_length=50_000)]


class BulkQueryBody(Who):
    """A bulk query of the caller's own."""

    query: Gql
    variables: dict[str, Any] = Field(default_factory=dict, description="Written into the query, since bulk queries take none.")
    group_objects: bool = Field(False, description="Children directly after their parents; slower at Shopify.")
    wait_for_completion: bool = False
    timeout_s: Seconds = Field(MAX_WAIT_S, description="How long to wait, at most.")


class BulkMutationBody(Who):
    """A bulk mutation of the caller's own; only where the host enables mutations."""

    mutation: Gql
    variables: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]


class BulkNewProduct(NewProductFields):
    """A product to be created."""


class BulkChangedProduct(ProductFields):
    """A product to be changed: variants by id or added, the others kept."""

    id: Id
    replace_variants: bool = False


class BulkCreateBody(Who):
    """Any number of products, up to 100 MiB."""

    products: Annotated[list[BulkNewProduct], Field(min_length=1)]


class BulkUpdateBody(Who):
    """Any number of products, up to 100 MiB."""

    products: Annotated[list[BulkChangedProduct], Field(min_length=1)]


class BulkHead(Who):
    """What such a body says besides its products."""


class OperationListQuery(PageQuery):
    """Which operations."""

    status: Status | None = None


class WaitQuery(Edge):
    """How long to wait."""

    user_id: NotEmpty | None = None
    timeout_s: QuerySeconds = MAX_WAIT_S


class ResultQuery(Edge):
    """In which form."""

    user_id: NotEmpty | None = None
    nested: QueryFlag = Field(False, description="Children inside their parents.")
    partial: QueryFlag = Field(False, description="What there is of an operation that failed.")


class OneQuery(Edge):
    """For whom."""

    user_id: NotEmpty | None = None


class ExportQuery(WhoQuery):
    """How many to show at once, and how long to wait for them."""

    limit: QueryLimit = Field(250, description="1 to 250; the rest is in `result`.")
    timeout_s: QuerySeconds = Field(10, description="How long to wait; then 202 and nothing yet.")


class ProductExportQuery(ProductFilterQuery, ExportQuery):
    """An export of products."""


class OrderExportQuery(OrderFilterQuery, ExportQuery):
    """An export of orders."""


class CustomerExportQuery(CustomerFilterQuery, ExportQuery):
    """An export of customers."""


class InventoryExportQuery(ExportQuery):
    """An export of inventory levels."""

    sku: NotEmpty | None = None
