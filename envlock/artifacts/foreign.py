"""Files that are no saved model of TensorFlow or Keras: what they are, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from envlock.errors import NotAModelError
from envlock.formats.text import printable

_OTHER_FRAMEWORK = "load it with the framework that wrote it; envlock reads TensorFlow and Keras models"
_FAILED_DOWNLOAD = "download the file again, from the link to the file itself"
_CONVERTED = "ask for the model that it was converted from"
_UNPACK = "unpack it and pass what is inside"
_NOT_A_MODEL = "pass the file or folder that the model was saved to"

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (rb"version https://git-lfs", "a Git LFS pointer instead of the file", "fetch the file itself with: git lfs pull"),
    (rb"\s*(<!doctype html|<html|<head|<body)", "a web page", _FAILED_DOWNLOAD),
    (rb"\s*<\?xml[^>]*>\s*<(Error|\w+:?Error)", "an XML error message of a server", _FAILED_DOWNLOAD),
    (rb"\s*<(\?xml|!--|[a-z]+[ >])", "an XML document", _NOT_A_MODEL),
    (rb'\s*\{\s*"(error|errors|message|detail|status|code)"', "a JSON error message of a server", _FAILED_DOWNLOAD),
    (rb"\s*\{", "a JSON document without a model", _NOT_A_MODEL),
    (rb"PK\x07\x08", "one part of a split zip archive", "join the parts, then unpack the archive"),
    (rb"\x1f\x8b", "a gzip archive", _UNPACK),
    (rb"BZh[1-9]", "a bzip2 archive", _UNPACK),
    (rb"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (rb"[\s\S]{257}ustar", "a tar archive", _UNPACK),
    (rb"\x93NUMPY", "a NumPy array", _NOT_A_MODEL),
    (rb"[\s\S]{4}TFL3", "a TensorFlow Lite model", _CONVERTED),
    (rb"[\s\S]{8}\{\s*\"", "a safetensors file", _OTHER_FRAMEWORK),
    (rb"GGUF|ggml|ggjt", "a GGUF model", _OTHER_FRAMEWORK),
    (rb"\x08[\x01-\x1f](\x12|\x1a)[\x00-\x7f]\w*(onnx|pytorch|CNTK|torch|ml\.net)", "an ONNX model", _OTHER_FRAMEWORK),
    (rb"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", "a PyTorch model of an old release", _OTHER_FRAMEWORK),
    (
        rb"\x80[\x02-\x05]",
        "a Python pickle, which runs code when it is loaded",
        "load it only where it was made, and save the model from there",
    ),
    (rb"MATLAB 5\.0 MAT-file", "a MATLAB file", _OTHER_FRAMEWORK),
    (rb"%PDF-", "a PDF document", _NOT_A_MODEL),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF[\s\S]{4}WEBP|BM[\s\S]{4}\0\0\0\0", "a picture", _NOT_A_MODEL),
    (rb"\x7fELF|MZ|\xfe\xed\xfa|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program", _NOT_A_MODEL),
    (rb"SQLite format 3\x00", "an SQLite database", _NOT_A_MODEL),
    (rb"PAR1", "a Parquet table", _NOT_A_MODEL),
    (rb"#!", "a script", _NOT_A_MODEL),
    (rb"\x00+\Z", "nothing but zero bytes", "copy or download the file again: its content is missing"),
)
"""Pattern of a file's first bytes, what such a file is, and what to do about it; the first that fits counts."""

_ARCHIVE_MEMBERS: tuple[tuple[str, str, str], ...] = (
    (r"(.*/)?data\.pkl", "a PyTorch model", _OTHER_FRAMEWORK),
    (
        r"(.*/)?saved_model\.pb",
        "a zip archive around the SavedModel {folder}",
        "unpack it and pass the folder {folder}",
    ),
    (r".*\.(h5|hdf5|keras)", "a zip archive around {name}", "unpack it and pass {name}"),
    (
        r"(.+/)config\.json",
        "a zip archive around the unpacked .keras archive {folder}",
        "zip what is in {folder} itself",
    ),
    (r".*\.(pb|tflite)|(.*/)?checkpoint", "a zip archive around {name}", "unpack it and pass {name}"),
    (r".*\.npy", "NumPy arrays (.npz)", _NOT_A_MODEL),
    (r"configuration\.json", "a Deeplearning4j model", _OTHER_FRAMEWORK),
    (r"\[Content_Types\]\.xml", "an Office document", _NOT_A_MODEL),
    (r"AndroidManifest\.xml", "an Android application", _NOT_A_MODEL),
    (r"META-INF/MANIFEST\.MF", "a Java archive", _NOT_A_MODEL),
)
"""Pattern of a member's name, what an archive with it is, and what to do about it; the first that fits counts."""

_SHOWN_NAMES = 5
_SHOWN_TEXT = 40
_SHOWN_BYTES = 8


def describe_file(path: Path, head: bytes) -> NotAModelError:
    """Say what the file at *path* is, going by its first bytes."""
    for pattern, found, hint in _SIGNATURES:
        if re.match(pattern, head, re.IGNORECASE):
            return NotAModelError(str(path), found=found, hint=hint)
    if not head:
        return NotAModelError(str(path), found="an empty file", hint="copy or download the file again")
    return NotAModelError(str(path), found=_describe_bytes(head), hint=_NOT_A_MODEL)


def describe_archive(path: Path, names: Sequence[str]) -> NotAModelError:
    """Say what the zip archive at *path* is, going by the names of its members."""
    for pattern, found, hint in _ARCHIVE_MEMBERS:
        name = next((name for name in names if re.fullmatch(pattern, name)), None)
        if name is not None:
            shown = {"name": printable(name), "folder": printable(name.rpartition("/")[0] or ".")}
            return NotAModelError(str(path), found=found.format(**shown), hint=hint.format(**shown))
    members = ", ".join(printable(name, _SHOWN_TEXT) for name in names[:_SHOWN_NAMES]) or "nothing in it"
    return NotAModelError(str(path), found=f"a zip archive with {members}", hint=_NOT_A_MODEL)


def _describe_bytes(head: bytes) -> str:
    # A character may be cut at the end of the head, so that only what stands before it has to be UTF-8.
    text = head.decode("utf-8", "surrogateescape")
    whole = text[:-4] if len(text) > _SHOWN_TEXT else text
    if all(character.isprintable() or character.isspace() for character in whole):
        return f'text that starts with "{printable(text.strip(), _SHOWN_TEXT)}"'
    return f"a file of unknown format that starts with the bytes {head[:_SHOWN_BYTES].hex(' ')}"
