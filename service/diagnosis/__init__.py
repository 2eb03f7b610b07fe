"""A plan as a report: what an initialization does to every layer, forward and backward, and what theory expects."""
