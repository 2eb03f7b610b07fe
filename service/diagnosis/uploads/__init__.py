"""A client's own weights, read from a file that nobody has to trust."""
