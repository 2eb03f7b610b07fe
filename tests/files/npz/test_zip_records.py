import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.files.npz.zip_records import Entry, descriptor, directory, local_header, record_bytes

LARGEST_32 = 2**32 - 1
HEADER_BYTES = 30  # of a local header, without name and extra field
DESCRIPTOR_BYTES = 16  # with sizes of 32 bits


def entries_of(names_and_sizes: list[tuple[str, int]]) -> list[Entry]:
    """Return entries laid end to end."""
    entries: list[Entry] = []
    offset = 0
    for name, size in names_and_sizes:
        entries.append(Entry(name.encode(), size, offset))
        offset += record_bytes(entries[-1])
    return entries


def archive(contents: list[tuple[str, bytes]]) -> bytes:
    entries = entries_of([(name, len(data)) for name, data in contents])
    crcs = [zlib.crc32(data) for _, data in contents]
    records = b"".join(
        local_header(entry) + data + descriptor(entry, crc)
        for entry, (_, data), crc in zip(entries, contents, crcs, strict=True)
    )
    return records + directory(entries, crcs)


def write_with_holes(path: Path, entries: list[Entry], small: dict[bytes, bytes]) -> None:
    """Write an archive whose large entries are holes, so that it takes no room on disk; their CRC is 0."""
    crcs = [zlib.crc32(small.get(entry.name, b"")) for entry in entries]
    with path.open("wb") as file:
        for entry, crc in zip(entries, crcs, strict=True):
            file.seek(entry.offset)
            file.write(local_header(entry) + small.get(entry.name, b""))
            file.seek(entry.offset + record_bytes(entry) - len(descriptor(entry, crc)))
            file.write(descriptor(entry, crc))
        file.write(directory(entries, crcs))


names = st.text(alphabet="abcdefghijklmnopqrstuvwxyz.0123456789", min_size=1, max_size=20)


@given(st.dictionaries(names, st.binary(max_size=60), max_size=6))
def test_the_standard_library_reads_any_archive(contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(archive(list(contents.items())))) as read:
        assert read.testzip() is None
        assert [(info.filename, read.read(info)) for info in read.infolist()] == list(contents.items())


@given(names, st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_record_is_as_long_as_its_header_data_and_descriptor(name: str, size: int, offset: int) -> None:
    entry = Entry(name.encode(), size, offset)
    grown = 20 + 8 if size >= LARGEST_32 else 0  # an extra field before the data, and longer sizes after it
    assert record_bytes(entry) == HEADER_BYTES + len(name) + size + DESCRIPTOR_BYTES + grown
    assert len(local_header(entry)) + len(descriptor(entry, 0)) == record_bytes(entry) - size


def test_a_local_header_is_laid_out_as_the_format_asks() -> None:
    assert local_header(Entry(b"a.npy", 5, 0)) == bytes.fromhex(
        "504b0304 1400 0800 0000 0000 2100 00000000 00000000 00000000 0500 0000 612e6e7079"
    )


def test_a_large_local_header_is_laid_out_as_the_format_asks() -> None:
    assert local_header(Entry(b"a", 2**32, 0)) == bytes.fromhex(
        "504b0304 2d00 0800 0000 0000 2100 00000000 ffffffff ffffffff 0100 1400 61"
        "0100 1000 0000000000000000 0000000000000000"
    )


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(5, "<II"), (LARGEST_32 - 1, "<II"), (LARGEST_32, "<QQ"), (2**32, "<QQ"), (2**40, "<QQ")],
)
def test_a_descriptor_repeats_crc_and_sizes_in_the_width_they_need(size: int, sizes: str) -> None:
    expected = b"PK\x07\x08" + struct.pack("<I", 0x12345678) + struct.pack(sizes, size, size)
    assert descriptor(Entry(b"a", size, 0), 0x12345678) == expected


@pytest.mark.parametrize("size", [LARGEST_32 - 1, LARGEST_32, LARGEST_32 + 1, 5 * 2**30])
def test_an_entry_after_a_large_one_is_found(tmp_path: Path, size: int) -> None:
    entries = entries_of([("large", size), ("small", 5), ("last", 4)])
    path = tmp_path / "large.zip"
    write_with_holes(path, entries, {b"small": b"small", b"last": b"last"})
    with zipfile.ZipFile(path) as read:
        found = [(info.filename, info.file_size, info.header_offset) for info in read.infolist()]
        assert found == [(entry.name.decode(), entry.size, entry.offset) for entry in entries]
        assert (read.read("small"), read.read("last")) == (b"small", b"last")
        with read.open("large") as large:
            assert large.read(10) == bytes(10)


@pytest.mark.parametrize("offset", [LARGEST_32 - 1, LARGEST_32, LARGEST_32 + 1])
def test_an_entry_is_found_around_the_largest_offset_of_32_bits(tmp_path: Path, offset: int) -> None:
    entries = entries_of([("large", offset - HEADER_BYTES - len("large") - DESCRIPTOR_BYTES), ("small", 5)])
    assert entries[1].offset == offset
    path = tmp_path / "offset.zip"
    write_with_holes(path, entries, {b"small": b"small"})
    with zipfile.ZipFile(path) as read:
        assert read.getinfo("small").header_offset == offset
        # The largest number of 32 bits itself stands for "see the extra field".
        assert (read.getinfo("small").extra != b"") == (offset >= LARGEST_32)
        assert read.read("small") == b"small"


@pytest.mark.parametrize("start", [LARGEST_32 - 1, LARGEST_32, LARGEST_32 + 1])
def test_a_directory_is_found_around_the_largest_offset_of_32_bits(tmp_path: Path, start: int) -> None:
    (entry,) = entries_of([("a", start - HEADER_BYTES - len("a") - DESCRIPTOR_BYTES)])
    path = tmp_path / "directory.zip"
    write_with_holes(path, [entry], {})
    with zipfile.ZipFile(path) as read:
        assert read.start_dir == record_bytes(entry) == start
        assert read.getinfo("a").file_size == entry.size
    assert (b"PK\x06\x06" in directory([entry], [0])) == (start >= LARGEST_32)


def test_the_end_of_a_large_archive_is_laid_out_as_the_format_asks() -> None:
    entries = entries_of([("large", 2**32), ("small", 5)])
    start = sum(map(record_bytes, entries))
    made = directory(entries, [1, 2])
    end_64, locator, end = made[-98:-42], made[-42:-22], made[-22:]
    records = len(made) - 98
    assert struct.unpack("<4sQHHIIQQQQ", end_64) == (b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, records, start)
    assert struct.unpack("<4sIQI", locator) == (b"PK\x06\x07", 0, start + records, 1)
    assert struct.unpack("<4sHHHHIIH", end) == (b"PK\x05\x06", 0, 0, 2, 2, records, LARGEST_32, 0)


@pytest.mark.parametrize("count", [2**16 - 2, 2**16 - 1, 2**16, 70_000])
def test_all_entries_are_found_around_the_largest_count_of_16_bits(count: int) -> None:
    body = archive([(str(number), b"") for number in range(count)])
    with zipfile.ZipFile(io.BytesIO(body)) as read:
        assert read.namelist() == [str(number) for number in range(count)]
    # The form of 64 bits, recognized by its signature, is there only where the count needs it.
    assert (b"PK\x06\x06" in body[-200:]) == (count >= 2**16 - 1)
