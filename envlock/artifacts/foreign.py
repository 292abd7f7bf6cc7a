"""Files that are no saved model of TensorFlow or Keras: what they are, and what to do about it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.message_kinds import describe_message, message_kind
from envlock.errors import ArtifactError, NotAModelError
from envlock.formats.compressed import compression_of, is_tar, tar_names, unpack_start
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable

_OTHER_FRAMEWORK = "load it with the framework that wrote it; envlock reads TensorFlow and Keras models"
_FAILED_DOWNLOAD = "download the file again, from the link to the file itself"
_CONVERTED = "ask for the model that it was converted from"
_UNPACK = "unpack it and pass what is inside"
_NOT_A_MODEL = "pass the file or folder that the model was saved to"

_DAMAGED = "copy or download the file again: its content was changed"
_SAVED_ELSEWHERE = "pass what it saves the model to; this only says how the model is made"

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (rb"version https://git-lfs", "a Git LFS pointer instead of the file", "fetch the file itself with: git lfs pull"),
    (rb"\s*(<!doctype html|<html|<head|<body)", "a web page", _FAILED_DOWNLOAD),
    (rb"\s*<\?xml[^>]*>\s*<(Error|\w+:?Error)", "an XML error message of a server", _FAILED_DOWNLOAD),
    (rb"\s*<(\?xml|!--|[a-z]+[ >])", "an XML document", _NOT_A_MODEL),
    (rb'\s*\{\s*"(error|errors|message|detail|status|code)"', "a JSON error message of a server", _FAILED_DOWNLOAD),
    (rb"\s*\{[\s\S]*\"(cells|nbformat)\"\s*:", "a Jupyter notebook", _SAVED_ELSEWHERE),
    (rb"\s*(\{|\[\s*[\[\{\"\d])", "a JSON document without a model", _NOT_A_MODEL),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _NOT_A_MODEL),
    (rb"PK\x03\x04", "a zip archive", _UNPACK),
    (rb"PK\x07\x08", "one part of a split zip archive", "join the parts, then unpack the archive"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (rb"\x93NUMPY", "a NumPy array", _NOT_A_MODEL),
    (rb"[\s\S]{8}\{\s*\"", "a safetensors file", _OTHER_FRAMEWORK),
    (rb"GGUF|ggml|ggjt", "a GGUF model", _OTHER_FRAMEWORK),
    (
        rb"\x08[\x03-\x1f](\x12[\x00-\x40][ -~]{0,64})?(\x1a[\x00-\x40][ -~]{0,64})?(\x22[\x00-\x40][ -~]{0,64})?"
        rb"(\x28[\x00-\x7f])?[\x3a\x42]|\x08[\x01-\x1f](\x12|\x1a)[\x00-\x7f]\w*(onnx|pytorch|CNTK|torch|ml\.net)",
        "an ONNX model",
        _OTHER_FRAMEWORK,
    ),
    (rb"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", "a PyTorch model of an old release", _OTHER_FRAMEWORK),
    (
        rb"\x80[\x02-\x05]",
        "a Python pickle, which runs code when it is loaded",
        "load it only where it was made, and save the model from there",
    ),
    (
        rb"c[\w.]{1,60}\n\w{1,60}\n|\([dlcit][\w.]{0,60}\n|[\]\}]q\x00",
        "a Python pickle of an old protocol, which runs code when it is loaded",
        "load it only where it was made, and save the model from there",
    ),
    (rb"MATLAB 5\.0 MAT-file", "a MATLAB file", _OTHER_FRAMEWORK),
    (rb"MATLAB 7\.3 MAT-file", "a MATLAB file, which is HDF5 inside", _OTHER_FRAMEWORK),
    (rb"%PDF-", "a PDF document", _NOT_A_MODEL),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF[\s\S]{4}WEBP|BM[\s\S]{4}\0\0\0\0", "a picture", _NOT_A_MODEL),
    (rb"\x7fELF|MZ|\xfe\xed\xfa|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program", _NOT_A_MODEL),
    (rb"SQLite format 3\x00", "an SQLite database", _NOT_A_MODEL),
    (rb"PAR1", "a Parquet table", _NOT_A_MODEL),
    (
        rb"#![^\n]*python|(?:[^\x00]*\n)?(import [\w.]+|from [\w.]+ import |def \w+\(|class \w+[(:])",
        "Python code",
        _SAVED_ELSEWHERE,
    ),
    (rb"#!", "a script", _NOT_A_MODEL),
    (rb"([^,\n]{0,80},){1,500}[^,\n]{0,80}\r?\n([^,\n]{0,80},){1,500}", "a table in text (CSV)", _NOT_A_MODEL),
    (rb"\x00+\Z", "nothing but zero bytes", "copy or download the file again: its content is missing"),
)
"""Pattern of a file's first bytes, what such a file is, and what to do about it; the first that fits counts."""

