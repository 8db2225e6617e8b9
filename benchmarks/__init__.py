"""Measurements; each `bench_*.py` prints its table and puts it into `RESULTS.md`."""
