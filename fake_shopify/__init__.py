"""An offline stand-in for Shopify that speaks HTTP only.

It executes Admin GraphQL on Shopify's real schema, repeats Shopify's arithmetic in its own code and imports nothing of the
integration. What it claims and on which ground stands in `FIDELITY.md`.
"""
