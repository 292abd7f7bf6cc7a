"""Locks of several requests, and the lock that is there against the one that would be made."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from envlock.errors import NoCandidateError, OccupiedPathError, ResolutionError, UsageError
from envlock.pipeline.from_model import check_lock, from_model, from_model_for_each
from envlock.pipeline.request import Request
from envlock.writers import WRITERS, Differences
from tests.stand_ins import Notes, StandIn, wanted

EXAMPLE = Path(__file__).parent.parent / "assets" / "example" / "model.h5"
REQUIREMENTS_TXT, PYLOCK_TOML, CONSTRAINTS_TXT = WRITERS


# --- several at once -----------------------------------------------------------------------------------------


def test_several_locks_are_written_together_or_not_at_all(request_to: Any, tmp_path: Path) -> None:
    good = request_to(StandIn(), lock_path=tmp_path / "good.txt")
    bad = request_to(StandIn(error=ResolutionError("", "none")), lock_path=tmp_path / "bad.txt")

    with pytest.raises(NoCandidateError):
        from_model_for_each([good, bad], Notes())
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "bad.txt").write_text("mine\n")
    with pytest.raises(OccupiedPathError):
        from_model_for_each([good, bad], Notes())
    assert good.resolvers[0].asked == [good.resolvers[0].asked[0]]


def test_a_lock_without_a_place_is_in_the_outcome_alone(request_to: Any, tmp_path: Path) -> None:
    outcome = from_model(request_to(StandIn(), lock_path=None), Notes())

    assert outcome.lock_text == REQUIREMENTS_TXT.render(outcome.lock)
    assert list(tmp_path.iterdir()) == []


# --- what is compared ----------------------------------------------------------------------------------------

UNCHANGED = Differences(added=(), removed=(), changed=(), other_files=())


def test_a_lock_that_would_be_made_again_is_fresh(locked: Request) -> None:
    assert check_lock(locked, Notes()) == UNCHANGED


def test_a_check_says_what_would_change_and_writes_nothing(locked: Request) -> None:
    before = locked.lock_path.read_bytes()

    differences = check_lock(replace(locked, upgrades=True, besides=wanted("six==1.16.0")), Notes())

    assert differences == replace(
        UNCHANGED,
        added=(("six", Version("1.16.0")),),
        changed=(("pip", Version("23.1"), Version("24.0")),),
    )
    assert locked.lock_path.read_bytes() == before
    assert [path.name for path in locked.lock_path.parent.iterdir()] == ["requirements.txt"]


def test_a_hash_that_was_altered_makes_a_lock_stale(locked: Request) -> None:
    text = locked.lock_path.read_text()
    digest = sha256(b"pip-23.1-py3-none-any.whl").hexdigest()
    assert digest in text
    locked.lock_path.write_text(text.replace(digest, "0" * 64))

    assert check_lock(locked, Notes()) == replace(UNCHANGED, other_files=("pip",))


@pytest.mark.parametrize("text", [None, "tensorflow\n"], ids=["absent", "of somebody else"])
def test_where_there_is_no_lock_of_ours_there_is_nothing_to_check(
    text: str | None, request_to: Any, tmp_path: Path
) -> None:
    request = request_to(StandIn())
    if text is not None:
        request.lock_path.write_text(text)

    with pytest.raises(UsageError) as caught:
        check_lock(request, Notes())

    assert str(caught.value) == f"{request.lock_path}: there is no lock to check"
    assert caught.value.hint == "leave --check out to make it"
