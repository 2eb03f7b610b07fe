"""Settings, read from environment variables that begin with FANIN_."""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, from_json

from service.dense.network import Limits
from service.describe.model.model import Limits as ModelLimits
from service.describe.network import LARGEST_WIDTH
from service.web.http.buffers import BYTES_OF_EACH_SIZE
from service.web.http.keys import read_keys
from service.web.http.memory import memory_allowed


def _file_of_keys(path: Path) -> Path:
    read_keys(path)
    return path


PREFIX = "FANIN_"
# What Kubernetes sets in every pod for a Service whose name is, or begins with, fanin.
SERVICE_LINK = re.compile(
    r"FANIN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
SERVICE_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://\S+")


class LogFormat(StrEnum):
    """How the log is written."""

    JSON = "json"
    TEXT = "text"


class BadSettings(ValueError):
    """Environment variables that cannot be used; a line for each."""


def _network(text: str) -> str:
    return str(ip_network(text))


def _list(value: object) -> object:
    try:
        return from_json(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be a JSON list") from None


JsonList = BeforeValidator(_list)


class Settings(BaseModel):
    """All that can be set about a running service. docs/deploy.md has this table for operators."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes any free one."""
    log: LogFormat | None = None
    """`json`, a line for each request, or `text`, for people; left out, text on a terminal and json elsewhere."""
    response_bytes: Annotated[int, Field(ge=1)] = 256 * 2**30
    """Most bytes in one response."""
    json_elements: Annotated[int, Field(ge=1)] = 4 * 2**20
    """Most values in one JSON response."""
    layers: Annotated[int, Field(ge=2)] = 1000
    """Most sizes in `layers`."""
    width: Annotated[int, Field(ge=1, le=LARGEST_WIDTH)] = 2**24
    """Most nodes in one layer."""
    body_bytes: Annotated[int, Field(ge=1)] = 64 * 2**10
    """Most bytes in the body of a POST request that describes a network."""
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds within which the body of a POST request must come."""
    model_tensors: Annotated[int, Field(ge=1)] = 2**16
    """Most tensors in one model."""
    model_rules: Annotated[int, Field(ge=0)] = 256
    """Most rules in one model, those of its family not counted."""
    model_bytes: Annotated[int, Field(ge=1)] = 8 * 2**20
    """Most bytes in the description of a model in the body of a POST request."""
    header_bytes: Annotated[int, Field(ge=1)] = 16 * 2**20
    """Most bytes of a safetensors file that a client may send for its header."""
    memory: Annotated[int, Field(ge=2**26)] = memory_allowed() * 3 // 4
    """Bytes of memory for all that is drawn, diagnosed and taken in at once, and for what is kept to be used again."""
    waiting: Annotated[int, Field(ge=0)] = 256
    """Most requests that wait for memory or for a slot; a further one gets 503."""
    wait_seconds: Annotated[float, Field(ge=0)] = 5.0
    """Seconds after which a request that waits gets 503."""
    drawings: Annotated[int, Field(ge=1)] = 64
    """Most pieces of responses that are drawn, or wait for a thread, at once."""
    diagnoses: Annotated[int, Field(ge=1)] = 2
    """Most diagnoses and trainings at once."""
    diagnosis_bytes: Annotated[int, Field(ge=1)] = 2**30
    """Most bytes of memory for one diagnosis or training."""
    diagnosis_seconds: Annotated[float, Field(gt=0)] = 120.0
    """Seconds that a diagnosis or a training may take."""
    learning_work: Annotated[int, Field(ge=1)] = 10**11
    """Most steps of one training, times its parameters, times the samples in a batch."""
    upload_bytes: Annotated[int, Field(ge=1)] = 64 * 2**20
    """Most bytes of weights that a client may send to be diagnosed or trained."""
    cache_bytes: Annotated[int, Field(ge=0)] = Field(
        default_factory=lambda given: min(32 * 2**20, given["memory"] // 48)
    )
    """Most bytes of memory for small answers and plans that are asked for again."""
    matrix_bytes: Annotated[int, Field(ge=0)] = Field(
        default_factory=lambda given: min(256 * 2**20, given["memory"] // 6)
    )
    """Most bytes of orthogonal matrices that are kept while they are sent, and so of one that must be drawn whole."""
    workers: Annotated[int, Field(ge=1)] = os.cpu_count() or 1
    """Threads that draw, for all responses together."""
    pieces_ahead: Annotated[int, Field(ge=1)] = 4
    """Pieces of at most 4 MiB that are drawn ahead of each client that keeps up."""
    stall_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds after which a client that takes next to nothing is cut off."""
    shutdown_seconds: Annotated[int, Field(ge=0)] = 30
    """Seconds that running responses may still take after SIGTERM."""
    cors_origins: Annotated[tuple[str, ...], JsonList] = ("*",)
    """Origins whose pages may call the service, as a JSON list."""
    head_bytes: Annotated[int, Field(ge=2**13, le=2**20)] = 2**15
    """Most bytes in a request line and its headers together, and in trailers."""
    head_seconds: Annotated[float, Field(gt=0)] = 20.0
    """Seconds within which a request line and its headers must come."""
    connections: Annotated[int, Field(ge=1)] = 20_000
    """Most connections at once, as far as the system has file descriptors; a further one is closed."""
    proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], JsonList] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` names the client, as a JSON list."""
    api_keys_file: Annotated[Path, AfterValidator(_file_of_keys)] | None = None
    """File of the keys that clients must send: a line for each with its SHA-256 and, if you like, a name."""

    @field_validator("cache_bytes", "matrix_bytes")
    @classmethod
    def _leave_memory_for_work(cls, kept: int, given: ValidationInfo) -> int:
        memory = given.data.get("memory")
        if memory is not None and kept > memory // 4:
            raise ValueError(f"must be at most a quarter of FANIN_MEMORY, which is {memory}")
        return kept

    @property
    def buffers_kept(self) -> int:
        """Free buffers that are kept of each size: 16, or as many as take a twelfth of the memory."""
        return min(16, self.memory // 12 // BYTES_OF_EACH_SIZE)

    @property
    def working_bytes(self) -> int:
        """Memory for what is under way: all but that for what is kept."""
        return self.memory - self.matrix_bytes - self.cache_bytes - self.buffers_kept * BYTES_OF_EACH_SIZE

    @property
    def limits(self) -> Limits:
        """Limits on a network."""
        return Limits(layers=self.layers, width=self.width)

    @property
    def model_limits(self) -> ModelLimits:
        """Limits on a model."""
        return ModelLimits(tensors=self.model_tensors, rules=self.model_rules)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; raise BadSettings, which names each variable that cannot be used."""
    given = {
        variable: text
        for variable, text in environment.items()
        if variable.startswith(PREFIX) and not _is_service_link(variable, text)
    }
    names = {PREFIX + name.upper(): name for name in Settings.model_fields}
    faults = [
        f"{variable} is not a setting; docs/deploy.md lists those there are"
        for variable in given
        if variable not in names
    ]
    try:
        settings = Settings.model_validate(
            {names[variable]: given[variable] for variable in given if variable in names}
        )
    except ValidationError as error:
        # Settings whose default depends on another that cannot be used are not at fault themselves.
        faults += [_fault(found, given) for found in error.errors() if found["type"] != "default_factory_not_called"]
    if faults:
        raise BadSettings("\n".join(faults))
    return settings


def _is_service_link(variable: str, text: str) -> bool:
    is_port = variable.endswith("PORT") and SERVICE_LINK_VALUE.fullmatch(text) is not None
    return is_port or SERVICE_LINK.fullmatch(variable) is not None


def _fault(found: ErrorDetails, given: Mapping[str, str]) -> str:
    variable = PREFIX + str(found["loc"][0]).upper()
    return f"{variable}={given[variable]} cannot be used: {found['msg'].removeprefix('Value error, ')}"
