"""What a plan says of matrices and tables: their standard deviations in closed form."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from service.initializers.schemes import Choice, TensorSchemeName

FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        # The squares of a column of Q add up to 1.
        TensorSchemeName.ORTHOGONAL: "gain * sqrt(1 / max(rows, columns))",
        TensorSchemeName.DELTA_ORTHOGONAL: "gain * sqrt(1 / (outputs * positions)), all at the centre of the kernel",
        TensorSchemeName.IDENTITY: "gain where input = output at the centre of the kernel, else 0",
        TensorSchemeName.ARANGE: "index along the last axis",
    }
)
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        TensorSchemeName.ORTHOGONAL: "Saxe et al. 2014, arXiv:1312.6120; drawn as in Stewart 1980 and Mezzadri 2007",
        TensorSchemeName.DELTA_ORTHOGONAL: "Xiao et al. 2018, arXiv:1806.05393, algorithm 1",
        TensorSchemeName.IDENTITY: "Le et al. 2015, arXiv:1504.00941; Zagoruyko and Komodakis 2017, arXiv:1706.00388",
        TensorSchemeName.ARANGE: "the request",
    }
)


def orthogonal(rows: int, columns: int, gain: float) -> Choice:
    """Return what is said of a matrix whose columns, or whose rows if they are fewer, are orthonormal."""
    return _choice(TensorSchemeName.ORTHOGONAL, gain * math.sqrt(1 / max(rows, columns)))


def delta_orthogonal(positions: int, outputs: int, gain: float) -> Choice:
    """Return what is said of a kernel that is 0 but at its centre, where an orthogonal matrix stands."""
    return _choice(TensorSchemeName.DELTA_ORTHOGONAL, gain * math.sqrt(1 / (outputs * positions)))


def identity(rows: int, columns: int, positions: int, gain: float) -> Choice:
    """Return what is said of a matrix with `gain` at one place of each column or row, and 0 elsewhere."""
    share = min(rows // positions, columns) / (rows * columns)
    return _choice(TensorSchemeName.IDENTITY, gain * math.sqrt(share * (1 - share)))


def arange(size: int) -> Choice:
    """Return what is said of the numbers from 0 to size - 1."""
    return _choice(TensorSchemeName.ARANGE, math.sqrt((size * size - 1) / 12))


def _choice(scheme: TensorSchemeName, std: float) -> Choice:
    return Choice(str(scheme), f"{scheme} was asked for", FORMULAS[scheme], SOURCES[scheme], std)
