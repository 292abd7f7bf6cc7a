from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from envlock.artifacts import FsspecSource, LocalSource, StreamSource, read_provenance
from envlock.errors import ArtifactError, LimitExceededError, MissingArtifactError, UnsupportedFeatureError, UsageError
from envlock.formats.ranges import BLOCK_SIZE
from tests.artifacts.records import record_of

ASSETS = Path(__file__).parent.parent / "assets"
MODEL = ASSETS / "keras" / "tf-2.6-sequential.h5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "b").write_bytes(b"1")
    (tmp_path / "model" / "a").write_bytes(b"123")
    (tmp_path / "model" / "variables" / "index").write_bytes(b"12")
    return tmp_path / "model"


# --- local ---------------------------------------------------------------------------------------------------


def test_a_local_folder_lists_its_files_with_their_sizes_in_the_order_of_names(folder: Path) -> None:
    assert list(LocalSource(folder).files().items()) == [("a", 3), ("b", 1), ("variables/index", 2)]
    assert LocalSource(folder).files("variables", "b", "missing") == {"b": 1, "variables/index": 2}
    assert LocalSource(folder).names() == ("a", "b", "variables")


def test_a_file_of_a_local_folder_is_opened_by_its_name(folder: Path) -> None:
    with LocalSource(folder).open("variables/index") as stream:
        assert stream.read() == b"12"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "variables/../../secret", "a\\b", "c:secret", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "secret").touch()

    with pytest.raises(UnsupportedFeatureError) as caught:
        LocalSource(folder).open(name)

    assert str(caught.value).endswith(": a name that leads out of the folder is not supported")


@pytest.mark.parametrize("name", ["linked", "linked_folder/secret"])
def test_links_within_a_folder_are_refused(folder: Path, name: str) -> None:
    (folder.parent / "secret").touch()
    (folder / "linked").symlink_to(folder.parent / "secret")
    (folder / "linked_folder").symlink_to(folder.parent)
    source = LocalSource(folder)

    for attempt in (lambda: source.open(name), lambda: source.within(name), source.files):
        with pytest.raises(UnsupportedFeatureError):
            attempt()


def test_the_path_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "linked.h5").symlink_to(MODEL)

    assert read_provenance(tmp_path / "linked.h5").content == "model"


def test_a_pipe_that_takes_the_place_of_a_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.touch()
    source = LocalSource(path)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(UnsupportedFeatureError):
        source.open()


def test_a_folder_of_endless_depth_is_refused(tmp_path: Path) -> None:
    (tmp_path / Path(*"abcdefghijklmnopq")).mkdir(parents=True)

    with pytest.raises(LimitExceededError) as caught:
        LocalSource(tmp_path).files()

    assert str(caught.value).endswith("depth of folders 17 is over the limit of 16")


# --- streams -------------------------------------------------------------------------------------------------


def test_an_open_stream_is_read_as_a_file_and_stays_open() -> None:
    with MODEL.open("rb") as stream:
        stream.seek(100)
        assert record_of(read_provenance(StreamSource(stream, MODEL.name))) == record_of(read_provenance(MODEL))
        assert not stream.closed


def test_a_saved_model_is_read_from_a_stream_without_what_stands_beside_it() -> None:
    content = (ASSETS / "saved_model" / "2.6" / "saved_model.pb").read_bytes()

    found = read_provenance(StreamSource(BytesIO(content), "saved_model.pb"))

    assert found.recorded("tensorflow-version") == "2.6.5"


def test_a_stream_that_cannot_seek_is_refused() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as stream, pytest.raises(MissingArtifactError):
        read_provenance(StreamSource(stream))


# --- remote --------------------------------------------------------------------------------------------------


