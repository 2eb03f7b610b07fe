"""What is learned: samples with their classes, the split into training and test, and the order of the batches."""

import gzip
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from service.describe.learning import SIZES, DataName
from service.numerics.activations import FloatArray
from service.numerics.recipe.backend import fill_run
from service.numerics.recipe.distributions import DistributionName, Stream
from service.numerics.recipe.orders import order

Labels = npt.NDArray[np.int64]

DIGITS: Final = Path(__file__).parent / "data/digits.gz"
PIXELS: Final = 64
# Of the pixels of all digits, nearly: 4.9 and 6.0.
MEAN_PIXEL, PIXEL_STD = 5.0, 6.0
# The spiral turns by so many radians from its middle to its end.
TURN, ANGLE_NOISE = 4.0, 0.2
INNER_RADIUS, CIRCLE_NOISE = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples, and the class of each."""

    inputs: FloatArray  # shape (samples, values)
    labels: Labels  # shape (samples,)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)

    def at(self, places: Labels) -> "Samples":
        """Return the samples at these places."""
        return Samples(self.inputs[places], self.labels[places])


@dataclass(frozen=True, slots=True)
class Task:
    """What a network learns from, and what it is asked afterwards."""

    training: Samples
    test: Samples


def task(data: DataName, seed: int) -> Task:
    """Return the samples of a set of data, float32, split by this seed: docs/recipe.md, section 18."""
    inputs, labels = DATA[data](seed)
    samples = Samples(inputs, labels)
    places = order(seed, "learning.split", len(labels))
    test = SIZES[data].test
    return Task(samples.at(places[test:]), samples.at(places[:test]))


def batches(samples: int, size: int, seed: int) -> Iterator[Labels]:
    """Yield the places of the samples of each batch, without end.

    Every epoch is a new order of all samples; a batch that an epoch has too few left for goes on in the next one.
    """
    epoch, waiting = 0, np.empty(0, np.int64)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate((waiting, order(seed, f"learning.order.{epoch}", samples)))
            epoch += 1
        yield waiting[:size]
        waiting = waiting[size:]


@cache
def _digits() -> tuple[FloatArray, Labels]:
    content = np.frombuffer(gzip.decompress(DIGITS.read_bytes()), np.uint8).reshape(-1, PIXELS + 1)
    inputs = (content[:, :PIXELS].astype(np.float32) - np.float32(MEAN_PIXEL)) / np.float32(PIXEL_STD)
    return inputs, content[:, PIXELS].astype(np.int64)


def _spiral(seed: int) -> tuple[FloatArray, Labels]:
    """Return three arms, as in the notes of Stanford's CS231n: samples take turns, from the middle to the end."""
    sizes = SIZES[DataName.SPIRAL]
    number = np.arange(sizes.training + sizes.test)
    labels = number % sizes.classes
    radius = (number // sizes.classes + 0.5) / (len(number) / sizes.classes)
    noise = _normals(seed, "learning.spiral", len(number))
    angle = TURN * radius + 2 * math.pi * labels / sizes.classes + ANGLE_NOISE * noise
    # The mean square of a radius is 1/3, and that of a coordinate half of it.
    inputs = math.sqrt(6) * radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    return inputs.astype(np.float32), labels


def _circles(seed: int) -> tuple[FloatArray, Labels]:
    """Return two circles, one within the other: samples take turns, once around."""
    sizes = SIZES[DataName.CIRCLES]
    number = np.arange(sizes.training + sizes.test)
    labels = number % sizes.classes
    radius = np.where(labels == 0, 1.0, INNER_RADIUS)
    angle = 2 * math.pi * (number // sizes.classes) / (len(number) / sizes.classes)
    places = radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    places += CIRCLE_NOISE * _normals(seed, "learning.circles", places.size).reshape(places.shape)
    mean_square = (1 + INNER_RADIUS**2) / 4 + CIRCLE_NOISE**2
    return (places / math.sqrt(mean_square)).astype(np.float32), labels


def _normals(seed: int, name: str, count: int) -> FloatArray:
    values = np.empty(count, np.float32)
    fill_run(values, Stream.of(seed, name, DistributionName.NORMAL, 1.0), 0)
    return values.astype(np.float64)


DATA: Final[Mapping[DataName, Callable[[int], tuple[FloatArray, Labels]]]] = MappingProxyType(
    {DataName.DIGITS: lambda _: _digits(), DataName.SPIRAL: _spiral, DataName.CIRCLES: _circles}
)
