"""Bodies as strangers send them: what is no JSON of ours is refused before anything is done, in JSON, and by name."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
import requests
from flask import request
from werkzeug.serving import make_server

from shopify_web.bodies import MAX_JSON_BYTES, depth_exceeds
from tests.web_host import PREFIX, Host, Outbound, bearer

pytest_plugins = ("tests.web_fixtures",)

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "invalid_json", id="empty"),
        pytest.param(b"   \n", "invalid_json", id="blanks"),
        pytest.param(b"{", "invalid_json", id="unclosed"),
        pytest.param(b'{"query":"x"} {"query":"y"}', "invalid_json", id="two_documents"),
        pytest.param(b"{'query':'x'}", "invalid_json", id="single_quotes"),
        pytest.param(b'{"query":"x",}', "invalid_json", id="trailing_comma"),
        pytest.param(b'{"query":"x" /* no */}', "invalid_json", id="comment"),
        pytest.param(b'{"query":"a\nb"}', "invalid_json", id="raw_line_break"),
        pytest.param(b'{"query":"x","query":"y"}', "invalid_json", id="duplicate_key"),
        pytest.param(b'{"query":"x","variables":{"a":{"b":1,"b":2}}}', "invalid_json", id="duplicate_key_inside"),
        pytest.param(b'{"query":"x","\\u0071uery":"y"}', "invalid_json", id="duplicate_key_escaped"),
        pytest.param(b'{"query":"x","limit":NaN}', "invalid_json", id="nan"),
        pytest.param(b'{"query":"x","limit":Infinity}', "invalid_json", id="infinity"),
        pytest.param(b'{"query":"x","limit":-Infinity}', "invalid_json", id="minus_infinity"),
        pytest.param(b'{"query":"x","limit":1e400}', "invalid_json", id="float_beyond_any"),
        pytest.param(b'{"query":"x","limit":' + b"9" * 5000 + b"}", "invalid_json", id="huge_integer"),
        pytest.param(b'{"query":"x","limit":0x10}', "invalid_json", id="hexadecimal"),
        pytest.param(b'{"query":"x","limit":01}', "invalid_json", id="leading_zero"),
        pytest.param(b'{"query":"x","limit":1_0}', "invalid_json", id="underscore"),
        pytest.param(b'\xef\xbb\xbf{"query":"x"}', "invalid_json", id="byte_order_mark"),
        pytest.param('{"query":"x"}'.encode("utf-16"), "invalid_json", id="utf16"),
        pytest.param('{"query":"x"}'.encode("utf-16-le"), "invalid_json", id="utf16_without_mark"),
        pytest.param('{"query":"x"}'.encode("utf-32"), "invalid_json", id="utf32"),
        pytest.param('{"query":"é"}'.encode("latin-1"), "invalid_json", id="latin1"),
        pytest.param(b'{"query":"\xed\xa0\x80"}', "invalid_json", id="surrogate_in_bytes"),
        pytest.param(b'{"query":"\xc0\xaf"}', "invalid_json", id="overlong"),
        pytest.param(b'\x1f\x8b\x08\x00{"query":"x"}', "invalid_json", id="gzip"),
        pytest.param(b"query=x", "invalid_json", id="form"),
        pytest.param(b"<query>x</query>", "invalid_json", id="xml"),
        pytest.param(b"[1]", "validation_error", id="array"),
        pytest.param(b"null", "validation_error", id="null"),
        pytest.param(b'"text"', "validation_error", id="text"),
        pytest.param(b"17", "validation_error", id="number"),
        pytest.param(b"true", "validation_error", id="true"),
        pytest.param(b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "json_too_deep", id="deep_object"),
        pytest.param(b"[" * 20_000 + b"]" * 20_000, "json_too_deep", id="deep_array"),
        pytest.param(b"[" * 20_000, "json_too_deep", id="deep_and_unclosed"),
        pytest.param(b'{"query":"x","a":' + b"[" * 32 + b"]" * 32 + b"}", "json_too_deep", id="level_33"),
        pytest.param(b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}", "validation_error", id="many_keys"),
    ],
)
def test_unreadable_body_is_refused_by_name(host: Host, outbound: Outbound, body: bytes, code: str) -> None:
    answer = host.call("POST", "/search", data=body, headers=JSON)

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (400, code)
    assert document["ok"] is False
    assert document["error"].endswith(".")
    assert outbound.sent == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b' \r\n\t{"query":"x"}\n ', id="blanks_around"),
        pytest.param(b'{"query":"\\u00e9\\ud83d\\ude00"}', id="escaped_pair"),
        pytest.param('{"query":"é😀"}'.encode(), id="utf8"),
        pytest.param(b'{"query":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ x"}', id="brackets_in_a_text"),
        pytest.param(b'{"query":"x","limit":5,"type":"products"}', id="plain"),
    ],
)
def test_readable_body_is_read(host: Host, body: bytes) -> None:
    assert host.call("POST", "/search", data=body, headers=JSON).status_code == 200


def test_level_32_is_not_too_deep(host: Host) -> None:
    body = b'{"query":"{ shop { name } }","variables":{"a":' + b"[" * 30 + b"]" * 30 + b"}}"

    assert host.call("POST", "/graphql", data=body, headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b'{"query":"\\ud800"}', "query", id="value"),
        pytest.param(b'{"query":"x","user_id":"\\udc00"}', "user_id", id="user_id"),
        pytest.param(b'{"query":"x","\\ud800":1}', "\N{REPLACEMENT CHARACTER}", id="name"),
        pytest.param(b'{"query":"x","more":{"deep":["a","\\ud800\\ud800"]}}', "more.deep.1", id="inside"),
    ],
)
def test_lone_surrogate_is_refused_by_field(host: Host, body: bytes, field: str) -> None:
    answer = host.call("POST", "/search", data=body, headers=JSON)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert answer.get_json()["details"][0]["field"] == field


def test_lone_surrogate_in_variables_does_not_reach_shopify(host: Host, outbound: Outbound) -> None:
    body = b'{"query":"{shop{name}}","variables":{"a":"\\ud800"}}'

    answer = host.call("POST", "/graphql", data=body, headers=JSON)

    assert answer.get_json()["details"][0]["field"] == "variables.a"
    assert outbound.sent == []


def test_name_that_is_refused_is_repeated_shortly(host: Host) -> None:
    answer = host.post("/search", {"query": "x", "n" * 100_000: 1, "a\x1b[2J\nb": 2})

    assert answer.get_json()["code"] == "unknown_field"
    assert len(answer.get_data()) < 2_000
    assert "\\u001b" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("unit", [pytest.param(b'\\"', id="escaped_quotes"), pytest.param(b'""', id="quotes")])
def test_depth_is_told_in_one_pass(unit: bytes) -> None:
    """A pattern that looks for closing quotes anew at every quote needs hours for this."""
    body = b"[" * 40 + b"]" * 40 + b'"' + unit * 250_000

    began = time.monotonic()

    assert depth_exceeds(body, 32)
    assert not depth_exceeds(body, 64)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="none"),
        pytest.param("text/plain", id="text"),
        pytest.param("application/x-www-form-urlencoded", id="form"),
        pytest.param("multipart/form-data; boundary=x", id="multipart"),
        pytest.param("application/jsonp", id="jsonp"),
        pytest.param("application/json-patch+json", id="patch"),
        pytest.param("text/plain; application/json", id="hidden_in_parameters"),
    ],
)
@pytest.mark.parametrize("method_path", ["POST /search", "PUT /products/1", "DELETE /products/1", "POST /connect"])
def test_write_needs_the_json_type(host: Host, outbound: Outbound, method_path: str, content_type: str | None) -> None:
    method, path = method_path.split()
    headers = {"Content-Type": content_type} if content_type else {}

    answer = host.call(method, path, data=b'{"query":"x"}', headers=headers)

    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")
    assert outbound.sent == []


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_type_is_known_in_every_spelling(host: Host, content_type: str) -> None:
    assert host.call("POST", "/search", data=b'{"query":"x"}', headers={"Content-Type": content_type}).status_code == 200


def padded(size: int) -> bytes:
    return b'{"query":"x","type":"' + b"y" * (size - 23) + b'"}'


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(MAX_JSON_BYTES, 400, id="at_the_limit"),
        pytest.param(MAX_JSON_BYTES + 1, 413, id="one_more"),
        pytest.param(3 * MAX_JSON_BYTES, 413, id="much_more"),
    ],
)
@pytest.mark.parametrize("announced", [pytest.param(True, id="length"), pytest.param(False, id="chunked")])
def test_body_beyond_the_limit_is_refused_by_a_real_server(served: str, size: int, status: int, announced: bool) -> None:
    body = padded(size)
    sent: Any = body if announced else (body[start : start + 65_536] for start in range(0, size, 65_536))

    answer = requests.post(f"{served}/search", data=sent, headers=JSON | {"Authorization": bearer("alice")}, timeout=20)

    assert answer.status_code == status
    assert answer.json()["code"] == {400: "validation_error", 413: "body_too_large"}[status]


def test_too_large_outranks_unknown_caller(served: str) -> None:
    answer = requests.post(f"{served}/search", data=padded(MAX_JSON_BYTES + 1), headers=JSON, timeout=20)

    assert answer.status_code == 413


def test_small_chunked_body_is_read_by_a_real_server(served: str) -> None:
    chunks = iter([b'{"query":', b'"x"}'])

    answer = requests.post(f"{served}/search", data=chunks, headers=JSON | {"Authorization": bearer("alice")}, timeout=20)

    assert answer.status_code == 200


def test_body_that_ends_early_is_refused(served: str) -> None:
    host, _, port = served.removeprefix("http://").partition("/")[0].partition(":")
    head = f"POST {PREFIX}/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + b'{"query":')
        connection.shutdown(socket.SHUT_WR)

        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    status, _, rest = answer.partition(b"\r\n")
    assert b" 400 " in status
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["code"] == "invalid_json"


@pytest.fixture(scope="module")
def served(host: Host) -> Iterator[str]:
    """The address of the API on a threaded server."""
    server = make_server("127.0.0.1", 0, host.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    thread.join()
    server.server_close()


def read_as_data() -> None:
    request.get_data()


def read_as_json() -> None:
    request.get_json(silent=True)


@pytest.mark.parametrize("read", [read_as_data, read_as_json])
def test_body_that_the_host_has_read_before_is_still_read(make_host: Callable[..., Host], read: Callable[[], None]) -> None:
    """Hosts log requests in before_request; the stream is then at its end."""
    host = make_host(prepare=lambda app: app.before_request(read))

    assert host.post("/search", {"query": "x"}).status_code == 200


def test_hosts_own_limit_for_bodies_is_not_ours(make_host: Callable[..., Host]) -> None:
    host = make_host(MAX_CONTENT_LENGTH=300)

    assert host.post("/search", {"query": "x", "type": "y" * 300}).get_json()["code"] == "validation_error"


def test_body_of_a_delete_may_name_the_user_and_nothing_unknown(host: Host, outbound: Outbound) -> None:
    known = host.delete("/products/1", json={"user_id": "u-alice"})
    unknown = host.delete("/products/1", json={"purge": True})

    assert (known.status_code, known.get_json()["code"]) == (404, "not_found")
    assert (unknown.status_code, unknown.get_json()["code"]) == (400, "unknown_field")
    assert len(outbound.sent) == 1
