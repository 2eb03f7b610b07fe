"""Each hook into uvicorn and h11 is there and is called: a release that changes one fails here, by its name."""

import asyncio
import inspect
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import h11
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server as UvicornServer
from uvicorn.server import ServerState

from service.web.http.bounds import Bounds
from service.web.http.connection import Connection
from service.web.http.malformed import Notes
from service.web.http.metrics import Metrics
from service.web.http.pace import SMALL_BUFFER_BYTES
from service.web.http.protocol import SLICE_BYTES, BoundedProtocol, protocol
from service.web.http.transport import Transport
from service.web.serving import Server

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
GET = HEAD + b"\r\n"
CLOSE = HEAD + b"Connection: close\r\n\r\n"
UPGRADE = HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
# More than uvicorn takes in before the app asks for it.
LONG_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)
# What a client sends, for each method that uvicorn calls of its own accord.
CALLED: Mapping[tuple[type, str], bytes] = MappingProxyType(
    {
        (BoundedProtocol, "_run"): GET,
        (BoundedProtocol, "_should_upgrade"): UPGRADE,
        (BoundedProtocol, "send_400_response"): b"garbage\r\n\r\n",
        (BoundedProtocol, "on_response_complete"): GET,
        (BoundedProtocol, "_feed_soon"): LONG_BODY,
        (Connection, "next_event"): GET,
        (Connection, "send"): GET,
        (Transport, "close"): CLOSE,
        (Transport, "is_closing"): GET,
    }
)


class Socket:
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_closed = False
        self.options: dict[tuple[int, int], int] = {}

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" else None

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options[level, option] = value

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.1", 1

    getsockname = getpeername

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        pass

    abort, write_eof, resume_reading = close, pause_reading, pause_reading

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    await Response("answer")(scope, receive, send)


async def spoken(sent: bytes) -> Socket:
    """Return the transport after the protocol has answered."""
    config = Config(app, lifespan="off", ws="none", log_config=None)
    config.load()
    connection = protocol(Bounds(), Notes(Metrics()))(config, ServerState(), {})
    transport = Socket()
    connection.connection_made(cast(asyncio.Transport, transport))
    for start in range(0, len(sent), 50_000):
        connection.data_received(sent[start : start + 50_000])
    for _ in range(1000):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    return transport


@pytest.mark.parametrize("hook", CALLED, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
def test_each_hook_is_called(hook: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name = hook
    original: Callable[..., Any] = getattr(owner, name)
    calls: list[str] = []

    def noting(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, noting)
    transport = asyncio.run(spoken(CALLED[hook]))
    assert calls
    assert transport.written.startswith(b"HTTP/1.1 400" if name == "send_400_response" else b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("own", "theirs"),
    [(BoundedProtocol, H11Protocol), (Connection, h11.Connection), (Server, UvicornServer)],
    ids=["protocol", "connection", "server"],
)
def test_what_is_overridden_has_the_parameters_it_had(own: type, theirs: type) -> None:
    for name, method in vars(own).items():
        if inspect.isfunction(method) and hasattr(theirs, name) and (name != "__init__" or own is BoundedProtocol):
            parameters = [list(inspect.signature(getattr(kind, name)).parameters) for kind in (own, theirs)]
            assert parameters[0] == parameters[1], name


def test_what_is_public_in_the_protocol_is_called_by_uvicorn_or_asyncio() -> None:
    for name in vars(BoundedProtocol):
        assert name.startswith("_") or name in {"bounds", "notes"} or hasattr(H11Protocol, name), name


def test_the_send_buffer_is_bounded() -> None:
    transport = asyncio.run(spoken(GET))
    assert transport.options == {(socket.SOL_SOCKET, socket.SO_SNDBUF): SMALL_BUFFER_BYTES}


def test_a_slice_at_a_time_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = h11.Connection.receive_data

    def noting(self: h11.Connection, data: bytes) -> None:
        sizes.append(len(data))
        original(self, data)

    monkeypatch.setattr(h11.Connection, "receive_data", noting)
    asyncio.run(spoken(LONG_BODY))
    assert max(sizes) <= SLICE_BYTES
    assert sum(sizes) == len(LONG_BODY)
