"""Measures of siegel against the raw primitives, in one process and one run. ``python -m benchmarks``."""
