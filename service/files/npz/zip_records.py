"""The records of a ZIP archive of stored entries: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.

Every entry's CRC stands after its data, in a data descriptor, since it is not known before. The
64-bit forms are used where a number needs them, and only there.
"""

import struct
from dataclasses import dataclass

LOCAL_SIGNATURE = 0x04034B50
DESCRIPTOR_SIGNATURE = 0x08074B50
CENTRAL_SIGNATURE = 0x02014B50
END_SIGNATURE = 0x06054B50
END_64_SIGNATURE = 0x06064B50
LOCATOR_64_SIGNATURE = 0x07064B50

EXTRA_64 = 0x0001
HAS_DESCRIPTOR = 1 << 3
STORED = 0
VERSION = 20
VERSION_64 = 45
# Midnight of 1980-01-01, the first day that the format knows: the bytes must not depend on the clock.
TIME, DATE = 0, (1 << 5) | 1
LARGEST_32 = 0xFFFFFFFF
LARGEST_16 = 0xFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored file of an archive."""

    name: bytes  # ASCII
    size: int  # bytes
    offset: int  # of its local header, in bytes from the start of the archive

    @property
    def size_is_64(self) -> bool:
        """Whether the size needs the 64-bit form."""
        return self.size >= LARGEST_32


def local_header(entry: Entry) -> bytes:
    """Return what stands before an entry's data."""
    # Sizes and CRC are zero here, as section 4.4.4 asks where a descriptor follows the data.
    extra = struct.pack("<HHQQ", EXTRA_64, 16, 0, 0) if entry.size_is_64 else b""
    size = LARGEST_32 if entry.size_is_64 else 0
    fixed = struct.pack(
        "<IHHHHHIIIHH",
        LOCAL_SIGNATURE, _version(is_64=entry.size_is_64), HAS_DESCRIPTOR, STORED, TIME, DATE,
        0, size, size, len(entry.name), len(extra),
    )  # fmt: skip
    return fixed + entry.name + extra


def descriptor(entry: Entry, crc: int) -> bytes:
    """Return what stands after an entry's data."""
    sizes = "QQ" if entry.size_is_64 else "II"
    return struct.pack(f"<II{sizes}", DESCRIPTOR_SIGNATURE, crc, entry.size, entry.size)


def record_bytes(entry: Entry) -> int:
    """Return the number of bytes that the entry takes: local header, data and descriptor."""
    return len(local_header(entry)) + entry.size + len(descriptor(entry, 0))


def directory(entries: list[Entry], crcs: list[int]) -> bytes:
    """Return the central directory and the end of the archive."""
    start = sum(record_bytes(entry) for entry in entries)
    records = b"".join(_central_record(entry, crc) for entry, crc in zip(entries, crcs, strict=True))
    return records + _end(len(entries), len(records), start)


def _central_record(entry: Entry, crc: int) -> bytes:
    offset_is_64 = entry.offset >= LARGEST_32
    large = [entry.size, entry.size] * entry.size_is_64 + [entry.offset] * offset_is_64
    extra = struct.pack(f"<HH{len(large)}Q", EXTRA_64, 8 * len(large), *large) if large else b""
    size = LARGEST_32 if entry.size_is_64 else entry.size
    version = _version(is_64=bool(large))
    fixed = struct.pack(
        "<IHHHHHHIIIHHHHHII",
        CENTRAL_SIGNATURE, version, version, HAS_DESCRIPTOR, STORED, TIME, DATE,
        crc, size, size, len(entry.name), len(extra), 0, 0, 0, 0, min(entry.offset, LARGEST_32),
    )  # fmt: skip
    return fixed + entry.name + extra


def _end(count: int, size: int, start: int) -> bytes:
    end = struct.pack(
        "<IHHHHIIH", END_SIGNATURE, 0, 0, min(count, LARGEST_16), min(count, LARGEST_16),
        min(size, LARGEST_32), min(start, LARGEST_32), 0,
    )  # fmt: skip
    if count < LARGEST_16 and size < LARGEST_32 and start < LARGEST_32:
        return end
    end_64 = struct.pack(
        "<IQHHIIQQQQ", END_64_SIGNATURE, 44, VERSION_64, VERSION_64, 0, 0, count, count, size, start
    )  # fmt: skip
    locator = struct.pack("<IIQI", LOCATOR_64_SIGNATURE, 0, start + size, 1)
    return end_64 + locator + end


def _version(*, is_64: bool) -> int:
    """Return the version of the format that a reader must know."""
    return VERSION_64 if is_64 else VERSION
