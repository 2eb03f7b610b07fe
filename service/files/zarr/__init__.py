"""Tensors as a Zarr v3 store that nothing is stored in: https://zarr-specs.readthedocs.io/en/latest/v3/core/."""
