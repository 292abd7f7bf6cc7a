"""HDF5: what h5py reads from a file, or one error that says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envlock.errors import (
    ArtifactError,
    DamagedFileError,
    LimitExceededError,
    TruncatedFileError,
    UnsupportedFeatureError,
)
from envlock.formats.hdf5.datasets import Dataset
from envlock.formats.hdf5.datatypes import AttributeValue
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.hdf5.links import Link
from envlock.formats.hdf5.superblock import find_hdf5_signature
from envlock.formats.ranges import RangeReader

REPOSITORY = Path(__file__).parents[2]
ASSETS = REPOSITORY / "tests" / "assets" / "hdf5"
EXPECTED: dict[str, dict[str, Any]] = json.loads((ASSETS / "expected.json").read_text())
REAL = Path(os.environ.get("ENVLOCK_REAL_ARTIFACTS", REPOSITORY.parent / "shared" / "artifacts" / "real"))
REAL_DIGESTS: dict[str, str] = json.loads((ASSETS / "real.json").read_text())
SIGNATURE = b"\x89HDF\r\n\x1a\n"

needs_real_artifacts = pytest.mark.skipif(
    not REAL.is_dir(), reason="real artifacts are absent: set ENVLOCK_REAL_ARTIFACTS to their folder"
)


def open_bytes(content: bytes) -> Hdf5File:
    return Hdf5File(RangeReader(BytesIO(content)))


def open_asset(name: str) -> Hdf5File:
    return open_bytes((ASSETS / name).read_bytes())


def plain(value: AttributeValue | None) -> Any:
    """*value* as the recorded JSON has it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def describe(file: Hdf5File, path: str, *, with_values: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"attributes": {k: plain(v) for k, v in file.attributes(path).items()}}
    dataset = file.dataset(path)
    if dataset is None:
        found["members"] = [[link.name, link.kind, link.target] for link in file.members(path)]
        return found
    found |= {"shape": list(dataset.shape), "dtype": dataset.dtype}
    return found | {"values": plain(file.values(path))} if with_values else found


def walk(file: Hdf5File, deepest: int = 8) -> Iterator[str]:
    """Paths of all objects, each object once, parents first."""
    seen: set[int | None] = set()
    pending = ["/"]
    while pending:
        path = pending.pop()
        yield path
        for link in file.members(path) if path.count("/") <= deepest else ():
            if link.kind == "hard" and link.address not in seen:
                seen.add(link.address)
                pending.append(f"{path.rstrip('/')}/{link.name}")


def read_everything(content: bytes) -> None:
    """Everything that the reader offers, with each part's error caught where it arises."""
    file = open_bytes(content)
    paths = walk(file)
    while (path := attempt(lambda: next(paths, None))) is not None:
        attempt(lambda path=path: file.attributes(path))
        attempt(lambda path=path: file.chunked_attribute("layer_names", path))
        attempt(lambda path=path: file.values(path))


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except ArtifactError:
        return None


# --- well-formed files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_object_reads_as_h5py_reads_it(name: str) -> None:
    file = open_asset(name)

    found = {path: describe(file, path, with_values="values" in expected) for path, expected in EXPECTED[name].items()}

    assert found == EXPECTED[name]


@needs_real_artifacts
@pytest.mark.parametrize("name", sorted(REAL_DIGESTS))
def test_published_files_read_as_h5py_reads_them(name: str) -> None:
    with (REAL / name).open("rb") as stream:
        file = Hdf5File(RangeReader(stream))
        found = {path: describe(file, path, with_values=False) for path in walk(file)}

    assert hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() == REAL_DIGESTS[name]


@pytest.mark.parametrize(("user_block", "is_found"), [(0, True), (512, True), (1024, True), (2048, True), (700, False)])
def test_the_signature_is_found_behind_user_blocks_of_a_power_of_two(user_block: int, is_found: bool) -> None:
    assert find_hdf5_signature(bytes(user_block) + SIGNATURE) is is_found


