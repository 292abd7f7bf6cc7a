"""Candidates that have no resolution: how many are tried, and how that is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from packaging.requirements import Requirement

from envlock.candidates import Wishes
from envlock.errors import NoCandidateError
from envlock.pipeline.attempts import MAXIMUM_ENVIRONMENTS, MAXIMUM_REFUSALS
from envlock.pipeline.from_model import from_model
from envlock.resolution import ConflictError, Resolution, UnservedTargetError
from tests.stand_ins import Notes, StandIn, wanted


class Conflicting(StandIn):
    """Resolves beside one TensorFlow alone."""

    def __init__(self, name: str, serving: str, *, is_certain: bool = True, says: str = "no six beside {}") -> None:
        super().__init__(name)
        self.serving, self.is_certain, self.says = serving, is_certain, says

    def resolve(self, requirements: Sequence[Requirement], **question: Any) -> Resolution:
        resolution = super().resolve([requirements[0]], **question)
        if str(requirements[0]) != self.serving:
            explanation, names = self.says.format(requirements[0]), frozenset({"six"})
            raise ConflictError(
                "",
                explanation,
                hint="drop six" if self.is_certain else "take --engine uv",
                names=names,
                parents=frozenset(),
                is_certain=self.is_certain,
            )
        return resolution


def test_a_late_candidate_is_reached_however_many_have_no_resolution(request_to: Any) -> None:
    first, second = Conflicting("offline", "tensorflow-cpu==2.10.1"), StandIn("uv")
    reporter = Notes()

    outcome = from_model(request_to(first, second, wishes=Wishes(), besides=wanted("six>=2")), reporter)

    assert outcome.candidate.name == "tensorflow-cpu 2.10.1 on Python 3.10"
    assert len(outcome.attempts) == len(first.asked) - 1 > MAXIMUM_ENVIRONMENTS + MAXIMUM_REFUSALS
    assert second.asked == []
    assert reporter.notes == []


def test_candidates_that_fail_for_one_wish_are_told_in_one_sentence(request_to: Any) -> None:
    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(Conflicting("offline", ""), wishes=Wishes(), besides=wanted("six>=2")), Notes())

    others = len(caught.value.attempts) - 1
    assert str(caught.value) == (
        f"tensorflow-cpu 2.4.4 on Python 3.8 and {others} more do not go with six>=2: no six beside tensorflow-cpu==2.4.4"
    )
    assert caught.value.hint == "drop six"


@pytest.mark.parametrize(
    ("says", "times"), [("no six beside {}", MAXIMUM_REFUSALS), ("no six", 2)], ids=["differing", "alike"]
)
def test_the_index_is_not_asked_for_ever(says: str, times: int, request_to: Any) -> None:
    first = Conflicting("offline", "", is_certain=False)
    second = Conflicting("uv", "", is_certain=False, says=says)

    with pytest.raises(NoCandidateError):
        from_model(request_to(first, second, wishes=Wishes(), besides=wanted("six>=2")), Notes())

    assert len(second.asked) == times


def test_where_the_index_alone_may_be_asked_candidates_end_with_its_answers(request_to: Any) -> None:
    alone = Conflicting("uv", "", is_certain=False)

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(alone, wishes=Wishes(), besides=wanted("six>=2")), Notes())

    assert len(caught.value.attempts) == MAXIMUM_REFUSALS


def test_an_engine_that_does_not_know_the_target_has_not_the_last_word_alone(request_to: Any) -> None:
    unable = UnservedTargetError("", "uv does not resolve for Python 3.8", hint="take another --python-version")

    with pytest.raises(NoCandidateError) as caught:
        from_model(request_to(StandIn(), StandIn("uv", error=unable), besides=wanted("pandas")), Notes())

    assert str(caught.value).endswith(": offline has no pandas, and uv does not resolve for Python 3.8")
    assert caught.value.hint == "take another --python-version"
