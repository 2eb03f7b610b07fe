"""Initializers: how the values of a tensor are chosen."""
