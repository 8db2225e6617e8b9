"""Recorded answers of real Shopify, read from beside the project and never copied in."""

from __future__ import annotations

import pytest

from tests.processes import PROJECT_ROOT

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"

needs_shared_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="recorded data (../shared/data) are absent")
