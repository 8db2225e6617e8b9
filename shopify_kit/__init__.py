"""Mechanisms that any Shopify product needs: the protocol, the database bridge, the vault; none of our features."""
