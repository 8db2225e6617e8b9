"""The acceptance story, readable top to bottom: a backend, a shop, real Postgres, and nothing but public doors.

Run it with `pytest test_shopify_integration.py -v` or `python test_shopify_integration.py`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopify_integration_register import get_shopify_endpoints, get_shopify_service_info, register_shopify_integration
from tests.databases import fresh_database
from tests.fake_store import FakeStore, run_fake_store

USER = "merchant-1"
HOSTS_OWN: list[Any] = []
"""Pools whose loop is closed: nobody can close their connections, so they are kept to the end."""


@pytest.fixture(scope="class")
def store() -> Iterator[FakeStore]:
    """A shop of our own that nobody sold anything in yet."""
    with run_fake_store("--empty") as running:
        yield running


@pytest.fixture(scope="class")
def story_database_url(postgres: str) -> Iterator[str]:
    """An empty database that lives as long as the story."""
    with fresh_database(postgres) as (_, dsn):
        yield dsn


@pytest.fixture(scope="class")
def app(store: FakeStore, story_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A backend as many are: its pool was made with `asyncio.run`, so the pool's loop is closed when requests come."""

    async def init_database() -> Any:
        return await asyncpg.create_pool(story_database_url, min_size=1, max_size=4)

    pool = asyncio.run(init_database())
    HOSTS_OWN.append(pool)
    app = Flask("backend", instance_path=str(tmp_path_factory.mktemp("instance")))
    app.config.update(TESTING=True, SHOPIFY_ADMIN_ORIGIN=store.base_url)
    assert register_shopify_integration(app, pool) is True
    yield app
    app.extensions["shopify"].close()


@pytest.fixture(scope="class")
def client(app: Flask) -> FlaskClient:
    """Whoever calls the backend."""
    return app.test_client()


@pytest.fixture(scope="class")
def told() -> dict[str, Any]:
    """What earlier chapters of the story found out."""
    return {}


