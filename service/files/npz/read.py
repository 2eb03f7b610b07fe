"""Reads the .npz archives that a client sends, and trusts nothing in them: nothing is unpickled or evaluated.

The archive: PKWARE APPNOTE 6.3.10. The arrays: https://numpy.org/neps/nep-0001-npy-format.html
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Final

import numpy as np

from service.errors import InvalidRequest
from service.files.stored import BODY, MOST_TENSORS, PIECE_BYTES, StoredTensor, checked_shape, pieces_of, refusal

ENTRY_START: Final = b"PK\x03\x04"
# The second is that of an archive without entries. As lengths of a safetensors header, both are too large.
ARCHIVE_STARTS: Final = (ENTRY_START, b"PK\x05\x06")
CENTRAL_RECORD_START: Final = b"PK\x01\x02"
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature and the lengths of name and extra field: section 4.3.7
ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13  # by password, strongly, or the directory too: section 4.4.4
UTF_8_NAME: Final = 1 << 11
# All that zipfile raises on an archive that is not one.
BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, EOFError, OSError)

SUFFIX: Final = ".npy"
MAGIC: Final = b"\x93NUMPY"
LENGTHS: Final[Mapping[bytes, struct.Struct]] = {b"\1\0": struct.Struct("<H"), b"\2\0": struct.Struct("<I")}
MOST_HEADER_BYTES: Final = 10_000  # as NumPy allows
# Compressed bytes that are inflated at once: enough for such a header, whatever the compressor.
WINDOW_BYTES: Final = 1 << 16
ITEM = re.compile(
    r"""\s*(['"])(descr|fortran_order|shape)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[[^]]*\])\s*(,|(?=\}))"""
)
SIZE = re.compile(r"-?[0-9]{1,20}")
# A tuple of one has a comma after it: (3) is a number.
TUPLE = re.compile(rf"\(\s*\)|\(\s*(?:{SIZE.pattern}\s*,\s*)+(?:{SIZE.pattern}\s*)?\)")
DTYPES: Final = {f"{order}{code}": np.dtype(f"{order}{code}") for code in ("f4", "f8", "f2") for order in "<>"}


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the archive; its bytes are [start, stop) of the body."""

    tensor: str
    body: bytes
    start: int
    stop: int
    is_deflated: bool
    size: int  # bytes after inflating, as declared
    crc: int

    def head(self) -> bytes:
        """Return the first bytes of the entry: at least its .npy header, if that has the length it may have."""
        most = len(MAGIC) + 2 + 4 + MOST_HEADER_BYTES
        window = memoryview(self.body)[self.start : min(self.stop, self.start + WINDOW_BYTES)]
        if not self.is_deflated:
            return bytes(window[:most])
        return self._decompressed(zlib.decompressobj(-zlib.MAX_WBITS), window, most)

    def after(self, skipped: int) -> Iterator[bytes | memoryview]:
        """Yield the entry's bytes from there on, in pieces; raise InvalidRequest, at their end, if it is not whole."""
        stored = memoryview(self.body)[self.start : self.stop]
        size, crc = 0, 0
        for piece in self._inflated(stored) if self.is_deflated else pieces_of(stored):
            crc = zlib.crc32(piece, crc)
            before, size = size, size + len(piece)
            if size > self.size:
                break
            if size > skipped:
                yield piece[max(skipped - before, 0) :]
        if size != self.size:
            raise self._wrong_size()
        if crc != self.crc:
            raise refusal(self.tensor, "is damaged: its CRC is not the one that the archive declares")

    def _inflated(self, compressed: memoryview) -> Iterator[bytes]:
        """Yield the inflated bytes in pieces; raise InvalidRequest unless they end where the compressed ones do."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        place, waiting = 0, b""
        while not inflater.eof:
            # In windows: what does not fit into a piece is copied each time.
            window = waiting or compressed[place : place + WINDOW_BYTES]
            place += 0 if waiting else len(window)
            piece = self._decompressed(inflater, window, PIECE_BYTES)
            waiting = inflater.unconsumed_tail
            if not piece and not waiting and place == len(compressed):
                break
            yield piece
        if not inflater.eof or inflater.unused_data or place != len(compressed):
            raise self._wrong_size()

    def _decompressed(self, inflater: Any, compressed: memoryview | bytes, most: int) -> bytes:
        try:
            return bytes(inflater.decompress(compressed, most))
        except zlib.error:
            raise refusal(self.tensor, "is damaged: it cannot be inflated") from None

    def _wrong_size(self) -> InvalidRequest:
        return refusal(self.tensor, f"must inflate to the {self.size} bytes that the archive declares, and no others")


def npz_tensors(body: bytes) -> list[StoredTensor]:
    """Return what the entries of an .npz archive declare, without inflating their values, or raise InvalidRequest."""
    # Every entry has such a record: this bounds the work before any of it is done.
    if body.count(CENTRAL_RECORD_START) > MOST_TENSORS:
        raise refusal(BODY, f"must be an archive of at most {MOST_TENSORS} tensors")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
    except BROKEN:
        message = "must be a whole .npz archive or safetensors file: its ZIP directory is missing or damaged"
        raise refusal(BODY, message) from None
    # Entries that share their bytes could make a small file much work.
    if sum(entry.compress_size for entry in entries) > len(body):
        raise refusal(BODY, "must be an archive whose entries lie side by side: it is damaged or truncated")
    names: set[str] = set()
    for entry in entries:
        if entry.orig_filename in names:
            raise refusal(entry.orig_filename.removesuffix(SUFFIX), "must be in the archive once")
        names.add(entry.orig_filename)
    return [_stored(_member(body, entry)) for entry in entries]


def _member(body: bytes, entry: zipfile.ZipInfo) -> Member:
    name = entry.orig_filename
    if "/" in name or "\\" in name or not name.endswith(SUFFIX):
        raise refusal(name, f"must be an entry at the top of the archive whose name ends in {SUFFIX}")
    tensor = name.removesuffix(SUFFIX)
    if entry.flag_bits & ENCRYPTED:
        raise refusal(tensor, "must not be encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal(tensor, "must be stored or deflated", f"compression method {entry.compress_type}")
    start = _data_start(body, entry)
    stop = start + entry.compress_size
    if start < 0 or stop > len(body):
        raise refusal(tensor, "must lie within the archive, under its own name: the archive is damaged or truncated")
    is_deflated = entry.compress_type == zipfile.ZIP_DEFLATED
    return Member(tensor, body, start, stop, is_deflated, entry.file_size, entry.CRC)


def _data_start(body: bytes, entry: zipfile.ZipInfo) -> int:
    """Return where an entry's bytes start, or -1 if its local header is not where the directory says."""
    offset = entry.header_offset
    if not 0 <= offset <= len(body) - LOCAL_HEADER.size:
        return -1
    signature, name_length, extra_length = LOCAL_HEADER.unpack_from(body, offset)
    name = entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF_8_NAME else "cp437")
    start = offset + LOCAL_HEADER.size
    if signature != ENTRY_START or body[start : start + name_length] != name:
        return -1
    return int(start + name_length + extra_length)


