"""Settings, read from environment variables that begin with FANIN_."""

import os
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.plan import Limits
from service.spec import LARGEST_WIDTH


class Settings(BaseSettings):
    """All that can be set about a running service. README has this table for operators."""

    model_config = SettingsConfigDict(env_prefix="FANIN_", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes any free one."""
    response_bytes: Annotated[int, Field(ge=1)] = 256 * 2**30
    """Most bytes in one response."""
    json_elements: Annotated[int, Field(ge=1)] = 4 * 2**20
    """Most values in one JSON response."""
    layers: Annotated[int, Field(ge=2)] = 1000
    """Most sizes in `layers`."""
    width: Annotated[int, Field(ge=1, le=LARGEST_WIDTH)] = 2**24
    """Most nodes in one layer."""
    body_bytes: Annotated[int, Field(ge=1)] = 64 * 2**10
    """Most bytes in the body of a POST request."""
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds within which the body of a POST request must come."""
    drawings: Annotated[int, Field(ge=1)] = 64
    """Most responses that may be drawn at once; a further one gets 503."""
    diagnoses: Annotated[int, Field(ge=1)] = 2
    """Most diagnoses at once; a further one gets 503."""
    diagnosis_bytes: Annotated[int, Field(ge=1)] = 2**30
    """Most bytes of memory for one diagnosis."""
    upload_bytes: Annotated[int, Field(ge=1)] = 64 * 2**20
    """Most bytes of weights that a client may send to be diagnosed."""
    uploads: Annotated[int, Field(ge=1)] = 8
    """Most such bodies that are taken in at once; a further one gets 503."""
    workers: Annotated[int, Field(ge=1)] = os.cpu_count() or 1
    """Threads that draw, for all responses together."""
    pieces_ahead: Annotated[int, Field(ge=1)] = 4
    """Pieces of at most 4 MiB that are drawn ahead of each client."""
    stall_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds after which a client that takes next to nothing is cut off."""
    shutdown_seconds: Annotated[int, Field(ge=0)] = 30
    """Seconds that running responses may still take after SIGTERM."""
    cors_origins: tuple[str, ...] = ("*",)
    """Origins whose pages may call the service, as a JSON list."""

    @property
    def limits(self) -> Limits:
        """Limits on a network."""
        return Limits(layers=self.layers, width=self.width)
