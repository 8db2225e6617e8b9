"""One suite per seam, run against each of its implementations (STYLE 34)."""
