"""Measurements of the service: python -m benchmarks."""
