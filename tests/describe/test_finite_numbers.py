"""Every number that a client may give is finite; what is not is named, and said to be none."""

import json

import pytest

from service.describe.learning import LearningRequest, OwnLearningRequest
from service.describe.network import DiagnosisRequest, Network, Request
from service.describe.url import NUMBERS, READERS, request_of
from service.errors import InvalidRequest

USUAL = {"layers": "64,10", "activation": "relu"}
FLOATS = ("std", *NUMBERS)
REQUESTS: tuple[type[Request], ...] = (Network, DiagnosisRequest, LearningRequest, OwnLearningRequest)
CASES = [(request, name) for request in REQUESTS for name in FLOATS if name in request.model_fields]


def usual(request: type[Request]) -> dict[str, str]:
    return {name: value for name, value in USUAL.items() if name in request.model_fields}


@pytest.mark.parametrize("value", ["NaN", "nan", "Infinity", "-inf", "1e999"])
@pytest.mark.parametrize(("request_", "name"), CASES)
def test_a_query_has_finite_numbers(request_: type[Request], name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_of(request_, usual(request_) | {name: value})
    (error,) = caught.value.errors
    assert error.field == name
    allowed = "must be one of 0.5" if name == "cut" and value == "1e999" else "must be a finite number"
    assert error.message.startswith(allowed)
    assert error.value.lower() == ("infinity" if value == "1e999" else value.lower())


# Which Python's reader of JSON takes, though JSON has no such numbers.
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(("request_", "name"), CASES)
def test_a_body_has_finite_numbers(request_: type[Request], name: str, value: str) -> None:
    read = {field: READERS.get(field, str)(text) for field, text in usual(request_).items()}
    with pytest.raises(InvalidRequest) as caught:
        request_.of(read | {name: json.loads(value)})
    (error,) = caught.value.errors
    assert error.field == name
    assert error.message.startswith("must be one of 0.5" if name == "cut" else "must be a finite number")
