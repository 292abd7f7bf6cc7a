from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from envlock.artifacts import StreamSource, read_provenance
from envlock.errors import NotAModelError
from tests.formats.wire_encoding import message

MODEL = (Path(__file__).parent.parent / "assets" / "example" / "model.h5").read_bytes()
PICKLE = "a Python pickle, which runs code when it is loaded"
OLD_PICKLE = "a Python pickle of an old protocol, which runs code when it is loaded"


def tarred(*names: str, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.USTAR_FORMAT) as archive:  # type: ignore[call-overload]
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return buffer.getvalue()


def core_ml_model(version: int) -> bytes:
    feature = message((1, "image"), (3, message((4, b""))))
    return message((1, version), (2, message((1, feature))), (300, b"weights"))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        *((pickle.dumps({"a": [1]}, protocol=protocol), OLD_PICKLE) for protocol in (0, 1)),
        *((pickle.dumps({"a": [1]}, protocol=protocol), PICKLE) for protocol in (2, 3, 4, 5)),
        (pickle.dumps([1], protocol=0), OLD_PICKLE),
        (zlib.compress(pickle.dumps([1])), f"a zlib stream around {PICKLE}"),
        (gzip.compress(pickle.dumps([1])), f"a gzip archive around {PICKLE}"),
        (gzip.compress(MODEL), "a gzip archive around an HDF5 file"),
        (bz2.compress(MODEL), "a bzip2 archive around an HDF5 file"),
        (lzma.compress(MODEL), "an xz archive around an HDF5 file"),
        (lzma.compress(MODEL, format=lzma.FORMAT_ALONE), "an LZMA archive around an HDF5 file"),
        (gzip.compress(b""), "a gzip archive that cannot be unpacked"),
        (gzip.compress(MODEL)[:5], "a gzip archive that cannot be unpacked"),
        (tarred("m/1/saved_model.pb", "m/1/variables/variables.index"), "a tar archive around the SavedModel m/1"),
        (tarred("notes", "my\x1b.h5"), "a tar archive around my\\x1b.h5"),
        (tarred("x" * 150 + "/model.h5"), f"a tar archive around {'x' * 150}/model.h5"),
        (tarred("a", "b"), "a tar archive with a, b"),
        (tarred("1/saved_model.pb", mode="w:gz"), "a gzip archive of files around the SavedModel 1"),
        (zipped("m/data.pkl", "m/constants.pkl", "m/code/a.py"), "a TorchScript model"),
        (zipped("m/data.pkl", "m/version"), "a PyTorch model"),
        (zipped("m.mlpackage/Data/model.mlmodel"), "a Core ML model"),
        *((core_ml_model(version), "a Core ML model") for version in (1, 4, 8)),
        (b"\x08\x08\x12\x07tf2onnx\x1a\x05", "an ONNX model"),
        (b"\x08\x0a\x3a\x33\x0a\x0c\x0a\x01x", "an ONNX model"),
        (b"\x08\x0a\x12\x03abc\x3a\x33", "an ONNX model"),
        (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", "a MATLAB file, which is HDF5 inside"),
        (b"GGUF\x03\0\0\0", "a GGUF model"),
        (b"PAR1\x15\x04", "a Parquet table"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x7fELF\x02\x01", "a program"),
        (b'{"cells": [], "metadata": {}, "nbformat": 4}', "a Jupyter notebook"),
        (b'{"message": "Not Found"}', "a JSON error message of a server"),
        (b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>', "an XML error message of a server"),
        (b"import os\n", "Python code"),
        (b'"""Train."""\n\nfrom keras import models\n', "Python code"),
        (b"a,b,c\n1,2,3\n", "a table in text (CSV)"),
        (b"Entry not found", 'text that starts with "Entry not found"'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_model_is_named_for_what_it_is(content: bytes, found: str) -> None:
    with pytest.raises(NotAModelError) as caught:
        read_provenance(StreamSource(io.BytesIO(content), "model.h5"))

    assert str(caught.value) == f"model.h5: expected a saved model, found {found}"
    assert caught.value.hint


def test_a_bomb_is_unpacked_no_further_than_needed() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)

    with pytest.raises(NotAModelError) as caught:
        read_provenance(StreamSource(io.BytesIO(bomb), "model.h5"))

    assert caught.value.found == "a gzip archive around nothing but zero bytes"
