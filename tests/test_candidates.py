"""The order of candidates and what each asks for."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.candidates import EnvironmentCandidate, Wishes, explain_no_candidate, propose_candidates
from envlock.dating import date_artifact
from envlock.loadability import find_custom_objects, judge
from envlock.provenance import Code, Provenance
from envlock.target import LINUX_AARCH64, LINUX_X86_64, WINDOWS_X86_64, Platform
from tests.building import evidence, layer, operation, provenance

ALL_PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
DENSE = layer("Dense", "name", "trainable", "units", "activation")


def propose(
    artifact: Provenance,
    pythons: tuple[str, ...] = ALL_PYTHONS,
    platform: Platform = LINUX_X86_64,
    **wishes: Any,
) -> list[EnvironmentCandidate]:
    saver = date_artifact(artifact)
    return list(
        propose_candidates(
            artifact,
            saver,
            judge(artifact, saver),
            find_custom_objects(artifact, saver),
            platform=platform,
            pythons=pythons,
            wishes=Wishes(**wishes),
        )
    )


def keras_file(version: str, **fields: Any) -> Provenance:
    return provenance(evidence=evidence(keras_version=version), objects=fields.pop("objects", (DENSE,)), **fields)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("2.1.6-tf", "tensorflow 1.12.3 on Python 3.6"),
        ("2.4.0", "tensorflow-cpu 2.4.4 on Python 3.8"),
        ("2.6.0", "tensorflow-cpu 2.6.5 on Python 3.9"),
        ("2.15.0", "tensorflow-cpu 2.15.1 on Python 3.11"),
        ("2.18.0", "tensorflow 2.18.1 + tf-keras 2.18.0 on Python 3.12"),
        ("3.6.0", "tensorflow-cpu 2.19.1 + keras 3.6.0 on Python 3.12"),
        ("3.15.1", "tensorflow-cpu 2.21.0 + keras 3.15.1 on Python 3.13"),
    ],
)
def test_the_saver_itself_comes_first(version: str, name: str) -> None:
    assert propose(keras_file(version))[0].name == name


def test_a_release_without_a_wheel_is_the_saver_too() -> None:
    best = propose(keras_file("1.2.2", objects=(layer("Dense", "name", "output_dim", "activation"),)))[0]

    assert best.name == "tensorflow 1.15.5 + keras 1.2.2 + setuptools <82 on Python 3.7"


def test_standalone_keras_gets_standalone_keras() -> None:
    best = propose(keras_file("2.2.4"))[0]

    assert [item.name for item in best.requirements] == [best.tensorflow.distribution, "keras"]
    assert best.loader.name == "keras 2.2"


def test_a_python_that_is_not_here_is_marked() -> None:
    first, *others = propose(keras_file("2.4.0"), pythons=("3.12",))

    assert (first.name, first.is_at_hand) == ("tensorflow-cpu 2.4.4 on Python 3.8", False)
    assert next(item for item in others if item.is_at_hand).name.endswith("on Python 3.12")


def test_the_nearest_loader_for_the_pythons_at_hand_follows() -> None:
    at_hand = [item for item in propose(keras_file("2.4.0"), pythons=("3.12",)) if item.is_at_hand]

    assert at_hand[0].name == "tensorflow 2.16.2 + tf-keras 2.16.0 on Python 3.12"


def test_preferring_the_saver_leaves_nothing_else() -> None:
    assert {item.loader.name for item in propose(keras_file("2.4.0"), prefer="saver")} == {
        "tf.keras 2.3",
        "tf.keras 2.4",
    }


def test_a_line_that_had_to_be_switched_is_no_saver_while_others_are_as_installed() -> None:
    savers = {item.loader.name for item in propose(keras_file("2.2.4-tf"), prefer="saver")}

    assert savers == {"tf.keras 1.13", "tf.keras 1.14", "tf.keras 1.15", "tf.keras 2.0"}


def test_preferring_the_newest_gives_the_newest_that_loads() -> None:
    assert propose(keras_file("2.4.0"), prefer="newest")[0].tensorflow.line == "2.21"


def test_a_release_that_was_asked_for_is_the_only_one() -> None:
    proposed = propose(keras_file("2.4.0"), tensorflow=SpecifierSet("==2.3.0"))

    assert {item.tensorflow.version for item in proposed} == {Version("2.3.0")}


def test_the_newest_line_is_preferred_to_an_older_one_with_a_patch_of_the_same_day() -> None:
    newest = propose(keras_file("3.6.0"), prefer="newest")[0]

    assert [str(requirement) for requirement in newest.requirements] == ["tensorflow-cpu==2.21.0", "keras==3.15.1"]


def test_yaml_comes_with_what_reads_it() -> None:
    first = propose(keras_file("2.2.4-tf", format="keras-yaml"))[0]

    assert [str(item) for item in first.requirements] == ["tensorflow==1.15.5", "pyyaml<6"]


def test_a_line_that_was_asked_for_gives_its_newest_release() -> None:
    proposed = propose(keras_file("2.4.0"), tensorflow=SpecifierSet("==2.3.*"))

    assert {item.tensorflow.version for item in proposed} == {Version("2.3.4")}


@pytest.mark.parametrize(
    ("wishes", "message", "hint"),
    [
        pytest.param(
            {"tensorflow": SpecifierSet("==2.99.0")},
            "the database holds no release of TensorFlow 2.99.0",
            "name another with --tensorflow: it holds 0.12 to 2.21",
            id="no such release",
        ),
        pytest.param(
            {"tensorflow": SpecifierSet("==2.3.0"), "python": "3.12"},
            "TensorFlow 2.3.0 has no wheel for Python 3.12 on linux_x86_64",
            "it has wheels for Python 3.5, 3.6, 3.7, 3.8: choose another --python-version or --tensorflow",
            id="no such wheel",
        ),
        pytest.param(
            {"python": "3.14"},
            "TensorFlow has no wheel for Python 3.14 on linux_x86_64",
            None,
            id="a Python of the future",
        ),
        pytest.param(
            {"python": "3.5", "device": "tpu"},
            "TensorFlow 1.4 to 2.21 would load the model, and has no build for Python 3.5 on Linux x86_64",
            "leave --python-version or --device out",
            id="a device that came after a Python",
        ),
        pytest.param(
            {"device": "metal"},
            "TensorFlow has no build for --device metal on Linux x86_64",
            "leave --device out, or name another platform",
            id="a device of another platform",
        ),
        pytest.param(
            {"device": "tpu", "tensorflow": SpecifierSet("==2.4.*")},
            "TensorFlow 2.4 has no build for --device tpu on Linux x86_64",
            None,
            id="a device that came later",
        ),
    ],
)
def test_why_there_is_nothing_to_propose_is_said(wishes: dict[str, Any], message: str, hint: str | None) -> None:
    artifact = keras_file("2.4.0")

    error = explain_no_candidate(
        judge(artifact, date_artifact(artifact)), platform=LINUX_X86_64, wishes=Wishes(**wishes)
    )

    assert propose(artifact, **wishes) == []
    assert str(error) == message
    assert hint is None or error.hint == hint


CONVERTED = provenance(
    format="saved-model",
    evidence=evidence(tensorflow_version="2.10.1"),
    operations=(operation("TRTEngineOp"),),
)


def test_a_graph_for_tensorrt_gets_a_build_for_gpus() -> None:
    best = propose(CONVERTED, device="cuda")[0]

    assert best.name == "tensorflow 2.10.1 on Python 3.10"
    assert best.needs[-1] == "TensorRT 7.2"


@pytest.mark.parametrize(
    ("device", "platform", "message"),
    [
        ("cpu", LINUX_X86_64, "no build for --device cpu on Linux x86_64"),
        ("cuda", WINDOWS_X86_64, "no build for --device cuda on Windows x86_64"),
    ],
)
def test_a_graph_for_tensorrt_gets_no_other_build(device: Any, platform: Platform, message: str) -> None:
    verdicts = judge(CONVERTED, date_artifact(CONVERTED))

    error = explain_no_candidate(verdicts, platform=platform, wishes=Wishes(device=device))

    assert propose(CONVERTED, platform=platform, device=device) == []
    assert str(error) == (
        f"{message} loads this artifact: it holds TRTEngineOp of TensorRT, "
        "which only builds for NVIDIA GPUs on Linux have"
    )
    assert error.hint == (
        "lock for a machine with such a GPU: --lock-only --device cuda --python-platform linux_x86_64"
    )


@pytest.mark.parametrize(
    ("version", "python", "platform", "name"),
    [
        ("2.2.4-tf", "2.7", LINUX_X86_64, "tensorflow-cpu 1.15.0 on Python 2.7"),
        ("2.2.4-tf", "3.5", LINUX_X86_64, "tensorflow 1.15.4 on Python 3.5"),
        ("2.3.0-tf", "3.5", LINUX_X86_64, "tensorflow-cpu 2.2.1 on Python 3.5"),
        ("2.11.0", "3.7", LINUX_X86_64, "tensorflow-cpu 2.11.0 on Python 3.7"),
        ("2.11.0", "3.10", LINUX_AARCH64, "tensorflow 2.11.0 on Python 3.10"),
        ("2.11.0", "3.10", LINUX_X86_64, "tensorflow-cpu 2.11.1 on Python 3.10"),
    ],
)
def test_the_last_release_of_a_line_is_taken_that_can_be_had_there(
    version: str, python: str, platform: Platform, name: str
) -> None:
    assert name in [candidate.name for candidate in propose(keras_file(version), platform=platform, python=python)]


def test_a_python_that_was_asked_for_is_the_only_one() -> None:
    assert {item.target.python for item in propose(keras_file("2.4.0"), python="3.7")} == {"3.7"}


def test_marshalled_bytecode_decides_the_python() -> None:
    code = (Code(kind="lambda-bytecode", name="Lambda", location="test", reader_lines=("3.6", "3.7")),)

    assert {item.target.python for item in propose(keras_file("2.4.0", code=code))} == {"3.6", "3.7"}


def test_an_add_on_comes_in_the_release_built_for_the_tensorflow() -> None:
    gelu = layer("Addons>GELU", "name", "trainable", registered_name="Addons>GELU")

    best = propose(keras_file("2.9.0", objects=(DENSE, gelu)))[0]

    assert best.name == "tensorflow-cpu 2.9.3 + tensorflow-addons 0.17.1 on Python 3.10"
    assert best.modules == ("tensorflow_addons",)


def test_a_plain_saved_model_needs_no_keras_of_its_own() -> None:
    artifact = provenance(
        format="saved-model", evidence=evidence(tensorflow_version="1.15.0"), traits=frozenset({"graph-only"})
    )

    best = propose(artifact)[0]

    assert (best.name, best.probes) == ("tensorflow 1.15.5 on Python 3.7", ("tensorflow",))


def test_a_keras_saved_model_is_tried_as_a_keras_model_first() -> None:
    artifact = provenance(
        format="saved-model", evidence=evidence(tensorflow_version="2.6.0"), traits=frozenset({"keras-model"})
    )

    best = propose(artifact)[0]

    assert (best.name, best.probes) == ("tensorflow-cpu 2.6.5 on Python 3.9", ("tf.keras", "tensorflow"))


def test_what_metadata_forgets_is_asked_for() -> None:
    best = propose(keras_file("2.0.8-tf"))[0]

    assert best.name == "tensorflow 1.4.1 + h5py <3 on Python 3.6"
