from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from envlock.artifacts import read_provenance
from envlock.artifacts.checkpoint import CheckpointReader
from envlock.artifacts.source import LocalSource
from envlock.errors import EnvlockError, MissingArtifactError, NotAModelError
from envlock.provenance import Finding, Provenance
from tests.artifacts.records import record_of

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "checkpoints"
FOLDERS = ("1.12", "1.15", "1.15-v1", "2.3", "2.10", "2.15", "2.16")
COPY_AGAIN = "copy all files of the checkpoint again from where it was saved"


def read(path: Path) -> Provenance:
    return CheckpointReader().read(LocalSource(path))


def recognises(path: Path) -> bool:
    source = LocalSource(path)
    return CheckpointReader().recognises(source, b"" if source.is_folder else path.read_bytes()[:4096])


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(ASSETS / name, tmp_path / name))


# --- what is read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOLDERS)
def test_a_real_checkpoint_is_read_whole(name: str) -> None:
    expected = json.loads((TESTS / "golden" / "checkpoint" / f"{name}.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(record_of(read(ASSETS / name)))) == expected


@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, path.name) for folder in FOLDERS for path in (ASSETS / folder).glob("*") if path.suffix != ".meta"],
)
def test_every_file_but_the_graph_stands_for_the_whole_checkpoint(folder: str, name: str) -> None:
    assert recognises(ASSETS / folder / name)
    assert record_of(read(ASSETS / folder / name)) == record_of(read(ASSETS / folder))


@pytest.mark.parametrize(
    ("folder", "prefix"), [("1.12", "model.ckpt"), ("1.15", "model.ckpt"), ("2.15", "model.ckpt-1")]
)
def test_the_name_of_a_checkpoint_stands_for_its_index(folder: str, prefix: str) -> None:
    index = ASSETS / folder / f"{prefix}.index"

    assert read_provenance(ASSETS / folder / prefix) == read_provenance(index)


def test_a_name_without_an_index_is_missing(copied: Callable[[str], Path]) -> None:
    folder = copied("2.15")
    (folder / "model.ckpt-1.index").rename(folder / "model.ckpt-2")

    with pytest.raises(MissingArtifactError) as caught:
        read_provenance(folder / "model.ckpt-1")

    assert str(caught.value) == f"{folder / 'model.ckpt-1'}: no such file or directory"


def test_an_index_under_another_name_is_recognised_by_its_end(tmp_path: Path) -> None:
    renamed = Path(shutil.copy(ASSETS / "2.15" / "model.ckpt-1.index", tmp_path / "downloaded"))

    assert recognises(renamed)


@pytest.mark.parametrize("content", [b"", b"x", b"model_checkpoint: 1", bytes(100)])
def test_other_files_are_left_to_others(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)

    assert not recognises(tmp_path / "other")


def test_the_state_file_chooses_among_several(copied: Callable[[str], Path]) -> None:
    folder = copied("2.15")
    for path in list(folder.glob("model.ckpt-1.*")):
        shutil.copy(path, folder / path.name.replace("-1.", "-10."))

    assert read(folder).findings == ()
    assert {item.location.partition(":")[0] for item in read(folder).evidence} == {"model.ckpt-1.index"}


def test_without_a_state_file_the_highest_number_is_read_and_the_choice_is_told(copied: Callable[[str], Path]) -> None:
    folder = copied("2.15")
    (folder / "checkpoint").unlink()
    for path in list(folder.glob("model.ckpt-1.*")):
        shutil.copy(path, folder / path.name.replace("-1.", "-9."))
        shutil.copy(path, folder / path.name.replace("-1.", "-10."))

    assert read(folder).findings == (
        Finding(
            reference="several-checkpoints",
            severity="info",
            message=(
                "the folder holds model.ckpt-1.index, model.ckpt-9.index, model.ckpt-10.index; "
                "model.ckpt-10.index was read"
            ),
            hint="pass the index of another one to read that",
        ),
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/someone/run/model.ckpt-1", "/home/someone/run/model.ckpt-1"),
        ("../../elsewhere/model.ckpt-1", "../../elsewhere/model.ckpt-1"),
        (r"C:\\run\\model.ckpt-1", r"C:\run\model.ckpt-1"),
    ],
)
def test_a_path_in_the_state_file_is_never_followed(copied: Callable[[str], Path], path: str, shown: str) -> None:
    folder = copied("2.15")
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\n')

    assert read(folder).findings == (
        Finding(
            reference="moved-checkpoint",
            severity="info",
            message=f"the state file places the checkpoint at {shown}, and it lies beside the file",
            hint="pass its own path to the loader, not that of the folder",
        ),
    )


