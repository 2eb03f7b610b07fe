"""What is learned: the digits are scikit-learn's, and the recipe says split, order and drawn places."""

import gzip
import hashlib
import math

import numpy as np
import pytest

from service.describe.learning import SIZES, DataName
from service.learning.samples import DIGITS, PIXELS, batches, task
from service.numerics.recipe.orders import order
from service.numerics.recipe.philox import key_of

# Of the text in sklearn/datasets/data/digits.csv.gz of scikit-learn 1.9.1, unpacked.
SKLEARN_TEXT = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"


def test_the_digits_are_those_of_scikit_learn() -> None:
    rows = np.frombuffer(gzip.decompress(DIGITS.read_bytes()), np.uint8).reshape(-1, PIXELS + 1)
    text = "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())
    assert hashlib.sha256(text.encode()).hexdigest() == SKLEARN_TEXT


@pytest.mark.parametrize("data", DataName)
def test_a_task_has_the_sizes_that_are_said_and_inputs_near_mean_0_and_std_1(data: DataName) -> None:
    found, sizes = task(data, 3), SIZES[data]
    assert (len(found.training), len(found.test)) == (sizes.training, sizes.test)
    inputs = np.concatenate((found.training.inputs, found.test.inputs)).astype(np.float64)
    assert inputs.shape[1] == sizes.inputs
    assert set(found.training.labels) == set(found.test.labels) == set(range(sizes.classes))
    assert abs(inputs.mean()) < 0.05
    assert inputs.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("data", DataName)
def test_no_sample_is_both_learned_and_tested(data: DataName) -> None:
    found, other = task(data, 3), task(data, 4)
    training, test = ({row.tobytes() for row in part.inputs} for part in (found.training, found.test))
    assert not training & test
    assert not np.array_equal(found.test.labels, other.test.labels)


def test_an_order_is_that_of_the_words_of_its_name() -> None:
    # Written out: NumPy's own Philox, and Python's sort.
    generator = np.random.Philox(key=np.array(key_of(5, "learning.split"), np.uint64))
    words = [int(generator.random_raw()) for _ in range(11)]
    assert order(5, "learning.split", 11).tolist() == sorted(range(11), key=words.__getitem__)


def test_every_epoch_takes_every_sample_once_and_batches_go_on_into_the_next() -> None:
    taken = batches(10, 4, 1)
    places = np.concatenate([next(taken) for _ in range(5)])
    assert sorted(places[:10]) == sorted(places[10:]) == list(range(10))
    assert places.tolist() == [*order(1, "learning.order.0", 10), *order(1, "learning.order.1", 10)]


def test_a_batch_may_be_larger_than_what_there_is() -> None:
    assert sorted(next(batches(3, 6, 1))) == [0, 0, 1, 1, 2, 2]


def test_the_circles_lie_within_each_other() -> None:
    samples = task(DataName.CIRCLES, 1).training
    radius = np.hypot(*samples.inputs.T)
    unit = 1 / math.sqrt((1 + 0.25) / 4 + 0.01)
    for label, size in ((0, 1.0), (1, 0.5)):
        assert np.median(radius[samples.labels == label]) == pytest.approx(size * unit, rel=0.05)


def test_the_arms_of_the_spiral_turn_by_four_radians() -> None:
    samples = task(DataName.SPIRAL, 1).training
    for label in range(3):
        arm = samples.inputs[samples.labels == label]
        radius, angle = np.hypot(*arm.T) / math.sqrt(6), np.arctan2(arm[:, 1], arm[:, 0])
        turned = angle - 4 * radius - 2 * math.pi * label / 3
        # Noise of std 0.2 is what is left, whole turns aside.
        assert np.exp(1j * turned).mean() == pytest.approx(math.exp(-(0.2**2) / 2), abs=0.03)
