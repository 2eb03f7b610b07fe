"""The parts of a picture: signs, marks of saturation, scales and numbers."""

import numpy as np
import pytest

from service.diagnosis.layer_figures import SATURATED_SLOPE
from service.diagnosis.picture.marks import SIGNS
from service.diagnosis.picture.scales import Scale, log_label, log_range, percent, plain_label
from service.diagnosis.picture.svg import number as coordinate
from service.diagnosis.picture.values import saturation
from service.diagnosis.verdicts import FAULTS, HEALTHY, NON_FINITE
from service.numerics.activations import FUNCTIONS, Activation


def test_every_verdict_has_a_sign_of_its_own() -> None:
    codes = [NON_FINITE.code, *dict.fromkeys(fault.code for fault in FAULTS), HEALTHY.code]
    assert list(SIGNS) == codes
    # Without colour, the shape tells.
    assert len({(sign.body, sign.detail) for sign in SIGNS.values()}) == len(codes)


@pytest.mark.parametrize("activation", [one for one in Activation if FUNCTIONS[one].largest_slope is not None])
def test_marks_of_saturation_are_where_the_slope_falls_below_its_threshold(activation: Activation) -> None:
    function = FUNCTIONS[activation]
    assert function.largest_slope is not None
    inputs = np.linspace(-8, 8, 160_001)
    flat = function.slope(inputs) < SATURATED_SLOPE * function.largest_slope
    edges = function.value(inputs[1:][flat[1:] != flat[:-1]])
    assert saturation(activation) == pytest.approx(edges.tolist(), abs=2e-3)
    assert len(edges) == 2


LABELS = {0.001: "0.001", 1e-5: "10⁻⁵", 2e4: "2·10⁴", 1e28: "10²⁸", 500: "500", 0.2: "0.2"}


@pytest.mark.parametrize(("value", "label"), LABELS.items())
def test_ticks_are_written_short(value: float, label: str) -> None:
    assert log_label(value) == label


def test_numbers_are_written_short() -> None:
    assert [plain_label(value) for value in (-0.5, 3e28, 1e-8, 100000)] == ["−0.5", "3e28", "1e−8", "100000"]
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
    assert [coordinate(value) for value in (-0.001, 10, 0.125, 100.5, -3.0)] == ["0", "10", "0.12", "100.5", "-3"]


@pytest.mark.parametrize("values", [[1e-300], [1e300, 1e-300], [0.3], [0.0], [5, 50], [1e-45, 3e38], [9.99, 10.01]])
def test_an_axis_has_a_few_ticks_whatever_it_shows(values: list[float]) -> None:
    scale = Scale(*log_range(values), 130.0, 0.0, is_log=True)
    ticks = scale.ticks(6)
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    assert all(0 <= scale.place(value) <= 130 for value in (*ticks, *(value for value in values if value > 0)))
