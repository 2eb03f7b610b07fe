"""What to expect of a network with random weights: mean field, and what finite width adds: docs/theory.md."""
