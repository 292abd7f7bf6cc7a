"""What a person is told in the situations that bring people here: cause, evidence, and commands to paste.

Environments are names alone, artifacts are real or parts of real ones; nothing is loaded.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.dating import date_artifact
from envlock.diagnosis.causes import Cause
from envlock.diagnosis.diagnose import Diagnosis, Question, diagnose
from envlock.diagnosis.traceback_text import parse_traceback
from envlock.errors import MissingArtifactError, UsageError
from envlock.inspection import Inspection
from envlock.inspection.findings import find_findings
from envlock.loadability import find_custom_objects
from envlock.provenance import Provenance
from envlock.reporter import SilentReporter
from tests.building import layer, operation, provenance
from tests.diagnosis.environments import make_environment, packages_of

ASSETS = Path(__file__).parents[1] / "assets"

TF_1_15 = {
    "python": "3.7.16",
    "tensorflow": "1.15.5",
    "numpy": "1.18.5",
    "h5py": "2.10.0",
    "protobuf": "3.20.3",
    "pip": "24.0",
}
TF_2_4 = {"python": "3.8.18", "tensorflow_cpu": "2.4.4", "numpy": "1.19.5", "h5py": "2.10.0", "pip": "24.0"}
TF_2_10 = {
    "python": "3.10.13",
    "tensorflow": "2.10.1",
    "keras": "2.10.0",
    "numpy": "1.26.4",
    "h5py": "3.9.0",
    "pip": "24.0",
}
TF_2_18 = {
    "python": "3.11.7",
    "tensorflow": "2.18.1",
    "keras": "3.6.0",
    "numpy": "2.0.2",
    "h5py": "3.12.1",
    "pip": "24.0",
}
# The same without pip, as uv makes environments.
TF_2_18_OF_UV = {name: version for name, version in TF_2_18.items() if name != "pip"}

Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def diagnosed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Diagnoses what is named: an asset, what an environment holds, the text of an error."""

    def diagnose_what_is_named(
        artifact: str | Path | None = None,
        environment: dict[str, str] | None = None,
        error: str | None = None,
        read: Provenance | None = None,
        is_for_tpu: bool = False,
    ) -> Diagnosis:
        place = None if environment is None else make_environment(tmp_path / "environment", **environment)
        question = Question(
            path=Path("model") if read is not None else None if artifact is None else ASSETS / artifact,
            python=place,
            traceback=None if error is None else parse_traceback(error),
            is_for_tpu=is_for_tpu,
        )
        if read is not None:
            monkeypatch.setattr("envlock.diagnosis.diagnose.inspect", lambda *_, **__: inspected(read))
        return diagnose(question, SilentReporter())

    return diagnose_what_is_named


def inspected(read: Provenance) -> Inspection:
    """What an inspection makes of what was *read*."""
    saver = date_artifact(read)
    custom = find_custom_objects(read, saver)
    findings = find_findings(read, saver, custom)
    return Inspection(provenance=read, saver=saver, custom=custom, findings=findings)


def told(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(cause.reference, cause.likelihood) for cause in diagnosis.causes]


def commands(cause: Cause, diagnosis: Diagnosis) -> list[str]:
    """The commands of a cause, with short words for the places of this test."""
    environment = diagnosis.observed.environment
    python = str(environment.executable) if environment is not None else "PYTHON"
    lines = [line for remedy in cause.remedies for line in remedy.commands]
    return [line.replace(python, "PYTHON").replace(f"{ASSETS}/", "") for line in lines]


