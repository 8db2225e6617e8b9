"""Staged uploads: which targets are given out, and what may be uploaded there."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.fake.bulk_calls import DAY_S, STAGE, Bulk, post
from tests.fake.conftest import EmptyStore

FORM_FIELDS = """
    Content-Type success_action_status acl key x-goog-date x-goog-credential x-goog-algorithm x-goog-signature policy
""".split()
MEBIBYTE = 2**20


@pytest.fixture
def bulk(empty_store: EmptyStore) -> Bulk:
    """An app on an empty store."""
    return Bulk(empty_store)


@pytest.mark.parametrize(
    ("resource", "folder"),
    [
        pytest.param("BULK_MUTATION_VARIABLES", "bulk", id="variables"),
        pytest.param("FILE", "files", id="file"),
        pytest.param("IMAGE", "products", id="image"),
        pytest.param("PRODUCT_IMAGE", "products", id="product image"),
        pytest.param("COLLECTION_IMAGE", "collections", id="collection image"),
        pytest.param("DISPUTE_FILE_UPLOAD", "payments_file_uploads", id="dispute"),
        pytest.param("RETURN_LABEL", "return_labels", id="return label"),
        pytest.param("URL_REDIRECT_IMPORT", "redirect_imports", id="redirects"),
    ],
)
def test_form_of_every_resource_takes_its_file(bulk: Bulk, resource: str, folder: str) -> None:
    target = bulk.stage(resource=resource, filename="some name.txt", mimeType="text/plain")

    answer = post(target, b"content")

    assert list(target.parameters) == FORM_FIELDS
    assert re.fullmatch(rf"tmp/\d+/{folder}/[0-9a-f-]{{36}}/.+\.txt", target.path)
    assert answer.status_code == 201
    assert f"<Key>{target.path}</Key>" in answer.text


def test_address_of_a_resource_is_its_own_except_where_the_key_names_it(bulk: Bulk) -> None:
    image, variables = bulk.stage(resource="IMAGE"), bulk.stage()

    assert image.resource_url == image.url + image.path
    assert variables.resource_url == variables.url


def test_label_of_a_return_gets_a_name_that_nobody_can_guess(bulk: Bulk) -> None:
    target = bulk.stage(resource="RETURN_LABEL", filename="label.pdf", mimeType="application/pdf")

    assert re.search(r"/[0-9a-f]{32}\.pdf$", target.path)


@pytest.mark.parametrize("resource", ["BULK_MUTATION_VARIABLES", "FILE"])
def test_put_goes_to_a_signed_address(bulk: Bulk, resource: str) -> None:
    target = bulk.stage(resource=resource, httpMethod="PUT")

    answer = requests.put(target.url, data=b"content", headers={"Content-Type": "text/jsonl"}, timeout=10)

    signed = parse_qs(urlsplit(target.url).query)
    assert answer.status_code == 200
    assert target.parameters == {"content_type": "text/jsonl", "acl": "private"}
    assert (signed["X-Goog-Expires"], signed["X-Goog-SignedHeaders"]) == (["604800"], ["host"])
    assert (target.resource_url == target.url) == (resource == "BULK_MUTATION_VARIABLES")


@pytest.mark.parametrize(
    ("resource", "number"),
    [pytest.param("VIDEO", "external_video_id", id="video"), pytest.param("MODEL_3D", "external_model3d_id", id="model")],
)
def test_video_and_model_have_forms_and_numbers_of_their_own(bulk: Bulk, resource: str, number: str) -> None:
    target = bulk.stage(resource=resource, filename="thing.bin", mimeType="video/mp4", fileSize="4096")

    assert list(target.parameters) == ["GoogleAccessId", "key", "policy", "signature"]
    assert number in parse_qs(urlsplit(target.resource_url).query)
    assert post(target, b"content").status_code == 204


def test_several_targets_are_given_out_at_once(bulk: Bulk) -> None:
    one = {"filename": "a.txt", "mimeType": "text/plain", "resource": "FILE"}

    targets = bulk.store.data(STAGE, input=[one | {"httpMethod": "POST"}, one])["stagedTargets"]

    assert [len(target["parameters"]) for target in targets] == [9, 2]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({"filename": " "}, "filename", id="no name"),
        pytest.param({"mimeType": ""}, "mimeType", id="no type"),
        pytest.param({"resource": "VIDEO"}, "fileSize", id="video without a size"),
        pytest.param({"resource": "MODEL_3D"}, "fileSize", id="model without a size"),
        pytest.param({"fileSize": str(100 * MEBIBYTE + 1)}, "fileSize", id="variables too large"),
        pytest.param({"resource": "IMAGE", "fileSize": str(20 * MEBIBYTE + 1)}, "fileSize", id="image too large"),
    ],
)
def test_wrong_input_is_told_with_its_place(bulk: Bulk, values: dict[str, str], field: str) -> None:
    good = {"resource": "FILE", "filename": "a.txt", "mimeType": "text/plain"}
    bad = {"resource": "BULK_MUTATION_VARIABLES", "filename": "a.jsonl", "mimeType": "text/jsonl"} | values

    payload = bulk.store.data(STAGE, input=[good, bad])

    assert payload["stagedTargets"] is None
    assert [error["field"] for error in payload["userErrors"]] == [["input", "1", field]]


def test_image_of_the_shop_is_not_for_apps(bulk: Bulk) -> None:
    given = {"resource": "SHOP_IMAGE", "filename": "logo.png", "mimeType": "image/png"}

    answer = bulk.store.answer(STAGE, input=[given])

    assert answer["data"] == {"stagedUploadsCreate": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["ACCESS_DENIED"]


# Uploading


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"policy": None}, id="field missing"),
        pytest.param({"x_goog_signature": "0" * 64}, id="wrong signature"),
        pytest.param({"Content_Type": "text/html"}, id="another type"),
        pytest.param({"key": "tmp/1/bulk/other/lines.jsonl"}, id="another key"),
    ],
)
def test_form_must_be_as_it_was_given_out(bulk: Bulk, changed: dict[str, str | None]) -> None:
    answer = post(bulk.stage(), b"{}\n", **changed)

    assert answer.status_code == 400
    assert "<Code>InvalidPolicyDocument</Code>" in answer.text


def test_fields_behind_the_file_do_not_count(bulk: Bulk) -> None:
    target = bulk.stage()
    parts: list[tuple[str, tuple[str | None, bytes, str]]] = [("file", ("lines.jsonl", b"{}\n", "text/jsonl"))]
    parts += [(name, (None, value.encode(), "text/plain")) for name, value in target.parameters.items()]

    answer = requests.post(target.url, files=parts, timeout=10)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"{}", "application/json", id="no form"),
        pytest.param(b"--x\r\nbroken", "multipart/form-data; boundary=x", id="broken form"),
        pytest.param(b"--x--\r\n", "multipart/form-data; boundary=x", id="empty form"),
        pytest.param(b"", "multipart/form-data", id="no boundary"),
    ],
)
def test_what_is_no_form_with_a_file_is_refused(bulk: Bulk, body: bytes, kind: str) -> None:
    answer = requests.post(f"{bulk.store.base_url}/", data=body, headers={"Content-Type": kind}, timeout=10)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/xml")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_upload_beyond_the_limit_is_refused(bulk: Bulk, method: str) -> None:
    target, body = bulk.stage(resource="IMAGE", httpMethod=method), bytes(20 * MEBIBYTE + 1)

    answer = post(target, body) if method == "POST" else requests.put(target.url, data=body, timeout=60)

    assert answer.status_code == 400
    assert "<Code>EntityTooLarge</Code>" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_target_is_closed_after_seven_days(bulk: Bulk, method: str) -> None:
    target = bulk.stage(httpMethod=method)
    bulk.advance(7 * DAY_S)

    answer = post(target, b"{}\n") if method == "POST" else requests.put(target.url, data=b"{}\n", timeout=10)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param(lambda url: url.replace("Signature=", "Signature=0"), 403, id="wrong signature"),
        pytest.param(lambda url: url.split("?")[0], 403, id="no signature"),
        pytest.param(lambda url: url.replace("/bulk/", "/bulk/x"), 404, id="another key"),
    ],
)
def test_put_needs_the_address_that_was_given_out(bulk: Bulk, changed: object, status: int) -> None:
    assert callable(changed)

    answer = requests.put(changed(bulk.stage(httpMethod="PUT").url), data=b"{}\n", timeout=10)

    assert answer.status_code == status
