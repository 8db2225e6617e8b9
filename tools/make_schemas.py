#!/usr/bin/env python3
"""Make the Admin API schemas that the fake store executes on and that our documents are validated against.

The npm package `@shopify/dev-mcp` ships the introspection of every supported Admin API version. This script fetches that package
with npm, drops descriptions and everything that has its default value, and writes, per version:

    fake_shopify/schemas/admin_<version>.json.gz         the whole introspection, `build_client_schema` reads it after `unpack`
    fake_shopify/schemas/access_scopes_<version>.json.gz  what each type and mutation requires: {name: {scopes, text}}

Usage: python tools/make_schemas.py [--package FILE.tgz] [VERSION …]
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10")
TARGET = Path(__file__).resolve().parent.parent / "fake_shopify" / "schemas"
SCOPE = re.compile(r"`((?:un)?(?:authenticated_)?(?:read|write)_[a-z_]+)`")
KEPT = """
    name kind ofType type fields args inputFields interfaces enumValues possibleTypes defaultValue isDeprecated deprecationReason
    isOneOf gidTypes __schema queryType mutationType types directives locations isRepeatable
""".split()


def compact(node: Any) -> Any:
    """Keep the keys that carry the schema; a null, a false and an empty description say nothing."""
    if isinstance(node, list):
        return [compact(x) for x in node]
    if isinstance(node, dict):
        return {k: compact(v) for k, v in node.items() if k in KEPT and v is not None and v is not False}
    return node


def access_scopes(schema: dict[str, Any]) -> dict[str, Any]:
    """Collect required access by type name, `Type.field` and root field name."""
    found = {}
    for kind in schema["types"]:
        rows = [(kind["name"], kind)] + [
            (f["name"] if kind["name"] in ("Mutation", "QueryRoot") else f"{kind['name']}.{f['name']}", f)
            for f in kind.get("fields") or ()
        ]
        for name, row in rows:
            text = row.get("requiredAccess")
            if text:
                found[name] = {"scopes": SCOPE.findall(text), "text": text}
    return found


def write(path: Path, document: Any) -> int:
    """Write gzipped JSON without a time stamp, so that the same input makes the same file."""
    raw = json.dumps(document, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as packed:
        packed.write(raw)
    path.write_bytes(buffer.getvalue())
    return len(buffer.getvalue())


def fetch(folder: Path) -> Path:
    """Download the package with npm and return the archive's path."""
    subprocess.run(["npm", "pack", "@shopify/dev-mcp", "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def main() -> int:
    """Write the files and say how large they are."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--package", type=Path, help="an archive already fetched")
    options.add_argument("versions", nargs="*", default=VERSIONS)
    chosen = options.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(chosen.package or fetch(Path(folder))) as archive:
        for version in chosen.versions:
            member = archive.extractfile(f"package/dist/data/admin_{version}.json.gz")
            assert member is not None
            schema = json.loads(gzip.decompress(member.read()))["data"]["__schema"]
            size = write(TARGET / f"admin_{version}.json.gz", compact({"__schema": schema}))
            scopes = write(TARGET / f"access_scopes_{version}.json.gz", access_scopes(schema))
            print(f"{version}: {len(schema['types'])} types, schema {size:,} bytes, scopes {scopes:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
