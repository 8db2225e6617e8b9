"""The fake store, domain by domain, over HTTP."""
