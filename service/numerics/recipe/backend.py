"""The backend that draws: compiled with Numba where it is installed, else NumPy alone. The bits are the same."""

import sys
from importlib.util import find_spec

import numpy as np

from service.numerics.dtypes import Values
from service.numerics.recipe.distributions import Stream

__all__ = ["BACKEND", "draw_columns", "fill_rows", "fill_run", "fill_runs", "origins_of_code"]

# Only a missing Numba may go unnoticed: one that is installed and cannot be imported is a fault, not a slower service.
# Numba knows no arrays in another byte order than the machine's, and files are little-endian.
if find_spec("numba") is None or sys.byteorder != "little":
    from service.numerics.recipe.numpy_backend import BACKEND, fill_rows, fill_runs
    from service.numerics.recipe.numpy_orthogonal import draw_columns

    def origins_of_code() -> dict[str, int]:
        """Return nothing: there is no machine code of ours."""
        return {}

else:
    from service.numerics.recipe.levels import compile_for_level

    compile_for_level()
    from service.numerics.recipe import compiling, numba_backend, numba_orthogonal
    from service.numerics.recipe.numba_backend import BACKEND, fill_rows, fill_runs
    from service.numerics.recipe.numba_orthogonal import draw_columns

    def origins_of_code() -> dict[str, int]:
        """Return how many versions of kernels were compiled, and how many were read from disk."""
        return compiling.origins_of_code(numba_backend, numba_orthogonal)


def fill_run(out: Values, stream: Stream, start: int) -> None:
    """Write elements [start, start + len(out)) of a stream to the 1-D array `out`, rounded to its dtype."""
    fill_rows(out[np.newaxis], stream, start, out.size)
