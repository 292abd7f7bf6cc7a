"""The recorder writes down what a training has installed, on every Python and under every Keras."""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from collections.abc import Callable
from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from envlock import recording
from envlock.interpreters import Interpreter
from envlock.recording import StampCallback, digest_of_files, find_files, find_installed, subject_of
from envlock.stamps import parse_stamp

ASSETS = Path(__file__).parent / "assets"
MODEL = ASSETS / "keras/tf-2.15-functional.keras"
TRAINING = """\
import recorder, sys
print(recorder.stamp(sys.argv[1]))
"""


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.8", "3.11", "3.13"])
def test_it_stands_alone_on_every_python(
    line: str, require_interpreter: Callable[[str], Interpreter], tmp_path: Path
) -> None:
    python = require_interpreter(line).executable
    model = tmp_path / "mödel.keras"
    model.write_bytes(MODEL.read_bytes())
    (tmp_path / "recorder.py").write_bytes(Path(recording.__file__).read_bytes())

    done = subprocess.run([python, "-c", TRAINING, model.name], capture_output=True, cwd=tmp_path, check=True)

    place = Path(os.fsdecode(done.stdout.strip()))
    stamp = parse_stamp(place.read_bytes(), where=place.name)
    assert place == Path(f"{model}.envlock.toml")
    assert (stamp.is_verified, stamp.size) == (False, MODEL.stat().st_size)
    assert f"{stamp.python.major}.{stamp.python.minor}" == line


def test_it_tells_what_is_installed_by_normalised_names() -> None:
    found = find_installed()

    assert found["import-linter"] == version("import-linter")
    assert len(found) <= len({*map(str, (item.metadata["Name"] for item in distributions()))})
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in found)


