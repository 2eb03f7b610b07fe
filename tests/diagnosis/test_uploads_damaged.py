"""What is not a whole file of arrays, and the words that the client must be told."""

import io
import zipfile

import numpy as np
import pytest

from tests.diagnosis.uploading import (
    W0,
    archive,
    bomb,
    by_hand,
    check,
    declared,
    described,
    npy,
    npz,
    one_weight,
    patched,
    refused,
)

PAIR = {W0: declared(1, 1), "layers.0.bias": declared(1, offsets=(4, 8))}
REPEATED = b'{"layers.0.weight": {}, "layers.0.weight": {}}'
SAFETENSORS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "body", "npz safetensors 0 bytes"),
    "seven bytes": (bytes(7), "body", "npz safetensors 7 bytes"),
    "no header": (bytes(8), "body", "JSON object"),
    "text": (b"weights,of,a,network\n", "body", "npz safetensors 8 bytes 1048576"),
    "header beyond the limit": (by_hand(b"{}" + b" " * (1 << 20)), "body", "at most 1048576 1048578"),
    "header beyond the file": ((100).to_bytes(8, "little") + b"{}", "body", "truncated 100 bytes"),
    "not JSON": (by_hand(b"{'a': 1}"), "body", "JSON object"),
    "not UTF-8": (by_hand(b'{"\xff": 1}'), "body", "UTF-8"),
    "a list": (by_hand([]), "body", "JSON object"),
    "space before": (by_hand(b" {}"), "body", "JSON object"),
    "deep": (by_hand(b'{"a":' + b"[" * 100_000), "body", "JSON object"),
    "long number": (by_hand(b'{"a":' + b"9" * 10_000 + b"}"), "body", "JSON object"),
    "metadata of numbers": (by_hand({"__metadata__": {"a": 1}}), "body", "__metadata__ texts"),
    "metadata as a list": (by_hand({"__metadata__": []}), "body", "__metadata__"),
    "repeated key": (by_hand(REPEATED), "body", "repeat layers.0.weight"),
    "half a surrogate pair": (
        by_hand(b'{"\\ud800": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}}', bytes(4)),
        "\\ud800",
        "known",
    ),
    "no name": (by_hand({"": declared(1, 1)}, bytes(4)), "body", "known"),
    "no dtype": (by_hand({W0: {"shape": [1, 1], "data_offsets": [0, 4]}}), W0, "dtype shape data_offsets"),
    "one key more": (by_hand({W0: declared(1, 1) | {"strides": []}}), W0, "nothing else"),
    "entry as a list": (by_hand({W0: []}), W0, "dtype shape data_offsets"),
    "dtype of 8 bits": (one_weight(2, 2, dtype="F8_E4M3"), W0, "F32 F64 F16 BF16 F8_E4M3"),
    "dtype as a list": (one_weight(1, 1, dtype=["F32"]), W0, "F32"),
    "text in the shape": (one_weight("1", 1), W0, "integers"),
    "true in the shape": (one_weight(*[True, 1]), W0, "integers"),
    "float in the shape": (one_weight(1.0, 1), W0, "integers"),
    "negative shape": (one_weight(-1, -1), W0, "sizes from 1 [-1, -1]"),
    "huge shape": (one_weight(2**62, 4), W0, f"sizes from 1 {2**31 - 1}"),
    "product past 64 bits": (one_weight(2**31 - 1, 2**31 - 1), W0, "bytes apart"),
    "offsets as text": (one_weight(1, 1, offsets="04"), W0, "two integers data_offsets"),
    "three offsets": (one_weight(1, 1, offsets=(0, 4, 4)), W0, "two integers"),
    "offsets reversed": (one_weight(1, 1, offsets=(4, 0)), W0, "two integers [4, 0]"),
    "negative offset": (one_weight(1, 1, offsets=(-4, 0)), W0, "two integers [-4, 0]"),
    "offsets too close": (one_weight(1, 1, offsets=(0, 2)), W0, "4 bytes apart [0, 2]"),
    "hole at the start": (one_weight(1, 1, offsets=(4, 8), data=bytes(8)), W0, "start at 0 hole"),
    "overlap": (by_hand(PAIR | {"layers.0.bias": declared(1)}, bytes(8)), "layers.0.bias", "start at 4 overlap"),
    "outside": (one_weight(1, 1, data=bytes(3)), W0, "within 3 bytes truncated"),
    "far outside": (by_hand({W0: declared(1, 2**30, offsets=(0, 2**32))}), W0, "within 0 bytes"),
    "bytes left over": (by_hand(PAIR, bytes(9)), "body", "8 bytes 9"),
}
NPY = {f"{W0}.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }\n", bytes(4))}
PLAIN, DEFLATED = archive(NPY), archive(NPY, zipfile.ZIP_DEFLATED)
DEFLATED_BYTES = zipfile.ZipFile(io.BytesIO(DEFLATED)).infolist()[0].compress_size
PICKLED = npz({W0: np.array([[print]], object)})


def renamed(old: bytes, new: bytes) -> bytes:
    """Return an archive of two entries, the name of one changed to another of its length."""
    return archive(NPY | dict.fromkeys([old.decode()], *NPY.values())).replace(old, new)


