"""Mean and standard deviation of tensors that no memory holds: python dask_statistics.py [URL]."""

import sys

import dask
import dask.array

THREADS = 2


def mean_and_std(array: dask.array.Array) -> tuple[float, float]:
    """Return both of one pass over all chunks, in the memory of a few."""
    return dask.compute(array.mean(dtype="f8"), array.std(dtype="f8"), scheduler="threads", num_workers=THREADS)


def main(service: str) -> None:
    """Read 100 rows of a tensor of 102 GB, and the whole of one of 4.3 GB."""
    for side, rows in ((160_000, 100), (32_768, 32_768)):
        url = f"{service}/zarr/layers={side},{side}&activation=gelu&seed=42/layers.0.weight"
        weight = dask.array.from_zarr(url)
        mean, std = mean_and_std(weight[:rows])
        print(f"{weight.nbytes / 1e9:.1f} GB, {rows} rows: mean {mean:.1e}, std {std:.6f} of {side**-0.5:.6f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