@pytest.mark.parametrize("name", ["keras-earliest-2.0.h5", "keras-latest-2.0.h5"])
def test_a_file_that_moved_behind_a_user_block_reads_the_same(name: str) -> None:
    moved = open_bytes(bytes(4096) + (ASSETS / name).read_bytes())

    assert moved.attributes("/model_weights") == open_asset(name).attributes("/model_weights")


def test_superblock_version_1_is_read_as_version_0_with_four_more_bytes() -> None:
    content = (ASSETS / "keras-earliest-2.0.h5").read_bytes()
    # What is overwritten are cached addresses of the root group.
    rewritten = content[:8] + b"\x01" + content[9:24] + b"\x20\0\0\0" + content[24:72] + content[76:]

    assert open_bytes(rewritten).attribute("keras_version") == "2.4.0"


def test_one_attribute_is_read_without_the_others() -> None:
    file = open_asset("keras-earliest-2.0.h5")

    found = [file.attribute("keras_version"), file.attribute("backend", "/model_weights"), file.attribute("absent")]

    assert found == ["2.4.0", None, None]


def test_an_array_that_keras_split_is_joined() -> None:
    file = open_asset("chunked-attributes-2.0.h5")

    joined = file.chunked_attribute("layer_names", "/model_weights")

    assert joined == tuple(f"layer_{part}_{item}" for part in range(3) for item in range(4))
    assert file.chunked_attribute("whole", "/model_weights") == ("a", "b")
    assert file.chunked_attribute("absent", "/model_weights") == ()


def test_an_array_of_names_that_holds_numbers_is_damaged() -> None:
    with pytest.raises(DamagedFileError) as caught:
        open_asset("numbers-earliest-2.0.h5").chunked_attribute("floats")

    assert str(caught.value) == "attribute 'floats' of '/': expected strings, found other values"


def test_links_that_leave_their_group_are_listed_and_never_followed() -> None:
    file = open_asset("links-latest-2.0.h5")

    assert [link for link in file.members() if link.kind != "hard"] == [
        Link(name="dangling", kind="soft", target="/nowhere"),
        Link(name="external", kind="external", target="other.h5:/group"),
        Link(name="loop", kind="soft", target="/loop"),
        Link(name="soft", kind="soft", target="/group/member"),
    ]
    assert [file.has(path) for path in ("/dangling", "/external", "/loop", "/soft", "/soft/member")] == [False] * 5
    assert file.attributes("/external") == {}
    assert file.members("/external") == ()


def test_a_group_within_itself_is_a_path_like_any_other() -> None:
    file = open_asset("links-earliest-2.0.h5")

    assert file.has("/group" + "/parent/group" * 50 + "/member")


def test_a_path_that_leads_nowhere_holds_nothing() -> None:
    file = open_asset("keras-earliest-2.0.h5")

    assert (file.attributes("/a/b"), file.members("/a/b"), file.dataset("/a/b"), file.values("/a/b")) == (
        {},
        (),
        None,
        None,
    )


def test_a_dataset_is_described_without_its_values() -> None:
    kernel = open_asset("keras-earliest-2.0.h5").dataset("/model_weights/dense/dense/kernel:0")

    assert kernel == Dataset(shape=(2, 3), dtype="float32")


@pytest.mark.parametrize(
    ("name", "path", "problem"),
    [
        ("unread-datasets-earliest-2.0.h5", "/other filter", "filter 32000"),
        ("unread-datasets-earliest-2.0.h5", "/never written", "a dataset that was never written"),
        ("unread-datasets-earliest-2.0.h5", "/partly written", "a dataset that was never fully written"),
        ("unread-datasets-earliest-2.0.h5", "/external", "a dataset whose values are in another file"),
        ("unread-datasets-earliest-2.0.h5", "/virtual", "a virtual dataset"),
    ],
)
def test_values_that_are_elsewhere_or_stored_unusually_are_refused(name: str, path: str, problem: str) -> None:
    with pytest.raises(UnsupportedFeatureError) as caught:
        open_asset(name).values(path)

    assert str(caught.value) == f"dataset {path!r}: {problem} is not supported"


