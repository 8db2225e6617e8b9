"""Edge models of the webhook routes; see `edges`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shopify_kit.identifiers import MAX_ID
from shopify_web.edges import Edge, PageQuery, Who, WhoQuery
from shopify_web.fields import From, Id, Lowered, NotEmpty, QueryFlag, SecretText, Until

Status = Annotated[
    Literal["pending", "processed", "superseded", "unhandled", "duplicate", "quarantined", "dead"],
    Lowered,
]
Names = Annotated[list[NotEmpty], Field(max_length=100)]


class TopicBody(Edge):
    """One topic with what Shopify is to send of it."""

    topic: NotEmpty
    filter: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="In Shopify's search syntax: only events that match are delivered."
    )
    include_fields: Names = Field(default_factory=list, description="Only these fields of the payload.")
    metafield_namespaces: Names = Field(default_factory=list, description="Metafields of these namespaces come along.")


def _as_topic(value: Any) -> Any:
    return {"topic": value} if isinstance(value, str) else value


Topics = Annotated[
    list[Annotated[TopicBody, BeforeValidator(_as_topic, json_schema_input_type=NotEmpty | TopicBody)]],
    Field(min_length=1, max_length=250),
]


class WebhookSetupBody(Who):
    """Which webhooks a shop is to have."""

    webhook_secret: SecretText | None = Field(None, description="What the shop's custom app signs with, where it has its own.")
    webhook_url: str | None = Field(
        None, description="On the origin of SHOPIFY_WEBHOOK_URL, or one of SHOPIFY_WEBHOOK_DESTINATIONS; else SHOPIFY_WEBHOOK_URL."
    )
    topics: Topics | None = Field(None, description="The default topics unless given.")


class RegisterAllBody(Who):
    """The same by the host's base address."""

    base_url: str | None = Field(None, description="On the origin of SHOPIFY_WEBHOOK_URL; the path of our routes is added.")
    topics: Topics | None = None


class EventListQuery(PageQuery):
    """Which deliveries."""

    topic: NotEmpty | None = None
    status: Status | None = None
    since: From | None = None
    until: Until | None = None
    sort: Literal["-received_at", "received_at"] = Field("-received_at", description="Newest first unless `received_at`.")
    include_stats: QueryFlag = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.since, self.until)
        return self


class ReplayBody(Who):
    """Which deliveries are to be handled again; at least one filter."""

    topic: NotEmpty | None = None
    status: Status | None = None
    since: From | None = None
    until: Until | None = None
    ids: Annotated[list[Id], Field(min_length=1, max_length=500)] | None = None
    after: Annotated[int, Field(ge=0, le=MAX_ID)] = Field(0, description="`next_after` of the portion before.")
    dry_run: bool = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        filters = (self.shop_domain, self.store_id, self.topic, self.status, self.since, self.until, self.ids)
        if all(value is None for value in filters):
            raise ValueError("say which: shop_domain, store_id, topic, status, since, until or ids")
        _check_order(self.since, self.until)
        return self


def _check_order(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and since > until:
        raise ValueError("since must not be after until")


class TopicsQuery(WhoQuery):
    """For which shop; all topics without a shop."""


class TomlQuery(WhoQuery):
    """For which address."""

    webhook_url: str | None = Field(None, description="SHOPIFY_WEBHOOK_URL unless given.")
