"""NumPy's .npz: a ZIP archive of stored .npy files, one for each tensor."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

from service.files.body.blob import GROUP_BYTES, Blob
from service.files.body.pieces import SMALL_BYTES, Buffer, Piece, always
from service.files.npy import box_as_npy, check_dtypes
from service.files.npz.checksum import Checksum
from service.files.npz.zip_records import Entry, descriptor, directory, local_header, record_bytes
from service.tensors.plan import Plan

# Small entries that are made together, at most: to hand each to another thread would take longer than to make it.
GROUP_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Npz:
    """An archive of known length. It is read from the start only, since each CRC needs its whole entry."""

    files: tuple[tuple[Entry, Blob], ...]
    length: int  # in bytes

    @property
    def drawing_bytes(self) -> int:
        """Memory that drawing takes beside the pieces, at most."""
        return max(data.drawing_bytes for _, data in self.files)

    def pieces(self, is_full: Callable[[], bool] = always) -> Iterator[bytes | Piece]:
        """Return the archive from beginning to end."""
        crcs = [0] * len(self.files)
        place = 0
        while place < len(self.files):
            stop = self._end_of_group(place, GROUP_BYTES if is_full() else SMALL_BYTES)
            if stop > place:
                yield self._records(range(place, stop), crcs)
                place = stop
            else:
                yield from self._record(place, crcs, is_full)
                place += 1
        yield Piece(partial(_directory, [entry for entry, _ in self.files], crcs), 0, 0, after_all_before=True)

    def _end_of_group(self, start: int, most: int) -> int:
        """Return the place after the last of the entries that are made together, from `start` on: there if none is."""
        stop = min(start + GROUP_ENTRIES, len(self.files))
        size = 0
        for place in range(start, stop):
            entry, data = self.files[place]
            size += record_bytes(entry)
            if size > most or data.drawing_bytes:
                return place
        return stop

    def _records(self, places: range, crcs: list[int]) -> Piece:
        """Return the whole of several entries."""
        files = self.files[places.start : places.stop]
        size = sum(record_bytes(entry) for entry, _ in files)
        elements = sum(data.elements for _, data in files)
        largest = max(data.length for _, data in files)
        return Piece(partial(_write, files, places, crcs), size, elements, work_bytes=largest)

    def _record(self, place: int, crcs: list[int], is_full: Callable[[], bool]) -> Iterator[bytes | Piece]:
        """Return one entry, drawn by all workers."""
        entry, data = self.files[place]
        entry_sum = _Sum([])
        yield local_header(entry)
        for number, piece in enumerate(data.pieces(is_full)):
            entry_sum.parts.append(Checksum())
            yield entry_sum.summed(number, piece)
        yield Piece(partial(entry_sum.descriptor, entry, place, crcs), 0, 0, after_all_before=True)


@dataclass(frozen=True, slots=True)
class _Sum:
    """The checksums of one entry's pieces."""

    parts: list[Checksum]

    def summed(self, number: int, piece: bytes | Piece) -> bytes | Piece:
        """Return the same piece, which notes its checksum when it is made."""
        if isinstance(piece, bytes):
            self.parts[number] = Checksum.of(piece)
            return piece
        return replace(piece, make=partial(self._make, number, piece))

    def _make(self, number: int, piece: Piece, buffer: memoryview) -> Buffer:
        data = piece.make(buffer)
        self.parts[number] = Checksum.of(data)
        return data

    def descriptor(self, entry: Entry, place: int, crcs: list[int], _: memoryview) -> bytes:
        """Note the CRC of the whole entry, and return what stands after its data."""
        crcs[place] = sum(self.parts, Checksum()).crc
        return descriptor(entry, crcs[place])


def _write(files: Sequence[tuple[Entry, Blob]], places: range, crcs: list[int], buffer: memoryview) -> Buffer:
    """Write whole entries, and note their CRCs."""
    offset = 0
    for place, (entry, data) in zip(places, files, strict=True):
        head = local_header(entry)
        start = offset + len(head)
        stop = start + data.length
        buffer[offset:start] = head
        data.write(buffer, start)
        crcs[place] = crc32(buffer[start:stop])
        tail = descriptor(entry, crcs[place])
        offset = stop + len(tail)
        buffer[stop:offset] = tail
    return buffer


def _directory(entries: list[Entry], crcs: list[int], _: memoryview) -> bytes:
    return directory(entries, crcs)


def plan_as_npz(plan: Plan) -> Npz:
    """Return an archive with the entry `<name>.npy` for every tensor; raise InvalidRequest where .npy has no dtype."""
    check_dtypes(plan.tensors)
    files = []
    offset = 0
    for tensor in plan.tensors:
        data = box_as_npy(tensor.whole())
        entry = Entry(f"{tensor.name}.npy".encode(), data.length, offset)
        files.append((entry, data))
        offset += record_bytes(entry)
    entries = [entry for entry, _ in files]
    return Npz(tuple(files), offset + len(directory(entries, [0] * len(entries))))
