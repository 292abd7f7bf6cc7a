"""Verdicts that agree are told as one."""

from __future__ import annotations

import pytest

from envlock.explanation.runs import fold_verdicts, in_newest_tensorflow
from envlock.explanation.wording import describe_fully
from envlock.loadability import Verdict
from tests.explanation.explanations import verdict_on

FOLDED = [
    pytest.param(
        [verdict_on("tf.keras 2.4", "loads"), verdict_on("tf.keras 2.5", "loads")],
        ["tf.keras 2.4 or 2.5 loads"],
        id="lines that load",
    ),
    pytest.param(
        [
            verdict_on("tf.keras 2.3", "fails", "{name} has no class A", "B of {name} does not accept c"),
            verdict_on("tf.keras 2.4", "fails", "B of {name} does not accept c", "{name} has no class D"),
            verdict_on("tf.keras 2.5", "fails", "B of {name} does not accept c"),
        ],
        ["tf.keras 2.3 to 2.5 fails: B does not accept c"],
        id="one common reason is enough",
    ),
    pytest.param(
        [
            verdict_on("tf.keras 2.3", "fails", "{name} has no class A"),
            verdict_on("tf.keras 2.4", "fails", "{name} has no class B"),
        ],
        ["tf.keras 2.3 fails: has no class A", "tf.keras 2.4 fails: has no class B"],
        id="none in common",
    ),
    pytest.param(
        [verdict_on("tf.keras 2.4", "needs-code", "needs A"), verdict_on("tf.keras 2.5", "loads")],
        ["tf.keras 2.4 needs code: needs A", "tf.keras 2.5 loads"],
        id="another verdict",
    ),
    pytest.param(
        [verdict_on("keras 2.3", "loads"), verdict_on("keras 3.0", "loads")],
        ["Keras 2.3 loads", "Keras 3.0 loads"],
        id="Keras 2 and Keras 3 are not one",
    ),
    pytest.param(
        [
            verdict_on("tensorflow 1.4", "fails", "TensorFlow 1.4 does not have A"),
            verdict_on("tensorflow 1.5", "fails", "TensorFlow 1.5 does not have A"),
        ],
        ["TensorFlow 1.4 or 1.5 fails: does not have A"],
        id="operations",
    ),
]


@pytest.mark.parametrize(("verdicts", "sentences"), FOLDED)
def test_neighbours_with_a_common_story_are_one_run(verdicts: list[Verdict], sentences: list[str]) -> None:
    assert [describe_fully(run) for run in fold_verdicts(verdicts)] == sentences


def test_a_run_knows_what_only_some_of_its_lines_say() -> None:
    (run,) = fold_verdicts(
        [
            verdict_on("tf.keras 2.3", "fails", "{name} has no class A", "{name} has no class B"),
            verdict_on("tf.keras 2.4", "fails", "{name} has no class A", "{name} has no class C"),
        ]
    )

    assert [reason.message for reason in run.other_reasons] == ["has no class B", "has no class C"]


def test_the_newest_tensorflow_has_its_own_keras_first_and_what_is_switched_on_last() -> None:
    names = ["tf.keras 2.15", "tf-keras 2.20", "tf-keras 2.21", "keras 3.14", "keras 3.15", "tensorflow 2.21"]

    found = in_newest_tensorflow([verdict_on(name, "loads") for name in names])

    assert [verdict.loader.name for verdict in found] == ["keras 3.15", "tensorflow 2.21", "tf-keras 2.21"]
