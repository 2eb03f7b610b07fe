"""Run the service: python -m service. Settings are environment variables; README lists them."""

import logging
import signal
import sys

import uvicorn
from pydantic import ValidationError

from service.web.app import create_app
from service.web.observing import JsonLines
from service.web.protocol import protocol
from service.web.settings import Settings


def main() -> None:
    """Serve until SIGTERM or SIGINT, then finish the running responses."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # No line tells these, so that no record need find them out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"A FANIN_ environment variable cannot be used: {error}")
    # uvicorn raises the signal once more when it has stopped; a stop that was asked for is a success.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol(settings.stall_seconds),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


if __name__ == "__main__":
    main()
