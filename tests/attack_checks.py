"""What a row of the recorded attacks expects, key by key, and how it is checked."""

from __future__ import annotations

import json
import re
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from werkzeug.wrappers import Response

from shopify_webhooks import WebhookEvent
from tests.attack_requests import Attack
from tests.server_process import ServerProcess
from tests.web_host import Host, LogBook, Outbound, counted_units, dump_tables, opened_bodies, run_sql

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ONE_PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"')
ROUNDS = 3
"""How often something is timed, where other work on this machine may have been in the way."""
WRITTEN_BY_EVERY_CALL = {"audit_log", "cost_buckets"}


@dataclass(slots=True)
class Outcome:
    """What happened when a row was sent."""

    host: Host
    attack: Attack
    response: Response
    outbound: Outbound
    logs: LogBook
    elapsed_s: float
    tables_before: Mapping[str, list[str]] = field(default_factory=dict)
    connects: int = 0
    again: Callable[[Attack], Response] | None = None
    notes: list[str] = field(default_factory=list)
    effects: Sequence[WebhookEvent] = ()
    rows_at_answer: int = 0
    opened_files: Sequence[str] = ()
    rss_growth_mb: float = 0.0
    server: Callable[[], ServerProcess] | None = None

    @property
    def document(self) -> Any:
        """The answer's JSON."""
        return self.response.get_json()