def test_a_keras_file_takes_one_request() -> None:
    reader = RangeReader(BytesIO((ASSETS / "keras-earliest-2.0.h5").read_bytes()))
    file = Hdf5File(reader)

    file.attributes()
    file.attributes("/model_weights")
    file.members("/model_weights")

    assert reader.requests == 1


def test_a_file_of_any_size_is_read_in_a_few_blocks(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    path.write_bytes((ASSETS / "keras-earliest-2.0.h5").read_bytes())
    os.truncate(path, 1 << 36)

    with path.open("rb") as stream:
        reader = RangeReader(stream)
        assert Hdf5File(reader).attribute("keras_version") == "2.4.0"

    assert reader.bytes_fetched == 64 * 1024


# --- damaged files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_cut_at_any_place_is_truncated(name: str) -> None:
    content = (ASSETS / name).read_bytes()
    start = content.index(SIGNATURE) + len(SIGNATURE)

    for end in [*range(start, start + 100), *range(start + 100, len(content), 7), len(content) - 1]:
        with pytest.raises(TruncatedFileError):
            open_bytes(content[:end])


def test_the_error_for_a_truncated_file_tells_both_sizes() -> None:
    content = (ASSETS / "user-block-2.0.h5").read_bytes()

    with pytest.raises(TruncatedFileError) as caught:
        open_bytes(content[:-1])

    data_size = len(content) - 1024
    assert str(caught.value) == f"HDF5 file: expected {data_size} bytes at offset 1024, found {data_size - 1}"


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"version https://git-lfs.github.com/spec/v1\n" * 100])
def test_a_file_without_a_signature_is_no_hdf5(content: bytes) -> None:
    with pytest.raises(DamagedFileError) as caught:
        open_bytes(content)

    assert str(caught.value) == "HDF5 signature: found neither at the start of the file nor behind a user block"


