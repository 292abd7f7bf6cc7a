from __future__ import annotations

import io
import json
import os
import random
import shutil
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.errors import ArtifactError, DamagedFileError, EnvlockError, MissingArtifactError, NotAModelError
from envlock.provenance import Code, Finding
from tests.artifacts.records import record_of

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "keras"
MODELS = sorted(path.name for path in ASSETS.iterdir() if path.suffix in {".h5", ".keras"})
REAL_ARTIFACTS = Path(os.environ.get("ENVLOCK_REAL_ARTIFACTS", TESTS.parent.parent / "shared" / "artifacts" / "real"))
PADDING = b"HDF5 data start behind this block" + bytes(479)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_file(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


def zipped(members: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def members_of(name: str) -> dict[str, bytes | str]:
    with zipfile.ZipFile(ASSETS / name) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


# --- what is read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_real_file_is_read_whole(name: str) -> None:
    expected = json.loads((TESTS / "golden" / "keras" / f"{name}.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read_provenance(ASSETS / name)))) == expected


@pytest.mark.parametrize(
    ("asset", "name", "finding", "trait"),
    [
        (
            "tf-2.6-sequential.h5",
            "model.keras",
            Finding(
                reference="wrong-extension",
                severity="warning",
                message="an HDF5 file named .keras, as TensorFlow up to 2.12 writes it; Keras 3 expects a zip there",
                hint="rename it to end in .h5",
            ),
            "named-keras",
        ),
        (
            "tf-2.6-sequential.h5",
            "model",
            Finding(
                reference="wrong-extension",
                severity="warning",
                message="an HDF5 file named without an ending; Keras 3 goes by the name alone",
                hint="rename it to end in .h5",
            ),
            "not-named-hdf5",
        ),
        (
            "tf-2.15-functional.keras",
            "model.h5",
            Finding(
                reference="wrong-extension",
                severity="warning",
                message="a .keras archive named .h5; Keras goes by the name alone",
                hint="rename it to end in .keras",
            ),
            "not-named-keras",
        ),
        (
            "tf-2.13.weights.h5",
            "weights.h5",
            Finding(
                reference="weights-extension",
                severity="warning",
                message="weights in the layout of .weights.h5 under another name: "
                "Keras takes them for the older layout",
                hint="rename it to end in .weights.h5",
            ),
            "object-tree-weights",
        ),
    ],
)
def test_a_file_is_read_by_its_content_whatever_its_name(
    tmp_path: Path, asset: str, name: str, finding: Finding, trait: str
) -> None:
    renamed = Path(shutil.copyfile(ASSETS / asset, tmp_path / name))
    found, original = read_provenance(renamed), read_provenance(ASSETS / asset)

    assert found.findings == (finding,)
    assert found.traits == original.traits | {trait}
    assert (found.format, found.objects) == (original.format, original.objects)


def test_older_weights_under_the_name_of_newer_ones_are_reported(tmp_path: Path) -> None:
    renamed = Path(shutil.copyfile(ASSETS / "tf-2.3-weights.h5", tmp_path / "model.weights.h5"))

    assert [finding.message for finding in read_provenance(renamed).findings] == [
        "weights in the older layout named .weights.h5: newer Keras takes them for its own layout"
    ]


def test_a_model_behind_a_user_block_is_read(write: Callable[[str, bytes], Path]) -> None:
    original = ASSETS / "tf-2.6-sequential.h5"
    path = write("model.h5", PADDING + original.read_bytes())

    assert read_provenance(path).objects == read_provenance(original).objects


def test_a_zip_archive_that_holds_the_signature_of_hdf5_is_read_as_an_archive(
    write: Callable[[str, bytes], Path],
) -> None:
    content = zipped({"a": bytes(512 - 31) + (ASSETS / "tf-2.6-sequential.h5").read_bytes()})
    assert content[512:516] == b"\x89HDF"

    with pytest.raises(NotAModelError) as caught:
        read_provenance(write("model.h5", content))
    assert caught.value.found == "a zip archive with a"


def test_an_archive_without_weights_holds_an_architecture(write: Callable[[str, bytes], Path]) -> None:
    members = members_of("tf-2.15-functional.keras")
    del members["model.weights.h5"]
    found = read_provenance(write("model.keras", zipped(members)))

    assert found.content == "architecture"
    assert [(finding.reference, finding.severity) for finding in found.findings] == [("missing-weights", "error")]


def test_members_that_leave_their_folder_are_reported_as_file_operations(write: Callable[[str, bytes], Path]) -> None:
    members = {**members_of("tf-2.15-functional.keras"), "../../.bashrc": "", "assets\\words.txt": ""}
    found = read_provenance(write("model.keras", zipped(members)))

    assert found.code == (Code(kind="file-operation", name="../../.bashrc", location="zip directory"),)
    assert "backslash-keys" in found.traits


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "a Git LFS pointer instead of the file",
        ),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML error message of a server"),
        (b'{"error": {"code": 403}}', "a JSON error message of a server"),
        (b"Not Found\x1b[2J", "a file of unknown format that starts with the bytes 4e 6f 74 20 46 6f 75 6e"),
        ("Über Bord\n".encode(), 'text that starts with "Über Bord"'),
        (b"\x80\x04\x95\x10\x00\x00\x00", "a Python pickle, which runs code when it is loaded"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "an ONNX model"),
        (b'\x40\x00\x00\x00\x00\x00\x00\x00{"__metadata__":{}', "a safetensors file"),
        (b"\x1f\x8b\x08\x00", "a gzip archive that cannot be unpacked"),
        (b"model/" + bytes(251) + b"ustar\x0000", "a tar archive with nothing in it"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (bytes(1000), "nothing but zero bytes"),
        (b"\x01\x02\x03", "a file of unknown format that starts with the bytes 01 02 03"),
        (zipped({}), "a zip archive with nothing in it"),
        (zipped({"archive/data.pkl": b"", "archive/version": b""}), "a PyTorch model"),
        (zipped({"m/saved_model.pb": b""}), "a zip archive around the SavedModel m"),
        (zipped({"x/my\x1b.h5": b"", "readme": b""}), "a zip archive around x/my\\x1b.h5"),
        (zipped({"m/config.json": b"", "m/metadata.json": b""}), "a zip archive around the unpacked .keras archive m"),
        (zipped({"a.npy": b""}), "NumPy arrays (.npz)"),
    ],
)
def test_a_file_that_is_no_model_is_named(write: Callable[[str, bytes], Path], content: bytes, found: str) -> None:
    path = write("model.h5", content)
    with pytest.raises(NotAModelError) as caught:
        read_provenance(path)

    assert str(caught.value) == f"{path}: expected a saved model, found {found}"
    assert caught.value.hint


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError) as caught:
        read_provenance(tmp_path / "model.h5")

    assert str(caught.value) == f"{tmp_path / 'model.h5'}: no such file or directory"
    with pytest.raises(MissingArtifactError):
        read_provenance(Path("model\0.h5"))


def test_a_pipe_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.h5")

    with pytest.raises(NotAModelError) as caught:
        read_provenance(tmp_path / "model.h5")
    assert caught.value.found == "a pipe, socket or device"


def test_a_folder_without_a_model_is_described(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(NotAModelError) as caught:
        read_provenance(tmp_path)
    assert caught.value.found == "a folder with notes.txt"


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        (
            "config.json",
            "{",
            "config.json at offset 1: is no valid JSON: Expecting property name enclosed in double quotes",
        ),
        ("config.json", "[]", "config.json: expected a JSON object"),
        ("config.json", "{}", "config.json: describes no Keras model: it has no class_name and config"),
        ("model.weights.h5", "", "HDF5 signature: found neither at the start of the file nor behind a user block"),
    ],
)
def test_a_damaged_member_is_named(
    write: Callable[[str, bytes], Path], member: str, content: str, message: str
) -> None:
    members = {**members_of("tf-2.15-functional.keras"), member: content}
    with pytest.raises(DamagedFileError) as caught:
        read_provenance(write("model.keras", zipped(members)))

    assert str(caught.value) == message


