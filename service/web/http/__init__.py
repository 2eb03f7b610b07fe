"""HTTP that knows no weights: conditions, problems, streams, limits, logs and counts."""