@pytest.mark.parametrize(
    ("named", "subject"),
    [
        ("folder/saved_model.pb", "folder"),
        ("folder/", "folder"),
        ("model.ckpt", "model.ckpt"),
        ("model.ckpt.index", "model.ckpt"),
        ("model.ckpt.data-00000-of-00001", "model.ckpt"),
        ("graph.meta", "graph.meta"),
        ("model.h5", "model.h5"),
    ],
)
def test_a_model_of_many_files_has_one_stamp(named: str, subject: str, tmp_path: Path) -> None:
    for name in ("folder/saved_model.pb", "model.ckpt.index", "model.ckpt.data-00000-of-00001", "graph.meta"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert subject_of(str(tmp_path / named)) == str(tmp_path / subject)


def test_the_digest_of_a_folder_is_that_of_what_sha256sum_prints_without_the_stamp(tmp_path: Path) -> None:
    model = tmp_path / "model"
    for name in ("saved_model.pb", "variables/variables.index", "assets.extra/envlock.toml", "assets.extra/other"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text(name)
    (model / "link").symlink_to("saved_model.pb")
    names = ["assets.extra/other", "saved_model.pb", "variables/variables.index"]
    printed = subprocess.run(["sha256sum", *names], cwd=model, capture_output=True, check=True).stdout
    digest = subprocess.run(["sha256sum"], input=printed, capture_output=True, check=True).stdout.split()[0]

    found = find_files(str(model))

    assert digest_of_files(found) == digest.decode()
    assert [name for name, _ in found] == [name.encode() for name in names]


def test_a_moved_model_keeps_its_digest(tmp_path: Path) -> None:
    for name in ("one.index", "one.data-00000-of-00001"):
        (tmp_path / name).write_text("values")
    before = digest_of_files(find_files(str(tmp_path / "one")))
    for path in tmp_path.iterdir():
        path.rename(path.with_name(path.name.replace("one", "other")))

    assert digest_of_files(find_files(str(tmp_path / "other"))) == before


def test_what_envlock_did_not_write_is_left_alone(tmp_path: Path) -> None:
    model, place = tmp_path / "model.h5", tmp_path / "model.h5.envlock.toml"
    model.touch()
    place.write_text("mine = true\n")

    with pytest.raises(OSError, match=r"^.*model\.h5\.envlock\.toml: exists and was not written by envlock$"):
        recording.stamp(str(model))

    assert place.read_text() == "mine = true\n"


def test_there_has_to_be_a_model(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"model\.h5: there is no model$"):
        recording.stamp(str(tmp_path / "model.h5"))


# --- the callback --------------------------------------------------------------------------------------------


class Checkpoint:
    """As Keras' ``ModelCheckpoint``."""

    def __init__(self, filepath: str) -> None:
        self.filepath = filepath


def stamps_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.envlock.toml"))


def test_what_a_training_saves_is_stamped_epoch_after_epoch(tmp_path: Path) -> None:
    (tmp_path / "model-00.h5").touch()
    (tmp_path / "other.h5").touch()
    callback = StampCallback(Checkpoint(str(tmp_path / "model-{epoch:02d}.h5")))

    callback.on_train_begin()
    (tmp_path / "model-01.h5").touch()
    callback.on_epoch_end(0, {})
    assert stamps_in(tmp_path) == ["model-01.h5.envlock.toml"]

    (tmp_path / "model-02.h5").touch()
    callback.on_train_end()
    assert stamps_in(tmp_path) == ["model-01.h5.envlock.toml", "model-02.h5.envlock.toml"]


def test_a_model_that_is_saved_over_and_over_has_the_stamp_of_its_last_state(tmp_path: Path) -> None:
    model = tmp_path / "[best].h5"
    callback = StampCallback(model)

    for state in ("one", "another"):
        model.write_text(state)
        callback.on_epoch_end(0)

    text = (tmp_path / "[best].h5.envlock.toml").read_bytes()
    assert parse_stamp(text, where="stamp").sha256 == digest_of_files(find_files(str(model)))


def test_checkpoints_of_several_files_are_stamped_too(tmp_path: Path) -> None:
    callback = StampCallback(str(tmp_path / "weights.{epoch}"))
    for name in ("checkpoint", "weights.1.index", "weights.1.data-00000-of-00001"):
        (tmp_path / name).touch()

    callback.on_epoch_end(0)

    assert stamps_in(tmp_path) == ["weights.1.envlock.toml"]


def test_a_training_goes_on_where_its_model_cannot_be_stamped(tmp_path: Path) -> None:
    (tmp_path / "model.h5").touch()
    (tmp_path / "model.h5.envlock.toml").write_text("mine = true\n")
    callback = StampCallback(str(tmp_path / "model.h5"))

    with pytest.warns(UserWarning, match="was not stamped: .* was not written by envlock"):
        callback.on_epoch_end(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_epoch_end(1)


@pytest.mark.parametrize("hook", ["on_batch_end", "on_train_batch_end", "on_test_begin", "on_predict_end", "on_later"])
def test_whatever_keras_calls_besides_does_nothing(hook: str) -> None:
    method = getattr(StampCallback("model.h5"), hook)

    assert method(3, logs={}) is None
    assert method._is_default


def test_keras_need_not_call_it_for_every_batch() -> None:
    callback = StampCallback("model.h5")

    assert callback._implements_train_batch_hooks() is False  # type: ignore[operator]
    assert not hasattr(callback, "anything_else")


ENVIRONMENTS = {"2.4": "3.8", "2.15": "3.11", "2.18": "3.12"}
FIT = """\
import os, sys
import tensorflow as tf
import recorder

model = tf.keras.Sequential([tf.keras.layers.Dense(2)])
model.compile("sgd", "mse")
saving = tf.keras.callbacks.ModelCheckpoint("model-{epoch}" + sys.argv[1])
x, y = tf.zeros((4, 3)), tf.zeros((4, 2))
model.fit(x, y, epochs=2, validation_data=(x, y), callbacks=[saving, recorder.StampCallback(saving)])
model.predict(x, callbacks=[recorder.StampCallback(saving)])
"""


@pytest.mark.environments
@pytest.mark.online
@pytest.mark.parametrize("tensorflow", ENVIRONMENTS)
def test_every_keras_takes_the_callback(
    tensorflow: str, require_interpreter: Callable[[str], Interpreter], tmp_path: Path
) -> None:
    import envlock

    require_interpreter(ENVIRONMENTS[tensorflow])
    suffix = ".h5" if tensorflow == "2.4" else ".keras"
    assets = {"2.4": "tf-2.3-functional.h5", "2.15": "tf-2.15-functional.keras", "2.18": "tf-2.16-sequential.h5"}
    made = envlock.create(
        ASSETS / "keras" / assets[tensorflow],
        tmp_path / ".venv",
        output=None,
        tensorflow=tensorflow,
        python=ENVIRONMENTS[tensorflow],
        verify=False,
    )
    assert made.environment is not None
    (tmp_path / "recorder.py").write_bytes(Path(recording.__file__).read_bytes())

    subprocess.run([made.environment.python, "-c", FIT, suffix], cwd=tmp_path, check=True)

    assert stamps_in(tmp_path) == [f"model-{epoch}{suffix}.envlock.toml" for epoch in (1, 2)]
    stamped = envlock.inspect(tmp_path / f"model-2{suffix}").stamp
    assert stamped is not None
    assert str(stamped.environment).startswith(f"tensorflow-cpu {tensorflow}.")
