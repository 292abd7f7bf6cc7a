"""Each piece of evidence that tells something of the saver is a step."""

from __future__ import annotations

import pytest

from envlock.explanation.narrowing import trace_narrowing
from envlock.explanation.wording import describe_narrowing
from envlock.provenance import Provenance
from tests.building import evidence, layer, provenance

STEPS = [
    pytest.param(provenance(), [], id="nothing is known"),
    pytest.param(
        provenance(evidence=evidence(keras_version="2.4.0", backend="tensorflow")),
        ["keras version 2.4.0 (test): tf.keras 2.3 or 2.4"],
        id="what changes nothing is no step",
    ),
    pytest.param(
        provenance(evidence=evidence(keras_version="2.2.4-tf"), objects=(layer("Functional", "name", "layers"),)),
        ["keras version 2.2.4-tf (test): tf.keras 1.13 to 2.2"],
        id="a configuration that no line writes tells nothing",
    ),
    pytest.param(
        provenance(format="saved-model", evidence=evidence(tensorflow_version="2.6.5")),
        ["tensorflow version 2.6.5 (test): TensorFlow 2.6"],
        id="a graph",
    ),
    pytest.param(
        provenance(evidence=evidence(keras_version="\x1b[31m9.9")), [], id="a label that is none of a release"
    ),
]


@pytest.mark.parametrize(("artifact", "sentences"), STEPS)
def test_each_step_names_its_evidence_and_what_it_leaves(artifact: Provenance, sentences: list[str]) -> None:
    told = [describe_narrowing(step) for step in trace_narrowing(artifact)]

    assert [f"{subject}: {left}" for subject, left in told] == sentences
