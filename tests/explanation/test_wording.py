"""How a choice is put into words."""

from __future__ import annotations

from pathlib import Path

from envlock.candidates import Wishes, propose_candidates
from envlock.dating import date_artifact
from envlock.explanation import explain
from envlock.explanation.wording import describe_choice, no_choice
from envlock.loadability import judge
from envlock.target import LINUX_X86_64
from tests.building import evidence, operation, provenance
from tests.explanation.explanations import ASSETS


def test_a_choice_says_what_is_known_of_the_release_and_no_more() -> None:
    facts = evidence(keras_version="2.2.4", layer_names="input_1, lstm_2")
    artifact = provenance(content="weights", path=Path("model.weights.h5"), evidence=facts)
    saver = date_artifact(artifact)
    candidates = propose_candidates(
        artifact, saver, judge(artifact, saver), (), platform=LINUX_X86_64, pythons=("3.7", "3.11"), wishes=Wishes()
    )
    described = {candidate.loader.name: describe_choice(candidate) for candidate in candidates}

    assert [described[name] for name in ("keras 2.2", "tf.keras 1.15", "tf.keras 2.15")] == [
        "Keras 2.2 can have written it",
        "tf.keras 1.15 is expected to load it",
        "tf.keras 2.15 may load it",
    ]


def test_where_a_gpu_is_lacking_that_is_said() -> None:
    artifact = provenance(format="saved-model", operations=(operation("TRTEngineOp"),))
    known = explain(ASSETS / "saved_model" / "1.15", platform=LINUX_X86_64)
    converted = known._replace(verdicts=judge(artifact, date_artifact(artifact)))

    assert [no_choice(known), no_choice(converted)] == [
        "No environment on Linux x86_64 is expected to load it.",
        "No environment on Linux x86_64 without a GPU is expected to load it.",
    ]
