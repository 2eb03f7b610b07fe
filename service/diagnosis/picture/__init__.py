"""A diagnosis as one picture: small multiples by layer, as an SVG file that needs nothing else."""
