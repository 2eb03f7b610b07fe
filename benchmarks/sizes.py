"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of all measurements."""

    values: int  # drawn in each round of `draw`
    rounds: int  # of `draw`, after one that is not counted
    panel_side: int  # nodes on each side of the layer of which `draw` reads the first `values` elements
    memory_side: int  # nodes on each side of the layer that `memory` downloads
    transfer_side: int  # nodes on each side of the layer that `transfer` downloads
    json_values: int  # values of the JSON document that `transfer` downloads
    load_seconds: int  # of load for each figure of `small`
    latency_side: int  # nodes on each side of the layers that `latency` downloads
    samples: int  # requests for each figure of `latency`
    diagnosis_width: int  # nodes of each of the ten layers of `diagnosis`
    orthogonal_side: int  # rows and columns of the matrix of `orthogonal`
    crowd: int  # clients of `crowd`
    llama_layers: int  # of the Llama-3 that `models` downloads; 32 is 8B, 16 GB


FULL = Sizes(
    2**26, 7, 46_341, 46_341, 16_384, 2**20, 5, 32_768, 400, 1000, 2048, 10_000, 32
)  # 46,341² float32 values are 8.6 GB

# For trying out the measurements themselves: its figures are not to be quoted.
QUICK = Sizes(2**22, 5, 8192, 8192, 2048, 2**16, 1, 16_384, 40, 200, 512, 1000, 2)
