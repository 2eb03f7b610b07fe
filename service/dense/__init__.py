"""Dense layers of a plan, and the passes through them: shared by whatever runs a network."""
