"""JSON answers, made from plain data."""
