"""Recipe 1: from a seed, a name and an element's number to its value (recipe.md, beside this file)."""

from pathlib import Path

# What is published of it: the arithmetic in words, and known answers. docs/ links to both.
PAGE = Path(__file__).with_name("recipe.md")
VECTORS = Path(__file__).with_name("recipe-vectors.json")
