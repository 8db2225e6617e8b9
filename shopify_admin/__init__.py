"""One file per resource of the Admin API: the shapes we answer with, and what Shopify takes and gives for them.

Knows documents and fields, not shops or callers; `shopify_service` puts these to work.
"""
