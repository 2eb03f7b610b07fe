"""The process that serves: its log, its address, its start and its end."""

import errno
import gc
import logging
import os
import socket
import sys
import threading
from types import FrameType

import uvicorn

from service import __version__
from service.web.app import create_app
from service.web.http.bounds import Bounds, connections_allowed
from service.web.http.log_lines import JsonLines, TextLines
from service.web.http.log_writer import LogWriter
from service.web.http.malformed import Notes
from service.web.http.metrics import Metrics
from service.web.http.protocol import protocol
from service.web.settings import LogFormat, Settings

# For answers that were cut off at the end of their time to leave, and the last log lines to be written.
SECONDS_AFTER_SHUTDOWN = 1.0
# Collections of younger objects before one of all, in which nothing else runs: 0.1 s while a model of tens of
# thousands of tensors is being planned. Plans have no cycles, and are let go without being collected.
YOUNG_COLLECTIONS = 1000
# Addresses that stand for all of a machine's.
ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to

log = logging.getLogger("fanin")


class CannotListen(OSError):
    """The address that the settings name cannot be listened on; says why, and what to do, in one line."""


class Server(uvicorn.Server):
    """uvicorn's server, which also ends if its threads are still at work when the time of a shutdown is over."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and take what is there from now on for what stays."""
        await super().startup(sockets)
        # To look through it for garbage would hold the event loop for a tenth of a second, now and then.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], YOUNG_COLLECTIONS)
        fields = {"version": __version__, "url": self._url(), "host": self.config.host}
        log.info("listening", extra={"fields": fields})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: at once while starting, else within the time that responses have."""
        super().handle_exit(sig, frame)
        seconds = self.config.timeout_graceful_shutdown or 0 if self.started else 0
        if self.server_state.tasks:
            fields = {"responses": len(self.server_state.tasks), "seconds": seconds}
            log.info("stopping", extra={"fields": fields})
        deadline = threading.Timer(seconds + SECONDS_AFTER_SHUTDOWN, end_now, kwargs={"is_started": self.started})
        deadline.daemon = True
        deadline.start()

    def _url(self) -> str:
        """Return an address at which this machine's own programs find the service."""
        host, port = self.config.host, self.servers[0].sockets[0].getsockname()[1]
        shown = "localhost" if host in ALL_ADDRESSES else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}"


def end_now(*, is_started: bool) -> None:
    """End the process, whatever its threads are doing: a stop that was asked for is a success."""
    if is_started:
        log.warning("stopped in the middle of work: the time for a shutdown is over")
    else:
        log.info("stopped")
    logging.shutdown()
    os._exit(0)


def serve(settings: Settings) -> None:
    """Serve until a signal; raise CannotListen where the address is taken, or is none of this machine's."""
    _try_address(settings.host, settings.port)
    metrics = Metrics()
    _log_to_stdout(settings.log, metrics)
    Server(_config(settings, metrics)).run()


def _try_address(host: str, port: int) -> None:
    """Find out before the start, which takes seconds, what uvicorn would find out after it."""
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = f"stop what listens there, or choose another port, as with FANIN_PORT={port + 1}"
            raise CannotListen(f"fanin: port {port} of {host} is in use: {advice}") from None
        raise CannotListen(f"fanin: cannot listen on port {port} of {host}: {error.strerror}") from None


def _log_to_stdout(log_format: LogFormat | None, metrics: Metrics) -> None:
    writer = LogWriter(sys.stdout.fileno())
    is_text = log_format is LogFormat.TEXT or (log_format is None and sys.stdout.isatty())
    writer.setFormatter(TextLines() if is_text else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[writer])
    if is_text:
        logging.getLogger("fanin.compiling").setLevel(logging.DEBUG)
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # No line tells these, so that no record need find them out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    metrics.show("fanin_log_lines_lost", "Log lines that nobody read.", lambda: writer.lost)


def _config(settings: Settings, metrics: Metrics) -> uvicorn.Config:
    bounds = Bounds(
        head_bytes=settings.head_bytes,
        head_seconds=settings.head_seconds,
        stall_seconds=settings.stall_seconds,
        connections=connections_allowed(settings.connections),
    )
    return uvicorn.Config(
        create_app(settings, metrics),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol(bounds, Notes(metrics)),
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
