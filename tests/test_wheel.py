"""The wheel: built offline, complete, and enough for a host that has nothing else of this project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.processes import PROJECT_ROOT

PACKAGES = sorted(path.parent.name for path in PROJECT_ROOT.glob("*shopify*/__init__.py"))
FLAT_MODULES = sorted(path.name for path in PROJECT_ROOT.glob("shopify_*.py"))
NOT_SHIPPED = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.egg-info", "node_modules", "tests", "benchmarks", "docs"
)

HOST = """
import json, sys
from flask import Flask
import fake_shopify, shopify_integration_register, shopify_kit
from shopify_integration_register import get_shopify_service_info, register_shopify_integration

app = Flask("host")
is_registered = register_shopify_integration(app, sys.argv[1], strict=True)
health = app.test_client().get("/api/shopify/health")
print(json.dumps({
    "is_registered": is_registered,
    "name": get_shopify_service_info()["name"],
    "health": health.status_code,
    "files": [module.__file__ for module in (fake_shopify, shopify_integration_register, shopify_kit)],
}))
"""


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command that has to succeed and return what it prints."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing of an earlier build gets in and nothing of this one stays."""
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(PROJECT_ROOT, place / "source", ignore=NOT_SHIPPED)
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", place, place / "source", cwd=place)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def shipped(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_wheel_carries_modules_packages_and_data(shipped: set[str]) -> None:
    in_packages = {
        str(path.relative_to(PROJECT_ROOT))
        for package in PACKAGES
        for path in (PROJECT_ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert sorted({*in_packages, *FLAT_MODULES} - shipped) == []


def test_wheel_carries_nothing_else(shipped: set[str]) -> None:
    assert sorted(name for name in shipped if name.split("/")[0] not in {*PACKAGES, *FLAT_MODULES}) == []


def test_installed_wheel_registers_in_a_bare_host(wheel: Path, tmp_path: Path, database_url: str) -> None:
    """The environment sees the libraries that are installed here, and of this project only the wheel."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    install = ("install", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, *install, wheel, cwd=tmp_path)
    (site_packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    settings = {
        "SHOPIFY_ENV": "development",
        "SHOPIFY_APP_CLIENT_ID": "client-of-the-wheel-test",
        "SHOPIFY_APP_CLIENT_SECRET": "secret-of-the-wheel-test",
        "SHOPIFY_TRUST_LOOPBACK": "1",
        "SHOPIFY_WORKER": "off",
    }

    said = run(python, "-c", HOST, database_url, cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **settings})

    answer = json.loads(said.splitlines()[-1])
    assert (answer["is_registered"], answer["name"], answer["health"]) == (True, "shopify", 200)
    assert all(Path(file).is_relative_to(site_packages) for file in answer["files"])
