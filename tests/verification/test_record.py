"""What an environment remembers of verifications comes back whole, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.isolation.choice import Isolation
from envlock.resolution import Pin, PinnedFile, Resolution
from envlock.verification import Attempt, ImportedObject, Output, Verification
from envlock.verification.record import (
    RECORD_NAME,
    Answer,
    Failure,
    Fingerprint,
    Record,
    Verified,
    digest_of,
    digest_of_sources,
    read_record,
    take_fingerprint,
    write_record,
)

VERIFICATION = Verification(
    loads=True,
    predicts=None,
    loader="tf.keras",
    how="tf.keras.models.load_model(path)",
    error="ValueError: no input",
    traceback="Traceback …",
    attempts=(Attempt(how="load()", error="OSError: no"),),
    code_errors=(),
    imported=(ImportedObject(name="Custom>Scale", module="layers", attribute="Scale"),),
    outputs=(Output(name="", dtype="float32", shape=(1, 2), finite=True),),
    versions={"python": "3.8.18"},
    seconds=1.5,
    isolation=Isolation(level="limits", guarantees=frozenset({"time", "memory"}), passed_over=(("landlock", "no"),)),
)
PIN = Pin(name="six", version=Version("1.16.0"), files=(PinnedFile(name="six.whl", sha256="00"),), via=("keras",))
RECORD = Record(
    artifact=Fingerprint(sha256="aa", stamp="bb"),
    resolutions={"q": Answer(resolution=Resolution(pins=(PIN,), engine="offline"), added=frozenset({"six"}))},
    failures={"r": Failure(stage="verification", error="TypeError: no", cause="TypeError", loads=False)},
    verified=Verified(
        question="s", installed=("six-1.16.0.dist-info",), time="2026-11-21T12:00:00Z", verification=VERIFICATION
    ),
)


@pytest.mark.parametrize("record", [RECORD, Record()], ids=["all", "nothing"])
def test_what_was_written_is_read_again(record: Record, tmp_path: Path) -> None:
    write_record(tmp_path, record)

    assert read_record(tmp_path) == record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("envlock/verification/1", "envlock/verification/2"),
        ('"loads": true', '"loads": "yes"'),
        ('"loads": true,', ""),
        ('"verified": {', '"verified": [{'),
        ('"record"', '"notes"'),
    ],
)
def test_a_record_that_is_odd_in_any_way_counts_as_none(old: str, new: str, tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    path = tmp_path / RECORD_NAME
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    assert read_record(tmp_path) == Record()


def test_where_there_is_no_file_nothing_is_remembered_and_nothing_waited_for(tmp_path: Path) -> None:
    assert read_record(tmp_path / "absent") == Record()
    os.mkfifo(tmp_path / RECORD_NAME)
    assert read_record(tmp_path) == Record()


def test_the_digest_of_one_file_is_that_of_its_content(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"content")

    assert take_fingerprint([model]).sha256 == hashlib.sha256(b"content").hexdigest()


def test_the_digest_of_a_folder_is_that_of_its_listing_by_sha256sum(tmp_path: Path) -> None:
    for name in ("b", "a/c"):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  model/{name}\n" for name in ("a/c", "b")]

    assert take_fingerprint([tmp_path / "model"]).sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_file_that_was_not_touched_is_not_read_again(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"content")
    known = replace(take_fingerprint([model]), sha256="remembered")

    assert take_fingerprint([model], known=known) == known
    model.write_bytes(b"CONTENT")
    assert take_fingerprint([model], known=known).sha256 == hashlib.sha256(b"CONTENT").hexdigest()


def test_sources_are_known_by_their_content_and_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text("x = 1")
    second.write_text("y = 2")
    digest = digest_of_sources([first, second])

    os.utime(first, (0, 0))
    assert digest_of_sources([second, first, first]) == digest
    first.write_text("x = 3")
    assert digest_of_sources([first, second]) != digest


def test_a_question_is_known_by_all_of_its_parts_in_any_order() -> None:
    assert digest_of(a=[1], b=Path("x")) == digest_of(b=Path("x"), a=[1])
    assert digest_of(a=[1]) != digest_of(a=[2])
