"""docs/initializers.md, row by row: from each library as the row calls it, and from here as the row says."""

import io
import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import flax.linen
import httpx
import jax
import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.running import ROOT
from tests.models.likeness import pooled, unlike

PAGE = (ROOT / "docs/initializers.md").read_text(encoding="utf-8")
# A matrix and a kernel, as each library holds them; with more outputs than inputs, as delta_orthogonal needs.
OUT_IN = {"matrix": ("OI", (96, 64)), "kernel": ("OIHW", (48, 16, 3, 5))}
IN_OUT = {"matrix": ("IO", (64, 96)), "kernel": ("HWIO", (3, 5, 16, 48))}
LIBRARIES: dict[str, tuple[ModuleType, dict[str, tuple[str, tuple[int, ...]]]]] = {
    "torch.nn.init": (torch.nn.init, OUT_IN),
    "keras.initializers": (keras.initializers, IN_OUT),
    "jax.nn.initializers": (jax.nn.initializers, IN_OUT),
    "flax.linen.initializers": (flax.linen.initializers, IN_OUT),
}
# Names that are no initializers, are other names of those that a table has, or that it says have no equal here.
NOT_IN_TABLES = {
    "torch.nn.init": {"calculate_gain", "sparse_"},
    "keras.initializers": {"Initializer", "STFT", "STFTInitializer", "IdentityInitializer", "OrthogonalInitializer"},
    "jax.nn.initializers": {"Initializer", "uniform"},
    "flax.linen.initializers": {"Initializer", "uniform", "zeros", "ones"},
}


class Row(NamedTuple):
    """How a library is called, and what gives the same here."""

    library: str
    call: str
    kind: str  # matrix or kernel
    query: str


def rows() -> list[Row]:
    found = []
    for library, table in re.findall(r"^\| (\S+) \| for \| here \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for call, kind, query in re.findall(r"^\| `(.*?)` \| (\w+) \| `(.*?)` \|$", table, re.MULTILINE):
            kinds = ("matrix", "kernel") if kind == "both" else (kind,)
            found += [Row(library, call, each, query) for each in kinds]
    return found


def theirs(row: Row, seed: int) -> NDArray[Any]:
    """Call a library as a row says."""
    module, kinds = LIBRARIES[row.library]
    shape = kinds[row.kind][1]
    names = {**vars(module), "math": math}
    if module is torch.nn.init:
        torch.manual_seed(seed)
        weight: torch.Tensor = eval(row.call, names | {"w": torch.empty(shape)})
        values: NDArray[Any] = weight.numpy()
        return values
    made: Callable[..., Any] = eval(row.call, names)
    if module is keras.initializers:
        keras.utils.set_random_seed(seed)
        return np.asarray(made(shape, "float32"))
    return np.asarray(made(jax.random.key(seed), shape, "float32"))


def ours(client: httpx.Client, row: Row, seed: int) -> NDArray[Any]:
    axes, shape = LIBRARIES[row.library][1][row.kind]
    has_axes = "scheme=constant" not in row.query and not row.query.endswith(("zeros", "ones"))
    query = f"shape={','.join(map(str, shape))}&{row.query}&seed={seed}" + (f"&axes={axes}" if has_axes else "")
    answer = client.get(f"/tensor/w.npy?{query}")
    assert answer.status_code == 200, answer.text
    values: NDArray[Any] = np.load(io.BytesIO(answer.content))
    return values


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.library.partition('.')[0]} {row.call} {row.kind}")
def test_a_row_names_the_same_distribution(client: httpx.Client, row: Row) -> None:
    library = pooled(lambda seed: {"w": theirs(row, seed)})
    here = pooled(lambda seed: {"w": ours(client, row, seed)})

    assert unlike(library, here) == []
    # The ends of a distribution that has them are met to a thousandth by so many values; a normal has none.
    allowed = 0.01 if "uniform" in row.query or "truncated" in row.query else 0.25
    assert np.abs(here["w"]).max() == pytest.approx(np.abs(library["w"]).max(), rel=allowed)


@pytest.mark.parametrize("row", [row for row in rows() if "scheme=identity" in row.query], ids=str)
def test_a_row_without_chance_names_the_same_numbers(client: httpx.Client, row: Row) -> None:
    assert np.array_equal(theirs(row, 1), ours(client, row, 1))


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_initializer_of_a_library_is_in_its_table(library: str) -> None:
    module, _ = LIBRARIES[library]
    is_name: Callable[[str], bool] = {
        "torch.nn.init": lambda name: name.endswith("_") and not name.startswith("_"),
        "keras.initializers": lambda name: name[0].isupper(),
    }.get(library, lambda name: name[0].islower() and not name.startswith("_"))
    offered = {name for name in vars(module) if is_name(name) and callable(getattr(module, name))}
    named = {row.call.partition("(")[0] for row in rows() if row.library == library}
    assert offered - named - NOT_IN_TABLES[library] == set()