_ARCHIVE_MEMBERS: tuple[tuple[str, str, str], ...] = (
    (r"(.*/)?constants\.pkl", "a TorchScript model", _OTHER_FRAMEWORK),
    (r"(.*/)?data\.pkl", "a PyTorch model", _OTHER_FRAMEWORK),
    (r"(.*/)?saved_model\.pb", "{kind} around the SavedModel {folder}", "unpack it and pass the folder {folder}"),
    (r".*\.(h5|hdf5|keras)", "{kind} around {name}", "unpack it and pass {name}"),
    (r"(.+/)config\.json", "{kind} around the unpacked .keras archive {folder}", "zip what is in {folder} itself"),
    (r".*\.mlmodel", "a Core ML model", _CONVERTED),
    (r".*\.(pb|tflite)|(.*/)?checkpoint", "{kind} around {name}", "unpack it and pass {name}"),
    (r".*\.npy", "NumPy arrays (.npz)", _NOT_A_MODEL),
    (r"configuration\.json", "a Deeplearning4j model", _OTHER_FRAMEWORK),
    (r"\[Content_Types\]\.xml", "an Office document", _NOT_A_MODEL),
    (r"AndroidManifest\.xml", "an Android application", _NOT_A_MODEL),
    (r"META-INF/MANIFEST\.MF", "a Java archive", _NOT_A_MODEL),
)
"""Pattern of a member's name, what an archive with it is, and what to do about it; the first that fits counts."""

_HEAD_SIZE = 4096
_LARGEST_LOOK = 256 * 1024
"""Bytes of a compressed file that are unpacked at most to see what is inside."""

_SHOWN_NAMES = 5
_SEARCHED_NAMES = 1000
_SHOWN_TEXT = 40
_SHOWN_BYTES = 8


def describe_other(source: ArtifactSource) -> NotAModelError:
    """Say what the file or folder *source* is, which is no artifact; what is packed is looked into."""
    if source.is_folder:
        return describe_folder(source)
    with source.open() as stream:
        head = stream.read(_HEAD_SIZE)
    compression = compression_of(head)
    if compression is None and not is_tar(head):
        return describe_file(source.path, head)
    with source.open() as stream:
        reader = RangeReader(stream)
        if compression is None:
            return describe_archive(source.path, tar_names(reader), kind="a tar archive")
        start = unpack_start(reader.read(0, min(reader.size, _LARGEST_LOOK), where=compression), _LARGEST_LOOK)
    return _describe_packed(source.path, start, compression)


def _describe_packed(path: Path, start: bytes, compression: str) -> NotAModelError:
    """Say what a compressed file is, going by the first bytes of what it holds."""
    if is_tar(start):
        return describe_archive(path, tar_names(RangeReader(io.BytesIO(start))), kind=f"{compression} of files")
    if not start:
        return NotAModelError(str(path), found=f"{compression} that cannot be unpacked", hint=_DAMAGED)
    inner = describe_file(path, start[:_HEAD_SIZE])
    hint = inner.hint if "pickle" in inner.found else _UNPACK
    return NotAModelError(str(path), found=f"{compression} around {inner.found}", hint=hint)


def describe_file(path: Path, head: bytes) -> NotAModelError:
    """Say what the file at *path* is, going by its first bytes."""
    for pattern, found, hint in _SIGNATURES:
        if re.match(pattern, head, re.IGNORECASE):
            return NotAModelError(str(path), found=found, hint=hint)
    if not head:
        return NotAModelError(str(path), found="an empty file", hint="copy or download the file again")
    kind = message_kind(head)
    if kind is not None:
        found, hint = describe_message(kind)
        return NotAModelError(str(path), found=found, hint=hint)
    return NotAModelError(str(path), found=_describe_bytes(head), hint=_NOT_A_MODEL)


def describe_folder(source: ArtifactSource) -> NotAModelError:
    """Say what is in a folder that is no artifact."""
    names = source.names()
    within = [name for name in names[:_SEARCHED_NAMES] if _holds_saved_model(source, name)]
    if within:
        hint = f"pass one of the folders in it, such as {printable(within[-1])}"
        return NotAModelError(str(source.path), found="a folder of SavedModels", hint=hint)
    found = f"a folder with {listed(names)}" if names else "an empty folder"
    return NotAModelError(str(source.path), found=found)


def _holds_saved_model(folder: ArtifactSource, name: str) -> bool:
    # Most names are those of files, which cannot be listed.
    try:
        return "saved_model.pb" in folder.names(name)
    except ArtifactError:
        return False


def listed(names: Sequence[str]) -> str:
    """The first of *names*, made fit for one line, and how many more there are."""
    shown = ", ".join(printable(name, 60) for name in names[:_SHOWN_NAMES])
    return shown + (f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else "")


def describe_archive(path: Path, names: Sequence[str], *, kind: str = "a zip archive") -> NotAModelError:
    """Say what the archive at *path* is, going by the names of its members; *kind* is what holds them."""
    for pattern, found, hint in _ARCHIVE_MEMBERS:
        name = next((name for name in names if re.fullmatch(pattern, name)), None)
        if name is not None:
            shown = {"kind": kind, "name": printable(name), "folder": printable(name.rpartition("/")[0] or ".")}
            return NotAModelError(str(path), found=found.format(**shown), hint=hint.format(**shown))
    members = ", ".join(printable(name, _SHOWN_TEXT) for name in names[:_SHOWN_NAMES]) or "nothing in it"
    return NotAModelError(str(path), found=f"{kind} with {members}", hint=_NOT_A_MODEL)


def _describe_bytes(head: bytes) -> str:
    # A character may be cut at the end of the head, so that only what stands before it has to be UTF-8.
    text = head.decode("utf-8", "surrogateescape")
    whole = text[:-4] if len(text) > _SHOWN_TEXT else text
    if all(character.isprintable() or character.isspace() for character in whole):
        return f'text that starts with "{printable(text.strip(), _SHOWN_TEXT)}"'
    return f"a file of unknown format that starts with the bytes {head[:_SHOWN_BYTES].hex(' ')}"
