"""How much memory there is, and that what is free goes back to the system."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")
# Of cgroup 2 and of cgroup 1, where each controller has a folder of its own.
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")
TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's


def memory_allowed() -> int:
    """Return the bytes of memory that this process may use: the machine's, or fewer where a cgroup allows fewer."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    listing = CGROUP.read_text(encoding="utf-8") if CGROUP.exists() else ""
    return min([machine, *_limits(listing, MOUNT)])


def _limits(listing: str, mount: Path) -> Iterator[int]:
    """Yield the limits of the memory cgroups in a listing as in /proc/self/cgroup, and of those above them."""
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = mount / "memory" if controllers else mount
        folder = top / path.lstrip("/")
        # In a container the path may be the host's, while its own group is mounted at the top.
        for place in {folder, *folder.parents, top}:
            if place.is_relative_to(top):
                yield from filter(None, (_number(place / name) for name in LIMIT_FILES))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return None


def give_back_free_memory() -> None:
    """Give what malloc keeps for later back to the system, where it tells how: gigabytes after a diagnosis."""
    if TRIM is not None:
        TRIM(0)