class TestShopifyIntegration:
    """One shop's first day."""

    def test_shopify_health_check(self, client: FlaskClient) -> None:
        answer = client.get("/api/shopify/health?detailed=true")

        assert answer.status_code == 200
        health = answer.get_json()["health"]
        assert health["status"] == "healthy"
        assert health["services"]["database"]["status"] == "up"
        assert health["services"]["database"]["source"] == "reopened_pool"
        assert health["api_version"] == "2026-10"

    def test_nothing_can_be_read_before_a_shop_is_connected(self, client: FlaskClient) -> None:
        answer = client.get(f"/api/shopify/products?user_id={USER}")

        assert answer.status_code == 409
        assert answer.get_json()["code"] == "not_connected"

    def test_a_wrong_token_connects_nothing(self, client: FlaskClient, store: FakeStore) -> None:
        body = {"user_id": USER, "shop_domain": store.shop.shop_domain, "access_token": "shpat_of_another_shop"}
        answer = client.post("/api/shopify/connect", json=body)

        assert answer.status_code == 422
        assert answer.get_json()["code"] == "token_rejected"
        assert client.get(f"/api/shopify/stores?user_id={USER}").get_json()["stores"] == []

    def test_the_right_token_connects_the_shop(self, client: FlaskClient, store: FakeStore) -> None:
        body = {"user_id": USER, "shop_domain": store.shop.shop_domain, "access_token": store.shop.access_token}
        answer = client.post("/api/shopify/connect", json=body)

        assert answer.status_code == 200, answer.get_json()
        assert answer.get_json()["connected"] is True
        assert answer.get_json()["shop"]["domain"] == store.shop.shop_domain
        assert answer.get_json()["shop"]["currency"] == "CAD"
        assert store.shop.access_token not in answer.get_data(as_text=True)

    def test_a_product_is_created_with_its_stock(self, client: FlaskClient, told: dict[str, Any]) -> None:
        product = {
            "title": "Enamel mug",
            "vendor": "Northwind",
            "product_type": "Kitchen",
            "status": "active",
            "tags": "camping, Gift",
            "description": "<p>Holds 350 ml.</p>",
            "variants": [
                {"title": "White", "price": "18.50", "sku": "MUG-W", "inventory_quantity": 12, "weight": 240},
                {"title": "Blue", "price": 19, "sku": "MUG-B", "inventory_quantity": 3, "weight": 0.24, "weight_unit": "kg"},
            ],
        }
        answer = client.post("/api/shopify/products", json={"user_id": USER, "product": product})

        assert answer.status_code == 201, answer.get_json()
        made = answer.get_json()["product"]
        assert [(v["sku"], v["price"], v["inventory_quantity"], v["grams"]) for v in made["variants"]] == [
            ("MUG-W", "18.50", 12, 240),
            ("MUG-B", "19.00", 3, 240),
        ]
        assert made["status"] == "active"
        assert made["tags"] == "camping, Gift"
        assert made["currency"] == "CAD"
        told["product"] = made

    def test_a_second_product_of_another_vendor(self, client: FlaskClient) -> None:
        product = {"title": "Rope", "vendor": "Southwind", "status": "draft", "price": "5"}
        answer = client.post("/api/shopify/products", json={"user_id": USER, "product": product})

        assert answer.status_code == 201, answer.get_json()
        assert answer.get_json()["product"]["variants"][0]["price"] == "5.00"

    @pytest.mark.parametrize(
        ("filters", "titles"),
        [
            ({"vendor": "northwind"}, ["Enamel mug"]),
            ({"status": "draft"}, ["Rope"]),
            ({"sku": "MUG-B"}, ["Enamel mug"]),
            ({"title": "mug", "product_type": "Kitchen"}, ["Enamel mug"]),
            ({"created_at_min": "2020-01-01", "limit": "1"}, ["Enamel mug"]),
            ({"created_at_max": "2020-01-01"}, []),
            ({}, ["Enamel mug", "Rope"]),
        ],
        ids=lambda value: "&".join(value) or "all" if isinstance(value, dict) else None,
    )
    def test_products_are_listed_with_filters(self, client: FlaskClient, filters: dict[str, str], titles: list[str]) -> None:
        answer = client.get("/api/shopify/products", query_string={"user_id": USER, **filters})

        assert answer.status_code == 200, answer.get_json()
        assert [product["title"] for product in answer.get_json()["products"]] == titles
        assert answer.headers["X-Shopify-Cost-Available"].isdigit()

    def test_a_list_goes_on_where_the_page_before_ended(self, client: FlaskClient) -> None:
        first = client.get(f"/api/shopify/products?user_id={USER}&limit=1").get_json()
        second = client.get(
            "/api/shopify/products", query_string={"user_id": USER, "limit": 1, "cursor": first["page"]["next_cursor"]}
        )

        assert first["page"]["has_next"] is True
        assert second.get_json()["products"][0]["title"] == "Rope"
        assert second.get_json()["page"] == {"next_cursor": None, "has_next": False}

    def test_an_update_changes_only_what_it_names(self, client: FlaskClient, told: dict[str, Any]) -> None:
        blue = told["product"]["variants"][1]
        change = {"title": "Enamel mug, 350 ml", "variants": [{"id": blue["id"], "inventory_quantity": 8}]}
        answer = client.put(f"/api/shopify/products/{told['product']['id']}", json={"user_id": USER, "product": change})

        assert answer.status_code == 200, answer.get_json()
        changed = answer.get_json()["product"]
        assert changed["title"] == "Enamel mug, 350 ml"
        assert [(v["sku"], v["price"], v["inventory_quantity"]) for v in changed["variants"]] == [
            ("MUG-W", "18.50", 12),
            ("MUG-B", "19.00", 8),
        ]

    def test_a_customer_registers(self, client: FlaskClient, told: dict[str, Any]) -> None:
        customer = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "tags": ["vip"]}
        answer = client.post("/api/shopify/customers", json={"user_id": USER, "customer": customer})

        assert answer.status_code == 201, answer.get_json()
        told["customer"] = answer.get_json()["customer"]
        found = client.get(f"/api/shopify/customers?user_id={USER}&email=ada@example.com").get_json()["customers"]
        assert [c["id"] for c in found] == [told["customer"]["id"]]

    def test_the_customer_orders_two_mugs_and_the_stock_falls(self, client: FlaskClient, told: dict[str, Any]) -> None:
        white = told["product"]["variants"][0]
        order = {"line_items": [{"variant_id": white["id"], "quantity": 2}], "customer_id": told["customer"]["id"]}
        answer = client.post("/api/shopify/orders", json={"user_id": USER, "order": order})

        assert answer.status_code == 201, answer.get_json()
        made = answer.get_json()["order"]
        assert made["total_price"] == "37.00"
        assert made["customer"]["email"] == "ada@example.com"
        levels = client.get(f"/api/shopify/inventory?user_id={USER}&sku=MUG-W").get_json()["inventory_levels"]
        assert sum(level["available"] for level in levels) == 10
        told["order"] = made

    def test_the_order_is_shipped(self, client: FlaskClient, told: dict[str, Any]) -> None:
        body = {"user_id": USER, "tracking": {"number": "1Z999", "company": "UPS"}}
        answer = client.post(f"/api/shopify/orders/{told['order']['id']}/fulfill", json=body)

        assert answer.status_code == 200, answer.get_json()
        assert answer.get_json()["order"]["fulfillment_status"] == "fulfilled"
        assert answer.get_json()["order"]["fulfillments"][0]["tracking"][0]["number"] == "1Z999"

    def test_search_finds_all_of_it(self, client: FlaskClient, told: dict[str, Any]) -> None:
        mugs = client.post("/api/shopify/search", json={"user_id": USER, "query": "mug", "type": "products"}).get_json()
        ada = client.post("/api/shopify/search", json={"user_id": USER, "query": "ada@example.com"}).get_json()

        assert [product["id"] for product in mugs["results"]["products"]] == [told["product"]["id"]]
        assert [customer["id"] for customer in ada["results"]["customers"]] == [told["customer"]["id"]]
        assert ada["total"] >= 1

    def test_the_service_registry_shows_the_integration(self) -> None:
        info = get_shopify_service_info()

        assert info["name"] == "shopify"
        assert info["api_version"] == "2026-10"
        assert "GET /api/shopify/products" in info["endpoints"]["core"]
        assert info["endpoints"] == get_shopify_endpoints()

    def test_leaving_the_shop_destroys_its_token(self, client: FlaskClient) -> None:
        assert client.post("/api/shopify/disconnect", json={"user_id": USER}).status_code == 200

        answer = client.get(f"/api/shopify/products?user_id={USER}")
        assert answer.get_json()["code"] == "not_connected"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-v"]))
