"""Readers of Zarr stores, as they are installed, against the same tensors as bare bytes: bit for bit.

Not read here: GDAL 3.12 and Zarr.jl, for which no registry of this project has a package.
"""

import base64
import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dask.array
import httpx
import ml_dtypes
import numpy as np
import numpy.typing as npt
import obstore.store
import pytest
import tensorstore
import xarray
import zarr
import zarr.storage

from harness.running import Service, running

Arrays = dict[str, npt.NDArray[Any]]
Reader = Callable[[str, list[str]], Arrays]

READ_JS = Path(__file__).with_name("read.js")
NODE = Path(sys.executable).with_name("node")
DTYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": ml_dtypes.bfloat16}
SHAPES = {"flat": {"layers.0.weight": (1009, 307)}, "nested": {"enc/a": (100, 70), "enc/deep/b": (70, 100)}}


def packed(model: Mapping[str, Any]) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflater.compress(json.dumps(model).encode()) + deflater.flush()
    return base64.urlsafe_b64encode(deflated).decode().rstrip("=")


def description(names: str, dtype: str) -> str:
    """Return what a store is of; in each there are chunks at both edges."""
    if names == "flat":
        return f"layers=1009,307&activation=gelu&dtype={dtype}&bias=none&seed=7"
    tensors = [{"name": name, "shape": shape} for name, shape in SHAPES["nested"].items()]
    rules = [{"match": "*", "axes": "OI", "scheme": "he", "dtype": dtype}]
    return f"model={packed({'seed': 7, 'tensors': tensors, 'rules': rules})}"


def expected(service: Service, names: str, dtype: str) -> Arrays:
    said = description(names, dtype)
    folder = "weights" if names == "flat" else "model/weights"
    return {
        name: np.frombuffer(
            httpx.get(f"{service.url}/{folder}/{name}.bin?{said}", timeout=60).raise_for_status().content, DTYPES[dtype]
        ).reshape(shape)
        for name, shape in SHAPES[names].items()
    }


def listed(group: zarr.Group) -> list[str]:
    return sorted(name for name, member in group.members(max_depth=None) if isinstance(member, zarr.Array))


def zarr_with_fsspec(url: str, names: list[str]) -> Arrays:
    group = zarr.open_group(url, mode="r")
    assert listed(group) == names
    return {name: group[name][...] for name in names}


def zarr_with_obstore(url: str, names: list[str]) -> Arrays:
    store = obstore.store.HTTPStore.from_url(url, client_options={"allow_http": True})
    group = zarr.open_group(zarr.storage.ObjectStore(store, read_only=True), mode="r")
    assert listed(group) == names
    return {name: group[name][...] for name in names}


def zarrs(url: str, names: list[str]) -> Arrays:
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        return zarr_with_fsspec(url, names)


def dask_array(url: str, names: list[str]) -> Arrays:
    return {name: dask.array.from_zarr(f"{url}/{name}").compute(scheduler="threads") for name in names}


def xarray_dataset(url: str, names: list[str]) -> Arrays:
    arrays = {}
    for name in names:
        group, _, last = name.rpartition("/")
        dataset = xarray.open_zarr(url, group=group or None)
        arrays[name] = dataset[last].values
    return arrays


def tensorstore_array(url: str, names: list[str]) -> Arrays:
    return {name: tensorstore.open(f"{url}/{name}/|zarr3:", read=True).result().read().result() for name in names}


def zarrita(url: str, names: list[str]) -> Arrays:
    read = subprocess.run([NODE, READ_JS, url, *names], capture_output=True, check=False)
    if read.returncode:
        raise ValueError(read.stderr.decode())
    line, _, content = read.stdout.partition(b"\n")
    arrays = {}
    for name, array in zip(names, json.loads(line), strict=True):
        dtype, count = np.dtype(array["dtype"]), prod(array["shape"])
        arrays[name] = np.frombuffer(content, dtype, count).reshape(array["shape"])
        content = content[count * dtype.itemsize :]
    return arrays


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "zarr-python with fsspec": zarr_with_fsspec,
        "zarr-python with obstore": zarr_with_obstore,
        "zarrs": zarrs,
        "dask": dask_array,
        "xarray": xarray_dataset,
        "tensorstore": tensorstore_array,
        "zarrita": zarrita,
    }
)
# Zarr's core has no bfloat16; of these, tensorstore alone knows the extension that has.
READ_BFLOAT16 = {"tensorstore"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("names", SHAPES)
@pytest.mark.parametrize("slash", ["", "/"], ids=["no slash", "trailing slash"])
@pytest.mark.parametrize("reader", READERS)
def test_a_client_reads_the_same_bits(service: Service, reader: str, slash: str, names: str, dtype: str) -> None:
    url = f"{service.url}/zarr/{description(names, dtype)}&chunks=32,40{slash}"
    wanted = expected(service, names, dtype)
    if dtype == "bfloat16" and reader not in READ_BFLOAT16:
        with pytest.raises((ValueError, KeyError), match="bfloat16"):
            READERS[reader](url, list(wanted))
        return
    read = READERS[reader](url, list(wanted))
    assert read.keys() == wanted.keys()
    for name, values in wanted.items():
        assert (read[name].shape, read[name].dtype) == (values.shape, values.dtype)
        assert np.ascontiguousarray(read[name]).tobytes() == values.tobytes()


@pytest.mark.parametrize("reader", READERS)
def test_a_network_is_read_whole_with_its_biases(service: Service, reader: str) -> None:
    query = "layers=2003,1999,10&activation=gelu&layout=out_in&seed=7"
    names = sorted(f"layers.{layer}.{kind}" for layer in range(2) for kind in ("weight", "bias"))
    read = READERS[reader](f"{service.url}/zarr/{query}", names)
    for name in names:
        values = httpx.get(f"{service.url}/weights/{name}.bin?{query}", timeout=60).raise_for_status().content
        assert np.ascontiguousarray(read[name]).tobytes() == values


def test_a_tensor_that_describes_itself_is_read_by_any_name(service: Service) -> None:
    query = "shape=64,3,7,7&axes=OIHW&activation=relu&seed=42"
    values = httpx.get(f"{service.url}/tensor/a/conv1.weight.bin?{query}", timeout=60).raise_for_status().content
    url, name = f"{service.url}/zarr/{query}", "a/conv1.weight"
    for read in (dask_array(url, [name])[name], tensorstore_array(url, [name])[name], zarr.open_group(url)[name][...]):
        assert read.shape == (64, 3, 7, 7)
        assert read.tobytes() == values


@pytest.mark.parametrize("reader", ["zarr-python with fsspec", "zarrs", "dask", "tensorstore"])
def test_more_readers_than_places_are_all_answered(reader: str) -> None:
    query = "layers=4096,4096&activation=relu&bias=none&seed=1"
    with running(drawings=2, workers=1) as service:
        values = httpx.get(f"{service.url}/weights/layers.0.weight.bin?{query}", timeout=60).content
        url = f"{service.url}/zarr/{query}&chunks=256,1024"
        read = READERS[reader](url, ["layers.0.weight"])
    assert read["layers.0.weight"].tobytes() == values