class Requests:
    """Ranges that were asked for, as start and size in bytes."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []


@pytest.fixture
def remote() -> Callable[[dict[str, bytes]], tuple[Any, Requests]]:
    """Makes a file system that counts what is asked for, as one over a network is asked."""
    spec = pytest.importorskip("fsspec.spec")

    def make(files: dict[str, bytes], sparse: dict[str, tuple[bytes, int]] | None = None) -> tuple[Any, Requests]:
        requests = Requests()
        contents = {name: (data, len(data)) for name, data in files.items()} | (sparse or {})

        class CountedFile(spec.AbstractBufferedFile):
            def _fetch_range(self, start: int, end: int) -> bytes:
                data, size = contents[self.path]
                requests.ranges.append((start, min(end, size) - start))
                return data[start:end].ljust(min(end, size) - start, b"\0")

        class CountedFileSystem(spec.AbstractFileSystem):
            cachable = False

            def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
                return CountedFile(self, path, mode, cache_type=options["cache_type"])

            def ls(self, path: str, **_: Any) -> list[Any]:
                rows: dict[str, dict[str, Any]] = {}
                for name, (_, size) in contents.items():
                    if name == path:
                        return [{"name": name, "size": size, "type": "file"}]
                    if name.startswith(f"{path}/"):
                        child, _, rest = name[len(path) + 1 :].partition("/")
                        kind = "directory" if rest else "file"
                        rows[child] = {"name": f"{path}/{child}", "size": 0 if rest else size, "type": kind}
                if not rows:
                    raise FileNotFoundError(path)
                return list(rows.values())

        return CountedFileSystem(), requests

    return make


@pytest.mark.parametrize("path", sorted((ASSETS / "keras").glob("*.h5")), ids=lambda path: path.name)
def test_a_remote_hdf5_model_takes_one_request_where_it_fits_a_block(remote: Any, path: Path) -> None:
    file_system, requests = remote({"bucket/" + path.name: path.read_bytes()})

    found = read_provenance(FsspecSource(file_system, "bucket/" + path.name))

    assert record_of(found) == record_of(read_provenance(path))
    assert requests.ranges == [(0, min(BLOCK_SIZE, path.stat().st_size))]


def test_a_remote_model_of_two_gibibytes_takes_no_more_than_three_requests(remote: Any) -> None:
    # Weights follow what stands at the head of a file; the end of file in the superblock tells of them.
    size = 2 * 1024**3
    head = bytearray(MODEL.read_bytes())
    end_of_file = len(head).to_bytes(8, "little")
    place = head.index(end_of_file)
    head[place : place + 8] = size.to_bytes(8, "little")
    file_system, requests = remote({}, {"bucket/model.h5": (bytes(head), size)})

    found = read_provenance(FsspecSource(file_system, "bucket/model.h5"))

    assert (found.size, found.recorded("keras-version")) == (size, "2.6.0")
    assert len(requests.ranges) <= 3
    assert sum(length for _, length in requests.ranges) <= 3 * BLOCK_SIZE


def test_a_remote_saved_model_takes_two_requests_for_its_version(remote: Any) -> None:
    folder = ASSETS / "saved_model" / "2.6"
    names = ("saved_model.pb",)
    file_system, requests = remote({f"bucket/{name}": (folder / name).read_bytes() for name in names})

    found = read_provenance(FsspecSource(file_system, "bucket/saved_model.pb"))

    assert found.recorded("tensorflow-version") == "2.6.5"
    assert len(requests.ranges) <= 2


def test_a_remote_folder_is_read_as_a_local_one(remote: Any) -> None:
    folder = ASSETS / "saved_model" / "2.6"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    file_system, requests = remote({f"bucket/m/{name}": data for name, data in files.items()})

    found = read_provenance(FsspecSource(file_system, "bucket/m"))

    assert record_of(found) == record_of(read_provenance(folder))
    assert len(requests.ranges) <= 4


def test_a_remote_archive_takes_a_request_for_its_head_and_one_for_its_end(remote: Any) -> None:
    path = ASSETS / "keras" / "tf-2.21-functional.keras"
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("assets/large", bytes(1024 * 1024))
        for name, data in members.items():
            archive.writestr(name, data)
    file_system, requests = remote({"bucket/m.keras": buffer.getvalue()})

    found = read_provenance(FsspecSource(file_system, "bucket/m.keras"))

    assert found.objects == read_provenance(path).objects
    assert sum(length for _, length in requests.ranges) <= 4 * BLOCK_SIZE


def test_what_a_remote_file_system_raises_is_an_error_of_envlock(remote: Any) -> None:
    file_system, _ = remote({"bucket/model.h5": MODEL.read_bytes()})

    with pytest.raises(MissingArtifactError):
        FsspecSource(file_system, "bucket/other.h5")
    source = FsspecSource(file_system, "bucket/model.h5")
    file_system.open = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("the provider is away"))
    with pytest.raises(ArtifactError) as caught:
        read_provenance(source)
    assert str(caught.value) == "bucket/model.h5: the provider is away"


def test_a_url_of_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        FsspecSource.from_url("nowhere-at-all://model.h5")
    assert caught.value.hint == "install it with: pip install 'envlock[remote]'"