def test_a_changed_byte_in_a_header_is_proven_by_its_checksum() -> None:
    content = bytearray((ASSETS / "keras-latest-2.0.h5").read_bytes())
    header = content.index(b"OHDR")
    content[header + 30] ^= 1

    with pytest.raises(DamagedFileError) as caught:
        open_bytes(bytes(content)).attributes()

    assert str(caught.value) == f"object header at offset {header}: the checksum does not match the content"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_changed_byte_gives_values_or_an_artifact_error(name: str) -> None:
    content = (ASSETS / name).read_bytes()

    for place in range(0, len(content), max(1, len(content) // 100)):
        for change in (0x01, 0x80, 0xFF):
            attempt(lambda p=place, c=change: read_everything(content[:p] + bytes([content[p] ^ c]) + content[p + 1 :]))


@settings(max_examples=300)
@given(data=st.data())
def test_several_changes_give_values_or_an_artifact_error(data: st.DataObject) -> None:
    content = bytearray((ASSETS / data.draw(st.sampled_from(sorted(EXPECTED)))).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.binary(min_size=1, max_size=9))
        content[place : place + len(change)] = change

    attempt(lambda: read_everything(bytes(content)))


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if "latest" in name))
def test_changed_bytes_under_matching_checksums_give_values_or_an_artifact_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever means harm makes the checksums match.
    monkeypatch.setattr("envlock.formats.hdf5.storage.Storage.verify", lambda *_, **__: None)
    content = (ASSETS / name).read_bytes()

    for place in range(0, len(content), max(1, len(content) // 200)):
        changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        attempt(lambda changed=changed: read_everything(changed))


@given(content=st.binary(max_size=400))
def test_any_bytes_behind_a_signature_give_values_or_an_artifact_error(content: bytes) -> None:
    attempt(lambda: read_everything(SIGNATURE + content))


@needs_real_artifacts
@pytest.mark.parametrize("path", sorted((REAL / "cve_hdf5").rglob("cve-*")), ids=lambda path: path.name)
def test_published_malformed_files_give_values_or_an_artifact_error(path: Path) -> None:
    attempt(lambda: read_everything(path.read_bytes()))


# --- hostile files, made by hand -----------------------------------------------------------------------------


def superblock(*, root: int, end: int) -> bytes:
    """Version 0, in the 96 bytes before address 96."""
    widths = bytes([0, 0, 0, 0, 0, 8, 8, 0])
    undefined = 2**64 - 1
    return SIGNATURE + widths + bytes(8) + struct.pack("<6Q", 0, undefined, end, undefined, 0, root) + bytes(24)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("<HHB3x", kind, len(body), 0) + body


def make_file(*messages: bytes, rest: bytes = b"") -> bytes:
    """A file whose root has the *messages*, with *rest* behind them."""
    body = b"".join(messages)
    header = struct.pack("<BxHIIxxxx", 1, len(messages), 1, len(body)) + body
    return superblock(root=96, end=96 + len(header) + len(rest)) + header + rest


def attribute_message(datatype: bytes, dataspace: bytes, data: bytes = b"") -> bytes:
    sizes = struct.pack("<BBHHH", 2, 0, 2, len(datatype), len(dataspace))
    return message(0x0C, sizes + b"a\0" + datatype + dataspace + data)


BYTE_TYPE = bytes([0x10, 0, 0, 0]) + struct.pack("<IHH", 1, 0, 8)
SCALAR = bytes([2, 0, 0, 0])


def array_of(base: bytes) -> bytes:
    return bytes([0x3A, 0, 0, 0]) + struct.pack("<IBI", 1, 1, 1) + base


def nested(levels: int) -> bytes:
    return BYTE_TYPE if levels == 0 else array_of(nested(levels - 1))


def vector(length: int) -> bytes:
    return bytes([2, 1, 0, 1]) + struct.pack("<Q", length)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "an object header that continues in itself": (
        make_file(message(0x10, struct.pack("<QQ", 136, 24)), rest=message(0x10, struct.pack("<QQ", 136, 24))),
        "object header continuation at offset 160: the blocks of the object header form a circle",
    ),
    "a tree whose child is the tree": (
        make_file(
            message(0x11, struct.pack("<QQ", 136, 192)),
            rest=b"TREE\0\1\1\0"
            + bytes(16)
            + struct.pack("<QQQ", 0, 136, 0)
            + bytes(8)
            + b"HEAP"
            + bytes(4)
            + struct.pack("<QQQ", 8, 0, 96),
        ),
        "version 1 B-tree at offset 144: expected a node of type 0, found type 0 on level 1",
    ),
    "more messages than any model has": (
        make_file(message(0, b"") * 200_000),
        "object header: number of structures 200001 is over the limit of 200000",
    ),
    "more values than the attribute has bytes": (
        make_file(attribute_message(BYTE_TYPE, vector(2**40))),
        "attribute 'a' of '/' at offset 154: 1099511627776 values of 1 bytes do not fit into 0 bytes",
    ),
    "types within types": (
        make_file(attribute_message(nested(9), SCALAR)),
        "attribute 'a' of '/' at offset 247: types are nested deeper than 8",
    ),
    "a continuation larger than any model": (
        make_file(message(0x10, struct.pack("<QQ", 136, 33 << 20)), rest=bytes(33 << 20)),
        "object header continuation: number of bytes read 34603052 is over the limit of 33554432",
    ),
    "a continuation outside of the file": (
        make_file(message(0x10, struct.pack("<QQ", 2**60, 16))),
        "object header continuation at offset 1152921504606846976: 16 bytes here reach past the end of the file",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_structures_are_refused(case: str) -> None:
    content, expected = HOSTILE[case]
    file = open_bytes(content)

    with pytest.raises((DamagedFileError, LimitExceededError)) as caught:
        (file.attributes(), file.members())

    assert str(caught.value) == expected


def test_the_limits_hold_for_all_calls_on_a_file_together() -> None:
    file = open_asset("large-attributes-earliest-2.0.h5")
    again = (file.attribute("variable") for _ in range(10_000))

    with pytest.raises(LimitExceededError) as caught:
        list(again)

    assert caught.value.what == "number of bytes read"
