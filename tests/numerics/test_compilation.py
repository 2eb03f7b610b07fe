"""When the compiled twin is compiled, and where its machine code may be kept."""

import importlib
import os
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from service.formats.json_text import block_as_json, network_as_json
from service.formats.npy import block_as_npy, network_as_npy
from service.formats.npz import network_as_npz
from service.formats.pieces import Body
from service.formats.raw import block_as_raw
from service.formats.safetensors import network_as_safetensors
from service.numerics.distributions import DistributionName
from service.numerics.dtypes import DType
from service.spec import Layout
from tests.bodies import cut_small, whole
from tests.networks import WITH_NPY, plan_from
from tests.numerics.children import printed_by_child
from tests.numerics.known_vectors import CASES
from tests.numerics.twins import needs_numba

ROOT = Path(__file__).parents[2]
KERNELS = ("_fill_run", "_fill_rows", "_fill_columns")


def signatures() -> dict[str, frozenset[object]]:
    """Return the types of arguments that each kernel has been compiled for or read from disk for."""
    module = importlib.import_module("service.numerics.compiled")
    return {name: frozenset(getattr(module, name).signatures) for name in KERNELS}


def bodies(layers: str, distribution: DistributionName, dtype: DType, layout: Layout) -> Iterator[Body]:
    """Return a network in every format that has the dtype, its tensors, and parts of them that begin anywhere."""
    plan = plan_from(f"layers={layers}&activation=relu&distribution={distribution}&dtype={dtype}&layout={layout}")
    yield from (network_as_safetensors(plan), network_as_json(plan))
    if dtype in WITH_NPY:
        yield from (network_as_npy(plan), network_as_npz(plan))
    for tensor in plan.tensors:
        last = [range(side - 1, side) for side in tensor.shape]
        cuts = [tensor.whole(), tensor.cut(last[0], None)]
        if len(last) == 2:
            cuts += [tensor.cut(None, last[1]), tensor.cut(*last)]
        for block in cuts:
            raw = block_as_raw(block)
            yield from (raw, block_as_json(plan, block))
            yield from (raw.cut(start, raw.length - end) for start, end in ((1, 0), (0, 3)) if raw.length > 3)
            if dtype in WITH_NPY:
                yield block_as_npy(block)


def draw_all() -> None:
    """Draw as the service does, from arrays of one element to those of several units."""
    for layers in ("1,1", "1,9", "9,1", "9,2,17", "300,30"):
        for distribution, dtype, layout in product(DistributionName, DType, Layout):
            for body in bodies(layers, distribution, dtype, layout):
                whole(body)
            if layers == "9,2,17":
                with cut_small():
                    for body in bodies(layers, distribution, dtype, layout):
                        whole(body)


@needs_numba
def test_once_the_known_answers_are_drawn_nothing_more_is_compiled() -> None:
    program = (
        "from service.numerics.known_answers import arithmetic_is_exact\n"
        "from tests.numerics.test_compilation import draw_all, signatures\n"
        "assert not any(signatures().values())\n"
        "assert arithmetic_is_exact()\n"
        "before = signatures()\n"
        "assert all(before.values())\n"
        "draw_all()\n"
        "for name, known in before.items():\n"
        "    print(name, sorted(map(str, signatures()[name] - known)))\n"
    )
    assert printed_by_child(program, ROOT, {}) == [f"{name} []" for name in KERNELS]


DRAWING = """
import numpy as np
from service.numerics.compiled import _fill_run, fill_rows
from service.numerics.distributions import DistributionName, Source
for distribution in DistributionName:
    values = np.empty((1, 8), np.float32)
    fill_rows(values, Source.of({seed}, {tensor!r}, distribution, 1.0), {start}, 8)
    print(*(f"{{bits:08x}}" for bits in values[0].view(np.uint32)))
print(sum(_fill_run.stats.cache_hits.values()))
"""


@needs_numba
def test_the_compiled_twin_draws_where_nothing_can_be_written(tmp_path: Path) -> None:
    # A copy beside which Numba finds a file in the place of its folder, and a home that cannot be made,
    # even by root, who may write to folders that nobody may write to.
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__", "static"))
    (tmp_path / "service" / "numerics" / "__pycache__").touch()
    nowhere = str(tmp_path / "service" / "numerics" / "__pycache__" / "home")
    environment = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), nowhere) | {"NUMBA_CACHE_DIR": ""}
    case = CASES[0]
    program = DRAWING.format(seed=case.seed, tensor=case.tensor, start=case.start)
    *lines, hits = printed_by_child(program, tmp_path, environment)
    assert [tuple(int(bits, 16) for bits in line.split()) for line in lines] == list(case.bits.values())
    assert hits == "0"
    assert not list(tmp_path.rglob("*.nb?"))


@needs_numba
@pytest.mark.parametrize(("kind", "size"), [("nbc", 100), ("nbi", 0)])
def test_a_damaged_cache_is_no_reason_not_to_start(tmp_path: Path, kind: str, size: int) -> None:
    program = (
        "import numpy as np\n"
        "from service.numerics.distributions import DistributionName\n"
        "from service.numerics.sampler import Stream\n"
        "out = np.empty(8, np.float32)\n"
        "Stream.of(42, 'layers.0.weight', DistributionName.NORMAL, 1.0).fill(out, 0)\n"
        "print(*out.view(np.uint32).tolist())\n"
    )
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    known = " ".join(map(str, CASES[0].bits[DistributionName.NORMAL]))
    assert printed_by_child(program, ROOT, environment) == [known]
    kept = list(tmp_path.rglob(f"*.{kind}"))
    assert kept
    for file in kept:
        os.truncate(file, size)
    assert printed_by_child(program, ROOT, environment) == [known]