@pytest.mark.parametrize("name", MODELS)
def test_a_cut_file_is_refused(write: Callable[[str, bytes], Path], name: str) -> None:
    content = (ASSETS / name).read_bytes()
    for end in (*range(64), *range(64, len(content), 997), len(content) - 1):
        with pytest.raises(ArtifactError):
            read_provenance(write(name, content[:end]))


@pytest.mark.parametrize("name", MODELS)
def test_a_file_with_changed_bytes_gives_a_provenance_or_an_error(
    write: Callable[[str, bytes], Path], name: str
) -> None:
    generator = random.Random(name)  # noqa: S311
    original = (ASSETS / name).read_bytes()
    for _ in range(60):
        content = bytearray(original)
        for _ in range(generator.choice((1, 1, 8))):
            content[generator.randrange(len(content))] = generator.randrange(256)
        with suppress(EnvlockError):
            read_provenance(write(name, bytes(content)))


@pytest.mark.skipif(not REAL_ARTIFACTS.is_dir(), reason="published model files are not at hand")
def test_published_files_are_read_or_refused_within_two_seconds() -> None:
    paths = sorted(path for path in REAL_ARTIFACTS.rglob("*") if path.is_file())
    assert paths

    for path in paths:
        start = time.process_time()
        with suppress(EnvlockError):
            read_provenance(path)
        assert time.process_time() - start < 2, path