def _stored(member: Member) -> StoredTensor:
    head = member.head()
    length_format = LENGTHS.get(head[6:8])
    if not head.startswith(MAGIC) or length_format is None or len(head) < 8 + length_format.size:
        raise refusal(member.tensor, "must be an array in the .npy format, version 1.0 or 2.0")
    first = 8 + length_format.size
    (length,) = length_format.unpack_from(head, 8)
    if length > MOST_HEADER_BYTES or first + length > len(head):
        raise refusal(member.tensor, f"must have a whole .npy header of at most {MOST_HEADER_BYTES} bytes", length)
    dtype, is_fortran, shape = _array_header(member.tensor, head[first : first + length].decode("latin-1"))
    needed = first + length + prod(shape) * dtype.itemsize
    if member.size != needed:
        raise refusal(member.tensor, f"must have {needed} bytes, as its .npy header says", member.size)
    return StoredTensor(member.tensor, shape, dtype, partial(member.after, first + length), is_fortran)


def _array_header(tensor: str, text: str) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Return dtype, whether the first axis runs fastest, and shape."""
    fields: dict[str, str] = {}
    place = 1
    while item := ITEM.match(text, place):
        if item[2] in fields:
            break  # refused below: a brace must follow
        fields[item[2]] = item[3]
        place = item.end()
    if not text.startswith("{") or text[place:].strip() != "}" or len(fields) != 3:
        raise refusal(tensor, "must have a .npy header of descr, fortran_order and shape", text.strip())
    descr, order, shape = fields["descr"].strip("'\""), fields["fortran_order"], fields["shape"]
    if (dtype := DTYPES.get(descr)) is None:
        raise refusal(tensor, f"must have one of the dtypes {', '.join(DTYPES)}", descr)
    if order not in ("True", "False"):
        raise refusal(tensor, "must have True or False as fortran_order", order)
    if not TUPLE.fullmatch(shape):
        raise refusal(tensor, "must have a tuple of integers as its shape", shape)
    return dtype, order == "True", checked_shape(tensor, [int(size) for size in SIZE.findall(shape)])
