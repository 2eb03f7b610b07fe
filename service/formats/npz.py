"""NumPy's .npz: a ZIP archive of stored .npy files, one for each tensor."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from service.formats.blob import Blob
from service.formats.checksum import Checksum
from service.formats.npy import block_as_npy
from service.formats.pieces import Buffer, Piece
from service.formats.zip_records import Entry, descriptor, directory, local_header, record_bytes
from service.plan import Plan


@dataclass(frozen=True, slots=True)
class Npz:
    """An archive of known length. It is read from the start only, since each CRC needs its whole entry."""

    files: tuple[tuple[Entry, Blob], ...]

    @property
    def length(self) -> int:
        """Number of bytes."""
        entries = [entry for entry, _ in self.files]
        return sum(map(record_bytes, entries)) + len(directory(entries, [0] * len(entries)))

    def pieces(self) -> Iterator[bytes | Piece]:
        """Return the archive from beginning to end."""
        sums: list[_Sum] = []
        for entry, data in self.files:
            entry_sum = _Sum([])
            sums.append(entry_sum)
            yield local_header(entry)
            for number, piece in enumerate(data.pieces()):
                entry_sum.parts.append(Checksum())
                yield entry_sum.summed(number, piece)
            yield Piece(partial(entry_sum.descriptor, entry), 0, 0, after_all_before=True)
        yield Piece(partial(_directory, [entry for entry, _ in self.files], sums), 0, 0, after_all_before=True)


@dataclass(frozen=True, slots=True)
class _Sum:
    """The checksums of one entry's pieces, and once all are made, of the entry."""

    parts: list[Checksum]

    def summed(self, number: int, piece: bytes | Piece) -> bytes | Piece:
        """Return the same piece, which notes its checksum when it is made."""
        if isinstance(piece, bytes):
            self.parts[number] = Checksum.of(piece)
            return piece
        return Piece(partial(self._make, number, piece), piece.room, piece.elements)

    def _make(self, number: int, piece: Piece, room: memoryview) -> Buffer:
        data = piece.make(room)
        self.parts[number] = Checksum.of(data)
        return data

    def descriptor(self, entry: Entry, _: memoryview) -> bytes:
        """Add the parts up, and return what stands after the entry's data."""
        self.parts[:] = [sum(self.parts, Checksum())]
        return descriptor(entry, self.parts[0].crc)


def _directory(entries: list[Entry], sums: list[_Sum], _: memoryview) -> bytes:
    return directory(entries, [entry_sum.parts[0].crc for entry_sum in sums])


def network_as_npz(plan: Plan) -> Npz:
    """Return an archive with the entry `<name>.npy` for every tensor."""
    files = []
    offset = 0
    for tensor in plan.tensors:
        data = block_as_npy(tensor.whole())
        entry = Entry(f"{tensor.name}.npy".encode(), data.length, offset)
        files.append((entry, data))
        offset += record_bytes(entry)
    return Npz(tuple(files))
