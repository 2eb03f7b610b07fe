"""When the compiled backend is compiled, and where its machine code may be kept."""

import importlib
import os
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from service.describe.network import Layout
from service.documents.weights import box_as_json, network_as_json
from service.files.body.pieces import Body
from service.files.npy import box_as_npy
from service.files.raw import box_as_raw
from service.initializers.matrices import MatrixAxes
from service.initializers.orthogonal import Orthogonal
from service.initializers.schemes import ZEROS
from service.numerics.box import Box
from service.numerics.dtypes import DTYPES, DType
from service.numerics.recipe.distributions import DistributionName
from tests.bodies import PATHS, cut_small, network_as_npy, network_as_npz, network_as_safetensors, whole
from tests.networks import WITH_NPY, network_from
from tests.numerics.recipe.backends import needs_numba
from tests.numerics.recipe.children import printed_by_child
from tests.numerics.recipe.known_vectors import CASES

ROOT = Path(__file__).parents[3]
KERNELS = {
    "fill_float32_run": "numba_backend",
    "_fill_rows": "numba_backend",
    "_fill_columns": "numba_backend",
    "_fill_elements": "numba_backend",
    "_draw_columns": "numba_orthogonal",
}


def signatures() -> dict[str, frozenset[object]]:
    """Return the types of arguments that each kernel has been compiled for or read from disk for."""
    modules = {name: importlib.import_module(f"service.numerics.recipe.{module}") for name, module in KERNELS.items()}
    return {name: frozenset(getattr(module, name).signatures) for name, module in modules.items()}


def bodies(layers: str, distribution: DistributionName, dtype: DType, layout: Layout) -> Iterator[Body]:
    """Return a network in every format that has the dtype, its tensors, and parts of them that begin anywhere."""
    network = network_from(f"layers={layers}&activation=relu&distribution={distribution}&dtype={dtype}&layout={layout}")
    yield from (network_as_safetensors(network), network_as_json(network, PATHS))
    if dtype in WITH_NPY:
        yield from (network_as_npy(network), network_as_npz(network))
    for tensor in network.plan.tensors:
        last = [range(side - 1, side) for side in tensor.shape]
        cuts = [tensor.whole(), tensor.cut(last[0], None)]
        if len(last) == 2:
            cuts += [tensor.cut(None, last[1]), tensor.cut(*last)]
        for block in cuts:
            raw = box_as_raw(block)
            yield from (raw, box_as_json(network, block, PATHS))
            yield from (raw.cut(start, raw.length - end) for start, end in ((1, 0), (0, 3)) if raw.length > 3)
            if dtype in WITH_NPY:
                yield box_as_npy(block)


def draw_all() -> None:
    """Draw as the service does, from arrays of one element to those of several units."""
    draw_orthogonal()
    for layers in ("1,1", "1,9", "9,1", "9,2,17", "300,30"):
        for distribution, dtype, layout in product(DistributionName, DType, Layout):
            for body in bodies(layers, distribution, dtype, layout):
                whole(body)
            if layers == "9,2,17":
                with cut_small():
                    for body in bodies(layers, distribution, dtype, layout):
                        whole(body)


def draw_orthogonal() -> None:
    """Draw single columns, whole panels and parts of panels."""
    for box in (Box.whole((3, 2), (0, 1)), Box.whole((150, 140), (1, 0)), Box((9, 9), (0, 1), (range(3), range(2, 5)))):
        orthogonal = Orthogonal(ZEROS, 1, "a", MatrixAxes(0, 1))
        for dtype in DType:
            orthogonal.fill(np.empty(box.shape, DTYPES[dtype].numpy), box)


@needs_numba
def test_once_the_known_answers_are_drawn_nothing_more_is_compiled() -> None:
    program = (
        "from service.numerics.recipe.known_answers import arithmetic_is_exact\n"
        "from tests.numerics.recipe.test_compilation import draw_all, signatures\n"
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
from service.numerics.recipe.numba_backend import fill_float32_run, fill_rows
from service.numerics.recipe.distributions import DistributionName, Stream
for distribution in DistributionName:
    values = np.empty((1, 8), np.float32)
    fill_rows(values, Stream.of({seed}, {tensor!r}, distribution, 1.0), {start}, 8)
    print(*(f"{{bits:08x}}" for bits in values[0].view(np.uint32)))
print(sum(fill_float32_run.stats.cache_hits.values()))
"""


@needs_numba
def test_the_numba_backend_draws_where_nothing_can_be_written(tmp_path: Path) -> None:
    # A copy beside which Numba finds a file in the place of its folder, and a home that cannot be made,
    # even by root, who may write to folders that nobody may write to.
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__", "static"))
    (tmp_path / "service" / "numerics" / "recipe" / "__pycache__").touch()
    nowhere = str(tmp_path / "service" / "numerics" / "recipe" / "__pycache__" / "home")
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
        "from service.numerics.recipe.distributions import DistributionName, Stream\n"
        "from service.numerics.recipe.backend import fill_run\n"
        "out = np.empty(8, np.float32)\n"
        "fill_run(out, Stream.of(42, 'layers.0.weight', DistributionName.NORMAL, 1.0), 0)\n"
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
    # It has healed: what was compiled anew is read back.
    counting = (
        "from service.numerics.recipe.numba_backend import fill_float32_run as run\n"
        "print(sum(run.stats.cache_hits.values()))\n"
    )
    assert printed_by_child(program + counting, ROOT, environment) == [known, "1"]


@needs_numba
def test_machine_code_that_came_along_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__", "static"))
    case = CASES[0]
    program = DRAWING.format(seed=case.seed, tensor=case.tensor, start=case.start)
    *lines, hits = printed_by_child(program, tmp_path, {})
    assert hits == "0"
    # Root may write to every folder: where nothing can be written, this is how Numba finds it out.
    refuse = "import tempfile\ndef refuse(**_):\n    raise OSError\ntempfile.TemporaryFile = refuse\n"
    assert printed_by_child(refuse + program, tmp_path, {}) == [*lines, "1"]
