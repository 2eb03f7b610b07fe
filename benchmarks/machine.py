"""What the measurements ran on."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure depends on beside the code."""

    platform: str
    processor: str
    cores: int  # that this process may use
    python: str
    numpy: str

    @classmethod
    def here(cls) -> Self:
        """Return this machine."""
        return cls(platform.platform(), _processor(), _cores(), platform.python_version(), np.__version__)

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.platform}; {self.processor}; {self.cores} cores; Python {self.python}; NumPy {self.numpy}"


def _processor() -> str:
    # platform.processor() is empty or "x86_64" on Linux.
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    # Containers are often given fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
