"""Our own version, and the Admin API versions we declare: every document is valid on each of them.

Shopify supports a version for at least twelve months; 2025-10 left that window in October 2026.
Source: shopify.dev/docs/api/usage/versioning (read 2026-11).
"""

SUPPORTED_API_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
DEFAULT_API_VERSION = SUPPORTED_API_VERSIONS[-1]

VERSION = "0.2.0"
"""Of this integration; the wheel takes it from here."""
