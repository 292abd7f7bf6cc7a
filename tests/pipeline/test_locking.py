"""A candidate becomes a lock: who is asked what, and which pins are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.errors import NetworkError, NoCandidateError, ResolutionError, UsageError
from envlock.pipeline.from_model import check_lock, from_model
from envlock.pipeline.request import Request
from envlock.writers import WRITERS
from tests.stand_ins import Notes, StandIn, pins_of, wanted

EXAMPLE = Path(__file__).parent.parent / "assets" / "example" / "model.h5"
REQUIREMENTS_TXT, PYLOCK_TOML, CONSTRAINTS_TXT = WRITERS


# --- who is asked --------------------------------------------------------------------------------------------


def test_the_first_resolver_with_a_solution_is_the_only_one_asked(request_to: Any) -> None:
    first, second = StandIn(), StandIn("uv")

    outcome = from_model(request_to(first, second), Notes())

    assert first.asked == [(["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21"], [])]
    assert second.asked == []
    assert outcome.lock.engine == "offline"


def test_what_the_first_does_not_know_the_next_is_asked_for_beside_what_the_first_knows(request_to: Any) -> None:
    first, second = StandIn(), StandIn("uv", {"pip": ["24.0", "25.0"], "pandas": ["1.2"]})
    reporter = Notes()

    outcome = from_model(request_to(first, second, besides=wanted("pandas")), reporter)

    assert second.asked == [
        (["tensorflow-cpu==2.4.4", "pip", "pandas"], ["protobuf<3.21"], ["pip==24.0", "tensorflow-cpu==2.4.4"])
    ]
    assert reporter.notes == ["tensorflow-cpu 2.4.4 on Python 3.8: offline has no pandas; asking uv"]
    assert outcome.lock.engine == "uv"


def test_bounds_of_the_person_hold_beside_those_that_are_known(request_to: Any) -> None:
    first = StandIn()

    from_model(request_to(first, constraints=wanted("pip<24", "pandas<2")), Notes())

    assert first.asked == [(["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21", "pip<24", "pandas<2"], [])]


def test_what_only_the_index_knows_cannot_be_had_without_it(request_to: Any, tmp_path: Path) -> None:
    unreachable = StandIn("uv", error=NetworkError("resolving", "no route"))

    with pytest.raises(NetworkError) as caught:
        from_model(request_to(StandIn(), unreachable, besides=wanted("pandas")), Notes())

    assert str(caught.value) == "offline has no pandas; asking uv: the package index cannot be reached: no route"
    assert len(unreachable.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_the_index_the_next_candidate_is_taken_from_what_is_known(request_to: Any) -> None:
    first = StandIn(releases={"pip": ["24.0"], "tensorflow-cpu": ["2.3.4"]})
    unreachable = StandIn("uv", error=NetworkError("resolving", "no route"))

    outcome = from_model(request_to(first, unreachable, wishes=Wishes()), Notes())

    assert outcome.candidate.name == "tensorflow-cpu 2.3.4 on Python 3.8"
    assert [attempt.stage for attempt in outcome.attempts] == ["resolution"]


REFUSALS = [
    pytest.param(("offline",), "pandas", "offline has no pandas", "take --engine uv", id="only the first is asked"),
    pytest.param(("offline", "uv"), "pip<1", "offline has no pip<1", "ask for another", id="the first knows why"),
]


@pytest.mark.parametrize(("names", "beside", "error", "hint"), REFUSALS)
def test_why_nothing_resolves_is_said_with_what_to_change(
    names: Sequence[str], beside: str, error: str, hint: str, request_to: Any, tmp_path: Path
) -> None:
    resolvers = [StandIn(name) for name in names]

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(*resolvers, besides=wanted(beside)), Notes())

    assert str(caught.value) == f"tensorflow-cpu 2.4.4 on Python 3.8 does not go with {beside}: {error}"
    assert caught.value.hint == hint
    assert list(tmp_path.iterdir()) == []


def test_the_last_answer_is_told_where_the_first_only_points_to_it(request_to: Any) -> None:
    last = ResolutionError("pandas", "the index has no pandas")

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=last), besides=wanted("pandas")), Notes())

    assert str(caught.value).endswith("on Python 3.8 does not go with pandas: the index has no pandas")
    assert caught.value.hint == ""


def test_addresses_are_asked_of_the_next_for_the_versions_that_were_found(request_to: Any, tmp_path: Path) -> None:
    first, second = StandIn(), StandIn("uv", has_addresses=True)

    from_model(request_to(first, second, writer=PYLOCK_TOML, lock_path=tmp_path / "pylock.toml"), Notes())

    assert second.asked == [
        (["tensorflow-cpu==2.4.4", "pip"], ["protobuf<3.21"], ["pip==24.0", "tensorflow-cpu==2.4.4"])
    ]
    assert "https://index.example/pip-24.0-py3-none-any.whl" in (tmp_path / "pylock.toml").read_text()


def test_credentials_are_neither_told_nor_locked(request_to: Any, tmp_path: Path) -> None:
    beside = wanted("pandas @ https://me:secret@index.example/pandas.whl")
    refusal = ResolutionError(f"{beside[0]} on Python 3.8", "not served")
    reporter = Notes()
    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=refusal), besides=beside), reporter)
    assert "secret" not in f"{reporter.notes} {caught.value}"

    from_model(request_to(StandIn(releases={"pip": ["24.0"], "pandas": ["1.2"]}), besides=beside), Notes())

    text = (tmp_path / "requirements.txt").read_text()
    assert "@ https://index.example/pandas.whl" in text
    assert "secret" not in text


# --- what is kept --------------------------------------------------------------------------------------------


def test_a_lock_made_twice_is_the_same_byte_for_byte(request_to: Any, tmp_path: Path) -> None:
    from_model(request_to(StandIn()), Notes())
    before = (tmp_path / "requirements.txt").read_bytes()

    from_model(request_to(StandIn()), Notes())

    assert (tmp_path / "requirements.txt").read_bytes() == before


UPGRADES = [
    pytest.param({}, "23.1", id="nothing is upgraded"),
    pytest.param({"upgrades": True}, "24.0", id="all is"),
    pytest.param({"upgraded": frozenset({"pip"})}, "24.0", id="this one is"),
    pytest.param({"upgraded": frozenset({"six"})}, "23.1", id="another one is"),
]


@pytest.mark.parametrize(("fields", "version"), UPGRADES)
def test_pins_are_kept_unless_they_are_to_be_upgraded(fields: dict[str, Any], version: str, locked: Request) -> None:
    from_model(replace(locked, **fields), Notes())

    assert pins_of(locked.lock_path) == {"pip": version, "tensorflow-cpu": "2.4.4"}


def test_a_pin_that_was_edited_by_hand_is_kept(locked: Request) -> None:
    locked.lock_path.write_text(locked.lock_path.read_text().replace("pip==23.1", "pip==23.2"))

    from_model(locked, Notes())

    assert pins_of(locked.lock_path)["pip"] == "23.2"


def test_a_pin_without_a_solution_is_chosen_anew_and_that_is_said(locked: Request) -> None:
    locked.lock_path.write_text(locked.lock_path.read_text().replace("pip==23.1", "pip==1.0"))
    reporter = Notes()

    from_model(locked, reporter)

    assert pins_of(locked.lock_path)["pip"] == "24.0"
    assert reporter.notes == [f"{locked.lock_path}: not all of its pins can be kept: pip==1.0 is now 24.0"]


def test_pins_beside_another_tensorflow_are_not_kept(locked: Request) -> None:
    reporter = Notes()

    from_model(replace(locked, wishes=Wishes(tensorflow=SpecifierSet("==2.3.*"))), reporter)

    assert pins_of(locked.lock_path) == {"pip": "24.0", "tensorflow-cpu": "2.3.4"}
    assert reporter.notes == [f"{locked.lock_path}: is for another TensorFlow, all versions are chosen anew"]


def test_an_upgrade_of_what_is_not_pinned_is_named(locked: Request) -> None:
    reporter = Notes()

    from_model(replace(locked, upgraded=frozenset({"numpi"})), reporter)

    assert reporter.notes == [f"--upgrade-package numpi: {locked.lock_path} pins no such distribution"]


def test_a_lock_of_another_format_gives_way_and_its_pins_are_kept(locked: Request) -> None:
    from_model(replace(locked, writer=CONSTRAINTS_TXT), Notes())

    text = locked.lock_path.read_text()
    assert CONSTRAINTS_TXT.is_ours(text)
    assert "pip==23.1\n" in text
    with pytest.raises(UsageError) as caught:
        check_lock(locked, Notes())
    assert str(caught.value) == f"{locked.lock_path}: holds constraints.txt, not requirements.txt"