# --- what is missing -----------------------------------------------------------------------------------------


def test_a_missing_shard_is_an_error_finding(copied: Callable[[str], Path]) -> None:
    folder = copied("1.15")
    (folder / "model.ckpt.data-00001-of-00002").unlink()

    assert read(folder).findings == (
        Finding(
            reference="missing-shard",
            severity="error",
            message="the checkpoint lacks model.ckpt.data-00001-of-00002",
            hint=COPY_AGAIN,
        ),
    )


def test_a_shard_cut_short_is_an_error_finding(copied: Callable[[str], Path]) -> None:
    folder = copied("2.15")
    shard = folder / "model.ckpt-1.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:100])

    assert read(folder).findings == (
        Finding(
            reference="truncated-shard",
            severity="error",
            message="model.ckpt-1.data-00000-of-00001 has 100 bytes, and its index places tensors up to byte 1267",
            hint="copy or download the file again: its end is missing",
        ),
    )


def test_a_damaged_graph_beside_the_variables_is_a_warning(copied: Callable[[str], Path]) -> None:
    folder = copied("1.12")
    (folder / "model.ckpt.meta").write_bytes(b"\x0a\x7f")

    assert read(folder).findings == (
        Finding(
            reference="damaged-graph",
            severity="warning",
            message="model.ckpt.meta: expected 127 bytes at offset 2, found 0",
            hint="the variables can be read without it; copy it again if you need the graph",
        ),
    )


@pytest.mark.parametrize(
    ("kept", "passed", "found"),
    [
        (
            "*.data*",
            "model.ckpt-1.data-00000-of-00001",
            "a shard of a checkpoint, without its index model.ckpt-1.index",
        ),
        ("checkpoint", "checkpoint", "the state file of a checkpoint, model.ckpt-1, that is not here"),
        ("checkpoint", "", "the state file of a checkpoint, model.ckpt-1, that is not here"),
    ],
)
def test_a_part_without_the_others_is_named(copied: Callable[[str], Path], kept: str, passed: str, found: str) -> None:
    folder = copied("2.15")
    for path in set(folder.iterdir()) - set(folder.glob(kept)):
        path.unlink()

    with pytest.raises(NotAModelError) as caught:
        read(folder / passed)

    assert (caught.value.found, caught.value.hint) == (found, COPY_AGAIN)


# --- damage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("1.12", "model.ckpt.index"),
        ("1.12", "model.ckpt.meta"),
        ("1.15-v1", "model.ckpt"),
        ("2.15", "checkpoint"),
        ("2.15", "model.ckpt-1.index"),
        ("2.16", "model.ckpt-1.data-00000-of-00001"),
    ],
)
def test_a_cut_or_changed_file_gives_a_provenance_or_an_envlock_error(
    copied: Callable[[str], Path], folder: str, name: str
) -> None:
    path = copied(folder) / name
    data = path.read_bytes()
    chance = random.Random(name)  # noqa: S311
    for position in sorted(chance.sample(range(len(data)), min(len(data), 150))):
        changed = bytearray(data)
        changed[position] = chance.randrange(256)
        for damaged in (data[:position], bytes(changed)):
            path.write_bytes(damaged)
            with suppress(EnvlockError):
                read(path.parent)
