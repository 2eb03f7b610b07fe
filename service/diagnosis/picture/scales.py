"""From values to places on an axis, and the values that an axis names."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MANTISSAS = (1, 2, 5)
# Up to so many powers of ten, 2 and 5 times each are named too.
FINE_DECADES = 2.5
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Powers of ten beyond these are written as such.
LARGEST_PLAIN = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis, linear in the value or in its logarithm."""

    low: float  # value at `start`; above 0 where the axis is logarithmic
    high: float  # value at `stop`; above `low`
    start: float  # in pixels
    stop: float  # in pixels
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, in pixels; it may be beyond the ends."""
        if self.is_log:
            low, high = math.log(self.low), math.log(self.high)
            part = (math.log(value) - low) / (high - low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.stop - self.start)

    def ticks(self, most: int) -> list[float]:
        """Return values to name, ascending: two at least, and about `most` at most."""
        return _log_ticks(self.low, self.high, most) if self.is_log else linear_ticks(self.low, self.high, most)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten within [low, high]: from two to `most` of them."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = [mantissa * power * tens for tens in (1, 10) for mantissa in MANTISSAS]
    counts = [(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)) for step in steps]
    fitting = [(step, ends) for step, ends in zip(steps, counts, strict=True) if 2 <= ends[1] - ends[0] + 1 <= most]
    if not fitting:
        return [low, high]
    step, (first, last) = fitting[0]
    # A multiple of 0.1 is not the decimal number that it is meant to be.
    return [float(f"{step * count:.10g}") for count in range(first, last + 1)]


def log_range(values: Iterable[float]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis that shows all values above 0, over a power of ten at least."""
    shown = [value for value in values if value > 0] or [1.0]
    low, high = math.log10(min(shown)), math.log10(max(shown))
    margin = max(0.06 * (high - low), (1 - (high - low)) / 2)
    # Ends of an axis are numbers themselves: not even a tiny or a huge value may push them out of range.
    return 10.0 ** max(low - margin, -307), 10.0 ** min(high + margin, 307)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.log10(low), math.log10(high)
    steps = (mantissa * tens for tens in (1, 10, 100) for mantissa in MANTISSAS)
    step = next(step for step in steps if (last - first) / step <= most)
    mantissas = MANTISSAS if last - first <= FINE_DECADES else (1,)
    exponents = range(math.floor(first / step) * step, math.ceil(last) + 1, step)
    return [tick for power in exponents for m in mantissas if low <= (tick := float(f"{m}e{power}")) <= high]


def log_label(value: float) -> str:
    """Return the name of a tick on a logarithmic axis."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if abs(exponent) <= LARGEST_PLAIN:
        return plain_label(value)
    mantissa = round(value / 10.0**exponent)
    power = "10" + str(exponent).translate(SUPERSCRIPTS)
    return power if mantissa == 1 else f"{mantissa}·{power}"


def plain_label(value: float) -> str:
    """Return a number in few characters: 0.25, −1, 3e28."""
    digits, _, exponent = f"{value:.6g}".partition("e")
    return (digits + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


def percent(share: float) -> str:
    """Return a share in whole percents, which stay off 0 and 100 % unless it is all or nothing."""
    rounded = round(100 * share)
    if 0 < share < 1:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded} %"


def whole_ticks(first: int, count: int, most: int) -> list[int]:
    """Return which of `count` things, counted from `first`, to name."""
    last = first + count - 1
    if count <= most:
        return list(range(first, last + 1))
    return [round(tick) for tick in linear_ticks(first, last, most) if tick == round(tick)]