ARCHIVES: dict[str, tuple[bytes, str, str]] = {
    "empty archive": (archive({}), "body", "at least layers.0.weight"),
    "only its start": (b"PK\x03\x04", "body", "ZIP directory"),
    "no directory": (PLAIN[: PLAIN.index(b"PK\x01\x02")], "body", "ZIP directory"),
    "half of it": (PLAIN[len(PLAIN) // 2 :].join([b"PK\x03\x04", b""]), W0, "within the archive"),
    "too many entries": (archive({f"{n}.npy": b"" for n in range(2002)}), "body", "at most 2001"),
    "repeated name": (renamed(b"layers.1.weight.npy", b"layers.0.weight.npy"), W0, "once"),
    "path": (archive({f"model/{W0}.npy": b""}), f"model/{W0}.npy", "top of the archive"),
    "path upwards": (archive({f"../{W0}.npy": b""}), f"../{W0}.npy", "top of the archive"),
    "backslash": (archive({f"a\\{W0}.npy": b""}), f"a\\{W0}.npy", "top of the archive"),
    "no suffix": (archive({W0: b""}), W0, "ends in .npy"),
    "name with a null": (renamed(b"layers.0.weighX.npy", b"layers.0.weig\0t.npy"), "layers.0.weig\0t", "known"),
    "encrypted": (patched(PLAIN, (8, "<H", 1)), W0, "encrypted"),
    "strongly encrypted": (patched(PLAIN, (8, "<H", 65)), W0, "encrypted"),
    "bzip2": (archive(NPY, zipfile.ZIP_BZIP2), W0, "stored or deflated method 12"),
    "lzma": (archive(NPY, zipfile.ZIP_LZMA), W0, "stored or deflated method 14"),
    "wrong CRC": (patched(PLAIN, (16, "<I", 1)), W0, "damaged CRC"),
    "wrong CRC, deflated": (patched(DEFLATED, (16, "<I", 1)), W0, "damaged CRC"),
    "stored size too large": (patched(PLAIN, (24, "<I", 1 << 30)), W0, "bytes .npy header 1073741824"),
    "stored in fewer bytes": (patched(PLAIN, (20, "<I", 75)), W0, "inflate to the bytes"),
    "data past the end": (patched(PLAIN, (20, "<I", 1 << 30)), "body", "side by side"),
    "deflated cut short": (patched(DEFLATED, (20, "<I", DEFLATED_BYTES - 1)), W0, "inflate to the bytes"),
    "header deflated and cut": (patched(DEFLATED, (20, "<I", 60)), W0, "whole .npy header"),
    "one byte after deflated": (patched(DEFLATED, (20, "<I", DEFLATED_BYTES + 1)), W0, "inflate to the bytes"),
    "header elsewhere": (patched(PLAIN, (42, "<I", 4)), W0, "within the archive"),
    "header past the end": (patched(PLAIN, (42, "<I", 1 << 30)), W0, "within the archive"),
    "64-bit size left out": (patched(PLAIN, (24, "<I", 0xFFFFFFFF)), W0, "bytes .npy header"),
    "not deflated": (patched(PLAIN, (10, "<H", 8)), W0, ".npy format"),
    "no deflated block": (patched(archive({f"{W0}.npy": b"\7" * 9}), (10, "<H", 8)), W0, "damaged inflated"),
    "inflates to more": (bomb("(1, 1)", 1 << 16), W0, "inflate to the bytes no others"),
    "pickled": (PICKLED, W0, "dtypes <f4 >f2 |O"),
    "structured": (described("[('a', '<f4')]"), W0, "dtypes [('a',"),
    "dtype in brackets": (described("[<f4]"), W0, "dtypes [<f4]"),
    "long double": (described("'<f16'"), W0, "dtypes <f8 <f16"),
    "native order": (described("'f4'"), W0, "dtypes <f4 >f4"),
    "not an array": (archive({f"{W0}.npy": b"text"}), W0, ".npy format"),
    "version 3": (described().replace(b"NUMPY\1", b"NUMPY\3"), W0, "version 1.0 or 2.0"),
    "header cut short": (archive({f"{W0}.npy": npy("{}")[:9]}), W0, ".npy format"),
    "header length lies": (archive({f"{W0}.npy": npy("{}")[:10]}), W0, "whole .npy header 2"),
    "long npy header": (archive({f"{W0}.npy": npy("{}" + " " * 20_000, version=2)}), W0, "at most 10000 bytes 20002"),
    "header calls": (archive({f"{W0}.npy": npy("print(1)")}), W0, "descr fortran_order shape"),
    "key repeated": (described("'<f4', 'descr': '<f4'"), W0, "descr fortran_order shape"),
    "key missing": (archive({f"{W0}.npy": npy("{'descr': '<f4'}")}), W0, "descr fortran_order shape"),
    "text after": (archive({f"{W0}.npy": npy("{'descr': '<f4'} + 1")}), W0, "descr fortran_order shape"),
    "order as a number": (described(order="(1,)"), W0, "True or False"),
    "shape as a number": (described(shape="(1)"), W0, "tuple of integers (1)"),
    "shape as a list": (described(shape="[1, 1]"), W0, "tuple of integers [1,"),
    "shape of truth": (described(shape="(True, 1)"), W0, "tuple of integers"),
    "negative sizes": (described(shape="(-1, -1)"), W0, "sizes from 1 [-1, -1]"),
    "overflowing sizes": (described(shape=f"({2**63}, 2)"), W0, "sizes from 1"),
    "product past 64 bits, npy": (described(shape=f"({2**31 - 1}, {2**31 - 1})"), W0, "bytes .npy header"),
    "values cut short": (described(data=bytes(3)), W0, "bytes .npy header"),
    "values left over": (described(data=bytes(5)), W0, "bytes .npy header"),
}
FILES = SAFETENSORS | ARCHIVES


@pytest.mark.parametrize("row", FILES)
def test_what_is_not_a_file_of_weights_is_refused(row: str) -> None:
    body, field, words = FILES[row]
    check(refused(body), field, words)
