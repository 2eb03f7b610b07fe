"""The command: fanin, or python -m service. docs/deploy.md lists the settings, which are environment variables."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from service import __version__


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running responses; `arguments` are those of the command line."""
    # uvicorn raises the signal once more when it has stopped; a stop that was asked for is a success.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))
    given = _parser().parse_args(arguments)
    # A thread of OpenBLAS keeps its core busy for so many cycles, 2**26 unless this is said, when a product is done:
    # in a busy service a third of all time. It is read when NumPy is loaded.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "10")
    # Only now, for this takes a second: --help and a wrong option are answered at once, and Ctrl-C is.
    from service.web.serving import CannotListen, serve  # noqa: PLC0415
    from service.web.settings import PREFIX, BadSettings, settings_from  # noqa: PLC0415

    options = {PREFIX + name.upper(): value for name, value in vars(given).items() if value is not None}
    try:
        serve(settings_from(os.environ | options))
    except (BadSettings, CannotListen) as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fanin",
        description="Initial weights of neural networks over HTTP: the same URL gives the same bits.",
        epilog="fanin alone is fanin serve. All other settings are environment variables: docs/deploy.md.",
    )
    parser.add_argument("--version", action="version", version=f"fanin {__version__}")
    serve = parser.add_subparsers(title="commands").add_parser("serve", help="serve until Ctrl-C or SIGTERM")
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen on: FANIN_HOST, or 127.0.0.1")
    serve.add_argument("--port", metavar="NUMBER", help="port to listen on, 0 for any: FANIN_PORT, or 8000")
    return parser


if __name__ == "__main__":
    main()
