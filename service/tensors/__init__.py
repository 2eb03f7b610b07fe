"""Tensors before a number is drawn, and parts of them."""