Check = Callable[[Outcome, Any], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Make a function the check of the key that it is named after."""
    CHECKS[function.__name__.removeprefix("check_")] = function
    return function


@check
def check_status(outcome: Outcome, expected: Any) -> None:
    allowed = expected if isinstance(expected, list) else [expected]
    assert outcome.response.status_code in allowed, outcome.response.get_data(as_text=True)[:500]


@check
def check_error_code(outcome: Outcome, expected: Any) -> None:
    assert outcome.document["ok"] is False
    assert outcome.document["code"] == expected, outcome.document


@check
def check_field(outcome: Outcome, expected: Any) -> None:
    assert expected in [detail["field"] for detail in outcome.document["details"]]


@check
def check_content_type(outcome: Outcome, expected: Any) -> None:
    assert outcome.response.mimetype == expected


@check
def check_has_request_id(outcome: Outcome, expected: Any) -> None:
    assert bool(outcome.response.headers.get("X-Request-Id")) is expected
    assert outcome.document["request_id"] == outcome.response.headers["X-Request-Id"]


@check
def check_body_not_contains(outcome: Outcome, expected: Any) -> None:
    assert [word for word in expected if word in outcome.response.get_data(as_text=True)] == []


@check
def check_no_header(outcome: Outcome, expected: Any) -> None:
    for given in expected:
        name, _, value = given.partition(": ")
        assert not any(value in found for found in outcome.response.headers.getlist(name)), given


@check
def check_response_header_regex(outcome: Outcome, expected: Any) -> None:
    for name, pattern in expected.items():
        assert re.search(pattern, outcome.response.headers[name])


@check
def check_json_keys_not(outcome: Outcome, expected: Any) -> None:
    assert sorted(set(_keys(outcome.document)) & set(expected)) == []


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from _keys(part)


@check
def check_max_elapsed_ms(outcome: Outcome, expected: Any) -> None:
    assert outcome.elapsed_s * 1000 <= expected


@check
def check_outbound_requests(outcome: Outcome, expected: Any) -> None:
    assert len(outcome.outbound.sent) == expected


@check
def check_outbound_connects(outcome: Outcome, expected: Any) -> None:
    assert outcome.connects == expected


@check
def check_upstream_variable_equals(outcome: Outcome, expected: Any) -> None:
    assert _upstream_queries(outcome) == [expected]


@check
def check_upstream_terms(outcome: Outcome, expected: Any) -> None:
    assert expected == 1, "the runner can count one term only"
    assert [bool(ONE_PHRASE.fullmatch(query)) for query in _upstream_queries(outcome)] == [True]


def _upstream_queries(outcome: Outcome) -> list[Any]:
    return [sent.variables.get("query") for sent in outcome.outbound.sent]


@check
def check_upstream_mutations(outcome: Outcome, expected: Any) -> None:
    outcome.host.finish(outcome.document["operation_id"])
    assert len(outcome.outbound.variables("RunBulkMutation")) == expected


@check
def check_outbound_hosts_allowlist(outcome: Outcome, expected: Any) -> None:
    assert [sent.host for sent in outcome.outbound.sent if not any(fnmatch(sent.host, allowed) for allowed in expected)] == []


@check
def check_token_rows_changed(outcome: Outcome, expected: Any) -> None:
    before, after = outcome.tables_before["tokens"], dump_tables(outcome.host.dsn)["tokens"]
    assert len(set(before) ^ set(after)) == expected


@check
def check_tables_unchanged(outcome: Outcome, expected: Any) -> None:
    after = dump_tables(outcome.host.dsn)
    changed = [name for name in after if name not in WRITTEN_BY_EVERY_CALL and outcome.tables_before[name] != after[name]]
    assert (changed == []) is expected, changed


@check
def check_audit_event(outcome: Outcome, expected: Any) -> None:
    assert expected in [entry["action"] for entry in _new_entries(outcome)]


@check
def check_audit(outcome: Outcome, expected: Any) -> None:
    found = [{name: entry[name] for name in expected} for entry in _new_entries(outcome)]
    assert expected in found


def _new_entries(outcome: Outcome) -> list[Any]:
    entries = run_sql(outcome.host.dsn, "select * from shopify.audit_log order by audit_id")
    return entries[len(outcome.tables_before["audit_log"]) :]


@check
def check_log_no_control_chars(outcome: Outcome, expected: Any) -> None:
    found = [line for line in outcome.logs.lines if CONTROLS.search(line)]
    assert (found == []) is expected, found


@check
def check_log_not_contains(outcome: Outcome, expected: Any) -> None:
    assert [word for word in expected if word in outcome.logs.text] == []


@check
def check_log_lines_added_max(outcome: Outcome, expected: Any) -> None:
    assert len(outcome.logs.lines) <= expected


@check
def check_startup_log(outcome: Outcome, expected: Any) -> None:
    assert any(expected in line for line in outcome.logs.lines)


@check
def check_webhooks_still_accepted(outcome: Outcome, expected: Any) -> None:
    answer = outcome.host.deliver("orders/updated", {"id": 1}, path="/webhooks/orders_updated")
    assert (answer.status_code == 200) is expected


@check
def check_same_body_as_unconnected_shop(outcome: Outcome, expected: Any) -> None:
    assert outcome.again is not None
    attack = outcome.attack
    spare, alice = outcome.host.shops["nobody"].shop_domain, outcome.host.shops["alice"].shop_domain
    body = (attack.body or b"").replace(f'"{alice}"'.encode(), f'"{spare}"'.encode())
    assert body != attack.body
    other = outcome.again(Attack(attack.method, attack.path, attack.headers, body)).get_json()
    mine = dict(outcome.document)
    assert ({**mine, "request_id": ""} == {**other, "request_id": ""}) is expected


def path_exists(host: Host, path: str) -> bool:
    """Say whether any method is routed at a path, given as in a URL; of one with odd parts, whether anything is routed below the
    part before them."""
    bare = path.partition("?")[0]
    odd = re.search(r"/[^/]*(?:%|\{\{|\.\.)", bare)
    if odd is None:
        return bool(host.app.url_map.bind("localhost").allowed_methods(bare))
    return any(rule.rule.startswith(bare[: odd.start() + 1]) for rule in host.app.url_map.iter_rules())


# Deliveries


def delivery_of(outcome: Outcome) -> Any:
    """Return the newest delivery with what became of it."""
    (row,) = run_sql(
        outcome.host.dsn,
        "select i.*, o.status, o.reason, o.finished_at from shopify.inbox as i"
        " left join shopify.inbox_outcomes as o using (shop_id, delivery_id) order by i.delivery_id desc limit 1",
    )
    return row


@check
def check_inbox_rows(outcome: Outcome, expected: Any) -> None:
    assert outcome.rows_at_answer == expected


@check
def check_ack_after_commit(outcome: Outcome, expected: Any) -> None:
    assert (outcome.rows_at_answer > 0) is expected, "another connection sees it as soon as it is acknowledged"


@check
def check_max_elapsed_ms_p99(outcome: Outcome, expected: Any) -> None:
    assert any(p99(_times_ms(outcome)) <= expected for _ in range(ROUNDS))


def p99(times_ms: Sequence[float]) -> float:
    """Return what 99 of 100 do not exceed."""
    return statistics.quantiles(times_ms, n=100, method="inclusive")[-1]


def _times_ms(outcome: Outcome) -> list[float]:
    assert outcome.again is not None
    took_ms = []
    for _ in range(60):
        attack = outcome.attack
        other = Attack(attack.method, attack.path, attack.headers | {"X-Shopify-Webhook-Id": str(uuid.uuid4())}, attack.body)
        began = time.monotonic()
        assert outcome.again(other).status_code == 200
        took_ms.append((time.monotonic() - began) * 1000)
    return took_ms


@check
def check_effects(outcome: Outcome, expected: Any) -> None:
    assert len(outcome.effects) == expected


@check
def check_effects_on_bob(outcome: Outcome, expected: Any) -> None:
    bob = outcome.host.shops["bob"].shop_domain
    assert len([event for event in outcome.effects if event.shop_domain == bob]) == expected


@check
def check_effects_on_resource(outcome: Outcome, expected: Any) -> None:
    assert expected == "idempotent"
    assert len({event.event_id for event in outcome.effects}) == len(outcome.effects) == 1


@check
def check_stale_overwrites(outcome: Outcome, expected: Any) -> None:
    assert len(outcome.effects) == expected


@check
def check_quarantined(outcome: Outcome, expected: Any) -> None:
    assert (delivery_of(outcome)["status"] == "quarantined") is expected


@check
def check_state(outcome: Outcome, expected: Any) -> None:
    assert delivery_of(outcome)["status"] == expected


@check
def check_state_if_200(outcome: Outcome, expected: Any) -> None:
    if outcome.response.status_code == 200:
        status = delivery_of(outcome)["status"]
        assert status in (expected, "quarantined")
        outcome.notes.append(
            f"{status}, as CONTRACT 5 says of a topic that does not fit the path" if status != expected else status
        )


@check
def check_dead_reason(outcome: Outcome, expected: Any) -> None:
    assert delivery_of(outcome)["reason"] == expected


@check
def check_no_file_access(outcome: Outcome, expected: Any) -> None:
    assert ([path for path in outcome.opened_files if "passwd" in path] == []) is expected


@check
def check_dedupe_key(outcome: Outcome, expected: Any) -> None:
    assert expected == "sha256(shop|topic|body)"
    assert outcome.again is not None
    attack, other_shop = outcome.attack, outcome.host.shops["bob"].shop_domain
    changes: tuple[dict[str, str], ...] = ({}, {"X-Shopify-Topic": "orders/paid"}, {"X-Shopify-Shop-Domain": other_shop})
    answers = [outcome.again(Attack(attack.method, attack.path, attack.headers | one, attack.body)) for one in changes]
    assert [answer.get_json()["status"] for answer in answers] == ["duplicate", "success", "success"]


@check
def check_dedupe(outcome: Outcome, expected: Any) -> None:
    assert expected == "body_hash"
    assert (delivery_of(outcome)["status"], delivery_of(outcome)["reason"]) == ("duplicate", "same_body")


@check
def check_token_deleted(outcome: Outcome, expected: Any) -> None:
    before, after = outcome.tables_before["tokens"], dump_tables(outcome.host.dsn)["tokens"]
    assert (before != after) is expected
    assert (outcome.host.get("/shop").status_code != 200) is expected


# What is left of a customer


@check
def check_grep_after(outcome: Outcome, expected: Any) -> None:
    dump = "\n".join(line for rows in dump_tables(outcome.host.dsn).values() for line in rows)
    bodies = opened_bodies(outcome.host)
    assert any("redacted" in body for body in bodies), "there was something to redact"
    everything = "\n".join([dump, *bodies, outcome.logs.text]).lower()
    assert [word for word in expected if word.lower() in everything] == []


@check
def check_grep_stores(outcome: Outcome, expected: Any) -> None:
    known = {"postgres_dump", "logs", "dead_letters", "inbox_bodies"}
    assert known <= set(expected)
    if later := set(expected) - known:
        outcome.notes.append(f"not there yet: {', '.join(sorted(later))}")


@check
def check_receipt_audit_event(outcome: Outcome, expected: Any) -> None:
    assert expected in [entry["action"] for entry in _new_entries(outcome)]


@check
def check_within_days(outcome: Outcome, expected: Any) -> None:
    row = delivery_of(outcome)
    assert row["status"] == "processed"
    assert (row["finished_at"] - row["received_at"]).days < expected


@check
def check_export_created(outcome: Outcome, expected: Any) -> None:
    exports = outcome.host.get("/privacy/exports").get_json()["exports"]
    asked = json.loads(outcome.attack.body or b"{}")["customer"]["id"]
    assert ([export["customer_id"] for export in exports] == [str(asked)]) is expected


# On a server of its own


@check
def check_rss_growth_mb_max(outcome: Outcome, expected: Any) -> None:
    assert outcome.rss_growth_mb <= expected


@check
def check_db_queries(outcome: Outcome, expected: Any) -> None:
    assert outcome.again is not None
    with counted_units() as units:
        for _ in range(50):
            assert outcome.again(outcome.attack).status_code == 401
    assert len(units) == expected


@check
def check_signed_p99_ms_max(outcome: Outcome, expected: Any) -> None:
    assert outcome.server is not None
    assert any(p99(outcome.server().measure_under_flood(outcome.attack)) <= expected for _ in range(ROUNDS))


@check
def check_never_429_signed(_outcome: Outcome, expected: Any) -> None:
    assert expected is True, "measure_under_flood demands 200 of every signed delivery"


NEEDS_TABLES = {"token_rows_changed", "tables_unchanged", "audit_event", "audit", "token_deleted", "receipt_audit_event"}
