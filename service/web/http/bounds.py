"""What one connection may take, and how many there may be."""

import resource
from dataclasses import dataclass

# Files, workers' pipes, the listening socket, and connections that are only told that there is no place.
DESCRIPTORS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a connection."""

    head_bytes: int = 2**15  # of the request line and headers together, and of trailers
    head_seconds: float = 20.0  # from the first byte, or the connection's start, to the end of a head
    stall_seconds: float = 60.0  # in which a client must take something of what waits for it
    connections: int = 20_000  # at once


def connections_allowed(most: int) -> int:
    """Raise the process's limit of descriptors as far as it may; return how many connections, at most `most`, fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return most if hard == resource.RLIM_INFINITY else max(min(most, hard - DESCRIPTORS_KEPT), 1)
