"""Read a tensor into JAX, each of eight devices its own shard: python jax_shards.py [URL]."""

import os
import sys

os.environ |= {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}

import jax
import tensorstore
from jax.sharding import NamedSharding, PartitionSpec, Sharding


def sharded(service: str, description: str, tensor: str, sharding: Sharding) -> jax.Array:
    """Return a tensor of /zarr, each of whose shards is read by itself."""
    store = {"driver": "http", "base_url": f"{service}/zarr/{description}", "path": f"{tensor}/"}
    array = tensorstore.open({"driver": "zarr3", "kvstore": store}, read=True).result()
    return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part].read().result())


def main(service: str) -> None:
    """Read a weight that is cut on both axes; the chunks are the shards."""
    mesh = jax.make_mesh((4, 2), ("data", "model"))
    description = "layers=4096,2048&activation=gelu&bias=none&dtype=bfloat16&seed=42&chunks=1024,1024"
    weight = sharded(service, description, "layers.0.weight", NamedSharding(mesh, PartitionSpec("data", "model")))
    shards = {shard.data.shape for shard in weight.addressable_shards}
    print(weight.dtype, weight.shape, "in", len(weight.addressable_shards), "shards of", *shards)
    print(f"std {weight.astype('float32').std():.5f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