# --- one observation alone -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "artifact", ["keras/tf-2.3-functional.h5", "keras/tf-2.21-functional.keras", "saved_model/1.15"]
)
def test_of_a_sound_model_nothing_is_told_before_its_environment_is_known(artifact: str, diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(artifact)

    assert (told(diagnosis), diagnosis.loads, diagnosis.is_sound) == ([], None, True)


def test_what_does_not_go_together_in_an_environment_is_told_without_a_model(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(environment={**TF_2_10, "numpy": "2.0.2"})
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("numpy-2", "predicted")]
    assert cause.evidence == (
        "tensorflow 2.10.1 is installed",
        "numpy 2.0.2 is installed",
        "h5py 3.9.0 is installed",
    )
    assert commands(cause, diagnosis) == ["PYTHON -m pip install 'numpy<2'"]


def test_what_the_metadata_of_tensorflow_forbids_is_told_where_nothing_else_is_known_of_it(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(environment={**TF_2_4, "gast": "0.6.0", "wrapt": "1.16.0"})
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("broken-requirements", "predicted")]
    assert cause.evidence == (
        "tensorflow-cpu 2.4.4 requires gast==0.3.3, and gast 0.6.0 is installed",
        "tensorflow-cpu 2.4.4 requires wrapt~=1.12.1, and wrapt 1.16.0 is installed",
    )
    assert commands(cause, diagnosis) == ["PYTHON -m pip install gast==0.3.3 'wrapt~=1.12.1'"]


@pytest.mark.parametrize(("other", "expected"), [("2.3.0", [("several-tensorflows", "predicted")]), ("2.4.4", [])])
def test_two_members_of_the_family_must_be_of_one_version(
    other: str, expected: list[tuple[str, str]], diagnosed: Diagnose
) -> None:
    diagnosis = diagnosed(environment={**TF_2_4, "tensorflow_gpu": other})

    assert told(diagnosis) == expected


def test_an_environment_without_tensorflow_cannot_load_anything(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("keras/tf-2.3-functional.h5", {"numpy": "1.19.5"})

    assert told(diagnosis) == [("no-tensorflow", "confirmed")]
    assert commands(diagnosis.causes[0], diagnosis) == ["envlock from-model keras/tf-2.3-functional.h5"]


NO_TENSORFLOW = "ModuleNotFoundError: No module named 'tensorflow'"
NO_TENSORFLOW_IN_KERAS = f"""\
Traceback (most recent call last):
  File "/env/lib/python3.11/site-packages/keras/src/backend/__init__.py", line 37, in <module>
    import tensorflow
{NO_TENSORFLOW}
"""
WHICH_PYTHON = "import sys; print(sys.executable)"


@pytest.mark.parametrize(
    ("environment", "error", "expected"),
    [
        pytest.param(
            None,
            NO_TENSORFLOW,
            [("no-tensorflow", "recognised", ["envlock from-model PATH", WHICH_PYTHON])],
            id="nothing is known of the environment",
        ),
        pytest.param(
            {"numpy": "1.26.4"},
            NO_TENSORFLOW,
            [("no-tensorflow", "confirmed", ["envlock from-model PATH", WHICH_PYTHON])],
            id="it is not installed",
        ),
        pytest.param(
            TF_2_18,
            NO_TENSORFLOW,
            [("tensorflow-in-another-python", "confirmed", [WHICH_PYTHON])],
            id="it is installed",
        ),
        pytest.param(
            None,
            NO_TENSORFLOW_IN_KERAS,
            [
                (
                    "keras-without-backend",
                    "recognised",
                    [
                        "python -m pip install tensorflow-cpu",
                        "export KERAS_BACKEND=jax",
                        "export KERAS_BACKEND=torch",
                    ],
                )
            ],
            id="Keras asks for it, and nothing is known of the environment",
        ),
        pytest.param(
            {"keras": "3.6.0", "torch": "2.5.0"},
            NO_TENSORFLOW_IN_KERAS,
            [
                (
                    "keras-without-backend",
                    "confirmed",
                    ["uv pip install --python PYTHON tensorflow-cpu", "export KERAS_BACKEND=torch"],
                ),
                ("no-tensorflow", "confirmed", ["envlock from-model PATH"]),
            ],
            id="Keras asks for it, and could do with another backend",
        ),
        pytest.param(
            TF_2_18,
            NO_TENSORFLOW_IN_KERAS,
            [("tensorflow-in-another-python", "confirmed", [WHICH_PYTHON])],
            id="Keras asks for it where it is installed",
        ),
    ],
)
def test_a_missing_tensorflow_is_looked_for_in_the_environment(
    environment: dict[str, str] | None, error: str, expected: list[tuple[str, str, list[str]]], diagnosed: Diagnose
) -> None:
    diagnosis = diagnosed(environment=environment, error=error)

    found = [(cause.reference, cause.likelihood, commands(cause, diagnosis)) for cause in diagnosis.causes]

    assert found == expected


def test_a_tensorflow_whose_package_was_removed_with_another_is_to_be_installed_again(tmp_path: Path) -> None:
    place = make_environment(tmp_path / "environment", **TF_2_4)
    (packages_of(place) / "tensorflow").rmdir()

    diagnosis = diagnose(Question(python=place, traceback=parse_traceback(NO_TENSORFLOW)), SilentReporter())
    (cause,) = diagnosis.causes

    assert (cause.reference, cause.likelihood) == ("no-tensorflow", "confirmed")
    assert cause.evidence[-2:] == (
        "tensorflow-cpu 2.4.4 is on record as installed, and its package is gone",
        "3 other distributions are there",
    )
    assert commands(cause, diagnosis) == [
        "PYTHON -m pip install --force-reinstall --no-deps tensorflow-cpu==2.4.4",
        "envlock from-model PATH",
        WHICH_PYTHON,
    ]


def test_an_error_alone_is_recognised_and_mended_in_whatever_python_is_at_hand(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(error="AttributeError: 'str' object has no attribute 'decode'")

    assert told(diagnosis) == [("h5py-returns-str", "recognised")]
    assert commands(diagnosis.causes[0], diagnosis) == ["python -m pip install 'h5py<3'"]


def test_of_an_error_that_nobody_knows_it_is_told_how_to_go_on(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("keras/tf-2.3-functional.h5", TF_2_4, "ZeroDivisionError: division by zero")

    assert told(diagnosis) == [("unknown-error", "predicted")]
    assert diagnosis.causes[0].evidence == ("the error is: ZeroDivisionError: division by zero",)
    assert commands(diagnosis.causes[0], diagnosis) == [
        "envlock diagnose keras/tf-2.3-functional.h5 --python PYTHON --run",
        "envlock from-model keras/tf-2.3-functional.h5",
    ]


# --- a model on TensorFlow 1.15, for a TPU -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifact", "reference"),
    [
        ("keras/tf-2.6-sequential.h5", "unknown-key"),
        ("keras/tf-2.21-functional.keras", "archive-layout"),
        ("saved_model/2.16", "unknown-operation"),
    ],
)
def test_what_a_newer_tensorflow_saved_gets_an_environment_of_its_own(
    artifact: str, reference: str, diagnosed: Diagnose
) -> None:
    diagnosis = diagnosed(artifact, TF_1_15)

    assert told(diagnosis)[0] == (reference, "predicted")
    assert commands(diagnosis.causes[0], diagnosis) == [f"envlock from-model {artifact}"]
    assert "tensorflow 1.15.5 is installed" in diagnosis.causes[0].evidence


def test_a_graph_for_tpus_is_named_with_what_runs_it(diagnosed: Diagnose) -> None:
    graph = provenance(
        format="saved-model",
        operations=(operation("MatMul"), operation("TPUPartitionedCall"), operation("TPUReplicateMetadata")),
        tags=(frozenset({"serve"}), frozenset({"serve", "tpu"})),
    )

    diagnosis = diagnosed(environment=TF_2_10, read=graph)
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("tpu-graph", "predicted")]
    assert cause.explanation == "It holds TPUPartitionedCall, TPUReplicateMetadata, which a TPU runs and nothing else."
    assert [remedy.kind for remedy in cause.remedies] == ["load-argument", "environment", "system"]
    assert commands(cause, diagnosis) == ["load_model(path, tags=['serve'])", "envlock from-model model --device tpu"]
    assert cause.remedies[-1].message == (
        "on a Cloud TPU, take the TPU software of TensorFlow 2.10.1: tpu-vm-tf-2.10.1"
    )


def test_a_graph_for_tensorrt_is_named_with_what_has_it(diagnosed: Diagnose) -> None:
    graph = provenance(format="saved-model", operations=(operation("MatMul"), operation("TRTEngineOp")))

    diagnosis = diagnosed(environment=TF_2_10, read=graph)
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("gpu-operation", "predicted")]
    assert cause.explanation == "It holds TRTEngineOp, which only builds for NVIDIA GPUs on Linux have."
    assert commands(cause, diagnosis) == ["envlock from-model model --device cuda"]


@pytest.mark.parametrize("name", ["InfeedDequeueTuple", "OutfeedEnqueueTuple", "CrossReplicaSum", "TPUReplicatedInput"])
def test_every_mark_of_a_tpu_is_known(name: str, diagnosed: Diagnose) -> None:
    graph = provenance(format="saved-model", operations=(operation("MatMul"), operation(name)))

    (cause,) = diagnosed(environment=TF_2_10, read=graph, is_for_tpu=True).causes

    assert (cause.reference, cause.names) == ("tpu-graph", {name})


def test_operations_that_tpus_do_not_run_are_named_where_the_model_is_to_run_on_one(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("saved_model/1.15", TF_2_10, is_for_tpu=True)
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("operations-beyond-tpus", "predicted")]
    assert cause.explanation == (
        "A TPU runs only what XLA compiles, and that compiles no HashTableV2, InitializeTableFromTextFileV2, PyFunc."
    )


@pytest.mark.parametrize("artifact", ["saved_model/2.3", "saved_model/2.16", "graphs/1.15/frozen.pb"])
def test_what_saves_and_restores_is_left_to_the_host_of_a_tpu(artifact: str, diagnosed: Diagnose) -> None:
    assert told(diagnosed(artifact, is_for_tpu=True)) == []


# --- from TensorFlow 1.15 to 2.4 -----------------------------------------------------------------------------


@pytest.mark.parametrize("artifact", ["checkpoints/1.15", "saved_model/1.15", "graphs/1.15/frozen.pb"])
def test_what_tensorflow_1_saved_is_expected_to_load(artifact: str, diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(artifact, TF_2_4)

    assert (told(diagnosis), diagnosis.is_sound) == ([], True)


# --- a Keras model -------------------------------------------------------------------------------------------

CUSTOM_LAYER = [
    "tf.keras.models.load_model(path, custom_objects={...})",
    "envlock from-model custom_layer/model.h5 --code DIR",
]


def test_a_layer_of_ones_own_is_expected_to_be_missing(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("custom_layer/model.h5", TF_2_10)
    (cause,) = diagnosis.causes

    assert told(diagnosis) == [("custom-object", "predicted")]
    assert cause.explanation == "The artifact needs Scale, which neither Keras nor a known add-on brings."
    assert commands(cause, diagnosis) == CUSTOM_LAYER


def test_names_that_stored_functions_look_up_are_made_known_to_all_code(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("lambda_layer/looked_up.h5", TF_2_10)
    cause = next(item for item in diagnosis.causes if item.reference == "undefined-name")

    assert cause.explanation == "Of functions the artifact holds the code alone, which looks up FACTOR, double."
    assert commands(cause, diagnosis) == [
        "import builtins; builtins.NAME = OBJECT",
        "envlock from-model lambda_layer/looked_up.h5 --code DIR",
    ]


def test_a_name_that_an_error_tells_and_a_stored_function_looks_up_is_one_cause(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("lambda_layer/looked_up.h5", TF_2_10, "NameError: name 'FACTOR' is not defined")

    assert ("lambda-globals", "confirmed") in told(diagnosis)
    assert "undefined-name" not in dict(told(diagnosis))


def test_an_operation_of_ones_own_needs_its_library(diagnosed: Diagnose) -> None:
    graph = provenance(format="saved-model", operations=(operation("MatMul"), operation("MyFold")))

    diagnosis = diagnosed(
        environment=TF_2_10, read=graph, error="Op type not registered 'MyFold' in binary running on me"
    )

    assert told(diagnosis)[0][1] == "confirmed"
    assert (
        "The artifact needs MyFold, which no TensorFlow and no known add-on registers." in diagnosis.causes[0].evidence
    )
    assert commands(diagnosis.causes[0], diagnosis)[0] == "tf.load_op_library('LIBRARY.so')"


def test_it_is_confirmed_by_an_error_that_names_it(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("custom_layer/model.h5", TF_2_10, "ValueError: Unknown layer: Scale. Please ensure this")
    (cause,) = diagnosis.causes

    assert cause.likelihood == "confirmed"
    assert commands(cause, diagnosis)[:2] == CUSTOM_LAYER


def test_an_error_that_names_another_layer_does_not_confirm_it(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("custom_layer/model.h5", TF_2_10, "ValueError: Unknown layer: Shift")

    assert [likelihood for _, likelihood in told(diagnosis)] == ["recognised", "predicted"]


def test_a_model_of_keras_2_gets_its_keras_for_the_tensorflow_that_is_there(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("keras/tf-2.3-functional.h5", TF_2_18)
    (cause,) = diagnosis.causes

    assert (cause.title, cause.likelihood) == ("an artifact that is not for keras 3.6", "predicted")
    assert commands(cause, diagnosis) == [
        "PYTHON -m pip install tf-keras==2.18.0",
        "export TF_USE_LEGACY_KERAS=1",
        "envlock from-model keras/tf-2.3-functional.h5",
    ]
    assert cause.remedies[0].variables == {"TF_USE_LEGACY_KERAS": "1"}


def test_where_there_is_no_pip_uv_installs(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("keras/tf-2.3-functional.h5", TF_2_18_OF_UV)

    assert commands(diagnosis.causes[0], diagnosis)[0] == "uv pip install --python PYTHON tf-keras==2.18.0"


def test_the_error_of_another_keras_and_the_prediction_are_one_cause(diagnosed: Diagnose) -> None:
    error = "ValueError: Unrecognized keyword arguments passed to LSTM: {'time_major': False}"

    diagnosis = diagnosed("keras/tf-2.3-functional.h5", TF_2_18, error)

    assert told(diagnosis) == [("recurrent-time-major", "confirmed")]
    assert commands(diagnosis.causes[0], diagnosis)[0] == "PYTHON -m pip install tf-keras==2.18.0"


def test_what_breaks_everything_there_does_not_hide_that_nothing_there_reads_the_model(diagnosed: Diagnose) -> None:
    error = "AttributeError: 'str' object has no attribute 'decode'"

    diagnosis = diagnosed("keras/tf-2.6-sequential.h5", {**TF_1_15, "h5py": "3.1.0"}, error)

    assert told(diagnosis) == [("h5py-returns-str", "confirmed"), ("unknown-key", "predicted")]
    assert commands(diagnosis.causes[0], diagnosis) == [
        "envlock from-model keras/tf-2.6-sequential.h5",
        "PYTHON -m pip install 'h5py<3'",
    ]


def with_random_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000:1100] = bytes(random.Random(1).choices(range(256), k=100))  # noqa: S311
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reference", "command"),
    [
        (with_random_bytes, "damaged-file", []),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "truncated-file", []),
        (lambda path: path.write_bytes(b""), "not-a-model", []),
        (lambda path: path.write_text("<!DOCTYPE html><html>"), "not-a-model", []),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
            "not-a-model",
            ["git lfs pull"],
        ),
    ],
    ids=["100 random bytes", "cut off", "empty", "web page", "Git LFS"],
)
def test_damage_is_told_first(
    damage: Callable[[Path], object], reference: str, command: list[str], diagnosed: Diagnose, tmp_path: Path
) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes((ASSETS / "keras/tf-2.3-functional.h5").read_bytes())
    damage(path)

    diagnosis = diagnosed(path, TF_2_4, "OSError: Unable to open file (file signature not found)")

    assert told(diagnosis)[0] == (reference, "confirmed")
    assert commands(diagnosis.causes[0], diagnosis) == command
    assert not diagnosis.is_sound


def test_a_file_that_is_not_there_is_no_cause(diagnosed: Diagnose) -> None:
    with pytest.raises(MissingArtifactError):
        diagnosed("keras/gone.h5")


def test_an_hdf5_file_is_not_blamed_where_nothing_reads_hdf5(diagnosed: Diagnose) -> None:
    environment = {name: version for name, version in TF_1_15.items() if name != "h5py"}

    diagnosis = diagnosed("keras/tf-1.15-sequential.h5", environment)

    assert told(diagnosis) == [("h5py-missing", "predicted")]
    assert diagnosis.causes[0].evidence == ("h5py is not installed",)
    assert commands(diagnosis.causes[0], diagnosis) == ["PYTHON -m pip install 'h5py<3'"]


def test_a_python_function_of_another_process_is_recognised(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(error="InvalidArgumentError:  ValueError: callback pyfunc_0 is not found")

    assert told(diagnosis) == [("python-function-gone", "recognised")]


def test_an_argument_is_passed_once(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("custom_layer/model.h5", TF_2_10, "ValueError: Unknown layer: Scale")

    assert commands(diagnosis.causes[0], diagnosis) == CUSTOM_LAYER


# --- weights and checkpoints ---------------------------------------------------------------------------------


def test_weights_alone_are_no_model(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed("keras/tf-2.3-weights.h5", TF_2_4, "ValueError: No model found in config file.")

    assert told(diagnosis) == [("weights-only", "confirmed")]
    assert commands(diagnosis.causes[0], diagnosis)[:2] == [
        "model.load_weights(path)",
        "envlock from-model keras/tf-2.3-weights.h5",
    ]


def test_the_weights_of_a_published_network_are_recognised(diagnosed: Diagnose) -> None:
    observed = diagnosed("networks/vgg_16.ckpt.index", TF_2_4).observed

    assert observed.network is not None
    assert observed.mapping is not None
    assert (observed.network.network.name, observed.network.variable_count) == ("vgg_16", 32)
    assert observed.mapping.expression == "tf.keras.applications.VGG16(weights=None, classes=1000)"


def test_a_checkpoint_without_its_data_is_told(diagnosed: Diagnose, tmp_path: Path) -> None:
    for path in (ASSETS / "checkpoints/2.3").iterdir():
        if ".data-" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())

    diagnosis = diagnosed(next(tmp_path.glob("*.index")), TF_2_4)

    assert told(diagnosis)[0][1] == "confirmed"
    assert diagnosis.causes[0].explanation == "The checkpoint lacks model.ckpt-1.data-00000-of-00001."


# --- Addons --------------------------------------------------------------------------------------------------

ADDONS = provenance(objects=(layer("WeightNormalization", "name", registered_name="Addons>WeightNormalization"),))


@pytest.mark.parametrize(
    ("installed", "reference", "expected"),
    [
        ({}, "missing-distribution", ["PYTHON -m pip install tensorflow-addons==0.18.0", "import tensorflow_addons"]),
        (
            {"tensorflow_addons": "0.11.2"},
            "unpaired-distribution",
            ["PYTHON -m pip install tensorflow-addons==0.18.0", "import tensorflow_addons"],
        ),
        ({"tensorflow_addons": "0.18.0"}, "unimported-distribution", ["import tensorflow_addons"]),
    ],
)
def test_addons_are_installed_in_the_release_for_the_tensorflow_that_is_there_and_imported(
    installed: dict[str, str], reference: str, expected: list[str], diagnosed: Diagnose
) -> None:
    diagnosis = diagnosed(environment={**TF_2_10, **installed}, read=ADDONS)

    assert told(diagnosis)[0] == (reference, "predicted")
    assert commands(diagnosis.causes[0], diagnosis) == [*expected, "envlock from-model model"]


def test_where_no_addons_fit_another_environment_is_made(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(environment=TF_2_18, read=ADDONS)

    references = {cause.reference: commands(cause, diagnosis) for cause in diagnosis.causes}
    assert references["missing-distribution"] == ["envlock from-model model"]


def test_an_error_that_names_a_class_of_the_addons_is_one_cause_with_that(diagnosed: Diagnose) -> None:
    error = "ValueError: Unknown layer: Addons>WeightNormalization"

    diagnosis = diagnosed(environment=TF_2_10, read=ADDONS, error=error)

    assert diagnosis.causes[0].likelihood == "confirmed"
    assert commands(diagnosis.causes[0], diagnosis)[0] == "PYTHON -m pip install tensorflow-addons==0.18.0"


def test_a_fix_is_told_once(diagnosed: Diagnose) -> None:
    diagnosis = diagnosed(error="Could not load dynamic library 'libcudart.so.10.1'; dlerror: libcudart.so.10.1: no")
    lines = commands(diagnosis.causes[0], diagnosis)

    assert len(lines) == len(set(lines))


# --- what is refused, and what is never done -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(), "nothing to diagnose"),
        (Question(path=Path("model.h5"), runs=True), "--run needs the environment"),
        (Question(python=Path("python3"), runs=True), "--run loads a model, and none is named"),
        (Question(path=Path("model.h5"), copy_path=Path("copy")), "--fix needs the environment"),
        (Question(python=Path("python3"), is_for_tpu=True), "--tpu is for a model, and none is named"),
    ],
)
def test_too_little_is_refused(question: Question, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        diagnose(question, SilentReporter())

    assert str(caught.value) == message


EVIL = "Scale'; rm -rf ~ #\x1b[31m$(reboot)`id`"


def test_no_command_holds_text_of_the_artifact_or_the_error(diagnosed: Diagnose) -> None:
    model = provenance(objects=(layer(EVIL, "name"),))

    diagnosis = diagnosed(environment=TF_2_10, read=model, error=f"ValueError: Unknown layer: {EVIL}")

    for cause in diagnosis.causes:
        assert not any("rm -rf" in line for line in commands(cause, diagnosis))
        assert all(text.isprintable() for text in (cause.title, cause.explanation, *cause.evidence))
    assert any("rm -rf" in cause.explanation for cause in diagnosis.causes)
