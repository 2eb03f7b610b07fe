"""What the programs beside this one ask of the service, with Python's own library alone."""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TRIES = 100
BUSY = {429, 503}


def entries(arrays: Mapping[str, Any]) -> list[dict[str, object]]:
    """Return names, shapes and dtypes as the service takes them: of NumPy, PyTorch, JAX or Keras."""
    return [
        {"name": name, "shape": list(array.shape), "dtype": str(array.dtype).rpartition(".")[2]}
        for name, array in arrays.items()
    ]


def read(url: str, description: Mapping[str, object] | None = None) -> bytes:
    """Return the body of an answer, to a POST of the description where there is one.

    A busy service is asked again. Raise RuntimeError with its own words where it refuses.
    """
    body = None if description is None else json.dumps(description).encode()
    request = Request(url, body, {"Content-Type": "application/json"})
    for _ in range(TRIES):
        try:
            with urlopen(request) as answer:
                content: bytes = answer.read()
                return content
        except HTTPError as problem:
            with problem:
                if problem.code not in BUSY:
                    raise RuntimeError(problem.read().decode()) from None
                time.sleep(float(problem.headers.get("Retry-After", 1)))
    raise TimeoutError(f"{url} was busy {TRIES} times")
