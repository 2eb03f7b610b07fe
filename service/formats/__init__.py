"""A plan as bytes: every module turns undrawn tensors into the body of one file format."""
