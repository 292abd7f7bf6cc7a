"""A model is loaded in an environment of anybody, its error is read, and a copy of the environment mends it.

The packages are a few lines of Python that fail as the real ones do; interpreters, isolation, uv and models are real.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from envlock.cli import main
from envlock.diagnosis.diagnose import Diagnosis, Question, diagnose
from envlock.diagnosis.mending import Change
from envlock.errors import UsageError
from envlock.interpreters import Interpreter
from envlock.reporter import SilentReporter
from tests.index_server import Server, serve_index
from tests.refresh.tiny_index import make_archive

ASSETS = Path(__file__).parents[1] / "assets"
MODEL = ASSETS / "keras/keras-2.2.4-functional.h5"

# What Keras 2.2 does with a model, as far as it matters here.
KERAS = """
__version__ = "2.2.4"
import h5py

class Model:
    inputs = None
    def predict(self, value):
        raise ValueError("not called")

class models:
    @staticmethod
    def load_model(path, custom_objects=None, compile=True):
        open(path, "rb").close()
        h5py.attribute.decode("utf-8")
        if "Scale" in path and "Scale" not in (custom_objects or {}):
            raise ValueError("Unknown layer: Scale")
        if compile and "compiled" in path:
            raise TypeError("Unexpected keyword argument passed to optimizer: amsgrad")
        return Model()
"""
PACKAGES = {
    "keras": {"2.2.4": {"keras.py": KERAS}},
    "tensorflow": {"1.15.5": {"tensorflow.py": "raise ImportError('no')\n"}},
    "h5py": {"2.10.0": {"h5py.py": "attribute = b'{}'\n"}, "3.1.0": {"h5py.py": "attribute = '{}'\n"}},
    "pip": {"24.0": {}},
}


def files_of(name: str, version: str) -> dict[str, str]:
    """All files of a wheel."""
    modules = PACKAGES[name][version]
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    return {**modules, **{f"{name}-{version}.dist-info/{file}": text for file, text in metadata.items()}}


def install(folder: Path, interpreter: Interpreter, *, h5py: str) -> Path:
    """A virtual environment of *interpreter* with the packages; its folder."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(interpreter.executable)
    (folder / "pyvenv.cfg").write_text(f"home = {interpreter.executable.parent}\nversion = {interpreter.version}\n")
    packages = folder / f"lib/python{interpreter.line}/site-packages"
    for name, version in (("keras", "2.2.4"), ("tensorflow", "1.15.5"), ("h5py", h5py)):
        for file, text in files_of(name, version).items():
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            (packages / file).write_text(text)
    return folder


@pytest.fixture
def environment(tmp_path: Path, own_interpreter: Interpreter) -> Path:
    """An environment in which Keras fails, since its h5py is too new."""
    return install(tmp_path / "environment", own_interpreter, h5py="3.1.0")


@pytest.fixture
def sound_environment(tmp_path: Path, own_interpreter: Interpreter) -> Path:
    return install(tmp_path / "sound", own_interpreter, h5py="2.10.0")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An index on this machine that has all packages, and no other."""
    with serve_index() as server:
        for name in PACKAGES:
            publish(server, name)
        for variable in ("UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("UV_DEFAULT_INDEX", server.url)
        monkeypatch.setenv("UV_NO_CONFIG", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        yield


def publish(server: Server, name: str) -> None:
    """Serve every version of a package, each with its metadata beside it (PEP 658)."""
    rows = []
    for version in PACKAGES[name]:
        files = files_of(name, version)
        wheel = f"{name}-{version}-py3-none-any.whl"
        metadata = files[f"{name}-{version}.dist-info/METADATA"].encode()
        content = make_archive(wheel, files)
        server.add_file(f"{wheel}.metadata", metadata)
        rows.append(
            {
                "filename": wheel,
                "url": server.add_file(wheel, content),
                "hashes": {"sha256": sha256(content).hexdigest()},
                "core-metadata": {"sha256": sha256(metadata).hexdigest()},
            }
        )
    page = json.dumps({"files": rows}).encode()
    server.pages[f"/simple/{name}/"] = ("application/vnd.pypi.simple.v1+json", page)


def ask(**named: Any) -> Diagnosis:
    return diagnose(Question(**named), SilentReporter())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_error_is_read_in_the_environment_which_is_left_as_it_is(environment: Path) -> None:
    before = contents(environment)

    found = ask(path=MODEL, python=environment, runs=True)

    assert (found.loads, found.is_sound) == (False, False)
    assert [(cause.reference, cause.likelihood) for cause in found.causes] == [("h5py-returns-str", "confirmed")]
    assert found.causes[0].evidence[0] == ("the error says: AttributeError: 'str' object has no attribute 'decode'")
    assert contents(environment) == before


def test_where_the_model_loads_nothing_is_wrong(sound_environment: Path) -> None:
    found = ask(path=MODEL, python=sound_environment, runs=True)

    assert (found.causes, found.loads, found.is_sound) == ((), True, True)


def test_what_the_plain_way_of_loading_fails_for_is_told_where_another_way_loads_it(
    sound_environment: Path, tmp_path: Path
) -> None:
    model = tmp_path / "compiled.h5"
    model.write_bytes(MODEL.read_bytes())

    found = ask(path=model, python=sound_environment, runs=True)

    assert (found.loads, found.is_sound) == (True, True)
    assert found.verification is not None
    assert found.verification.how == "keras.models.load_model(path, compile=False)"
    assert "optimizer" in " ".join(cause.title for cause in found.causes)


def test_the_error_of_a_package_that_is_imported_is_read_too(environment: Path, own_interpreter: Interpreter) -> None:
    packages = environment / f"lib/python{own_interpreter.line}/site-packages"
    (packages / "h5py.py").write_text("raise TypeError('Descriptors cannot be created directly.')\n")

    found = ask(path=MODEL, python=environment, runs=True)

    assert found.causes[0].reference == "protobuf-descriptors"


def test_the_packages_of_the_person_are_seen_where_the_environment_sees_them(
    sound_environment: Path, tmp_path: Path, own_interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / f"home/lib/python{own_interpreter.line}/site-packages"
    packages.mkdir(parents=True)
    (packages / "h5py.py").write_text(PACKAGES["h5py"]["3.1.0"]["h5py.py"])
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "home"))
    with (sound_environment / "pyvenv.cfg").open("a") as configuration:
        configuration.write("include-system-site-packages = true\n")

    found = ask(path=MODEL, python=sound_environment, runs=True)

    assert found.loads is False
    assert found.causes[0].reference == "h5py-returns-str"


@pytest.mark.parametrize("passes_code", [True, False])
def test_what_functions_look_up_is_made_known_to_them_where_the_code_that_has_it_is_passed(
    sound_environment: Path, own_interpreter: Interpreter, passes_code: bool
) -> None:
    packages = sound_environment / f"lib/python{own_interpreter.line}/site-packages"
    (packages / "keras.py").write_text(KERAS + "backend = None\n")
    (packages / "tensorflow.py").write_text("")
    code = ASSETS / "lambda_layer/code" if passes_code else None

    found = ask(
        path=ASSETS / "lambda_layer/looked_up.h5", python=sound_environment, runs=True, code=code, trusts_code=True
    )

    assert found.verification is not None
    assert ("builtins.FACTOR = custom_objects['FACTOR']" in found.verification.lines) == passes_code


def test_code_in_the_model_is_not_run_unless_it_is_trusted(sound_environment: Path) -> None:
    with pytest.raises(UsageError) as caught:
        ask(path=ASSETS / "keras/keras-2.0.9-lambda.h5", python=sound_environment, runs=True)

    assert str(caught.value) == f"{ASSETS}/keras/keras-2.0.9-lambda.h5: holds code, which loading would run"


def test_without_tensorflow_nothing_is_run(tmp_path: Path, environment: Path, own_interpreter: Interpreter) -> None:
    packages = environment / f"lib/python{own_interpreter.line}/site-packages"
    for name in ("tensorflow-1.15.5", "keras-2.2.4"):
        (packages / f"{name}.dist-info").rename(tmp_path / name)

    found = ask(path=MODEL, python=environment, runs=True)

    assert [cause.reference for cause in found.causes] == ["no-tensorflow"]
    assert found.loads is None


# --- the copy ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("index")
def test_a_copy_differs_in_what_the_cause_asks_for_and_loads_the_model(environment: Path, tmp_path: Path) -> None:
    before = contents(environment)

    found = ask(path=MODEL, python=environment, copy_path=tmp_path / "copy")

    assert found.copy is not None
    assert [(change.name, str(change.before), str(change.after)) for change in found.copy.changes] == [
        ("h5py", "3.1.0", "2.10.0"),
        ("pip", "None", "24.0"),
    ]
    assert (found.loads, found.is_sound, found.copy.is_kept) == (True, True, True)
    assert (tmp_path / "copy/bin/python").exists()
    assert contents(environment) == before


@pytest.mark.usefixtures("index")
def test_a_copy_that_loads_no_more_than_the_original_is_removed(environment: Path, tmp_path: Path) -> None:
    model = tmp_path / "Scale.h5"
    model.write_bytes(MODEL.read_bytes())

    found = ask(path=model, python=environment, copy_path=tmp_path / "copy")

    assert found.copy is not None
    assert (found.loads, found.is_sound, found.copy.is_kept) == (False, False, False)
    assert not (tmp_path / "copy").exists()


@pytest.mark.usefixtures("index")
def test_without_a_model_the_copy_is_made_and_not_tried(environment: Path, tmp_path: Path) -> None:
    found = ask(python=environment, copy_path=tmp_path / "copy")

    assert found.copy is not None
    assert (found.loads, found.copy.is_kept, found.copy.verification) == (None, True, None)


@pytest.mark.usefixtures("index")
def test_what_comes_from_no_index_is_left_out(environment: Path, tmp_path: Path, own_interpreter: Interpreter) -> None:
    metadata = environment / f"lib/python{own_interpreter.line}/site-packages/mine-0.3.dist-info"
    metadata.mkdir()
    (metadata / "direct_url.json").write_text('{"url": "file:///mine", "dir_info": {}}')

    found = ask(path=MODEL, python=environment, copy_path=tmp_path / "copy")

    assert found.copy is not None
    assert found.copy.left_out == ("mine",)
    assert Change(name="mine", before=None, after=None) not in found.copy.changes


def test_where_no_cause_asks_for_a_change_no_copy_is_made(sound_environment: Path, tmp_path: Path) -> None:
    found = ask(path=MODEL, python=sound_environment, copy_path=tmp_path / "copy")

    assert (found.copy, found.loads) == (None, None)
    assert not (tmp_path / "copy").exists()


def test_where_nothing_there_reads_the_model_no_copy_is_made(environment: Path, tmp_path: Path) -> None:
    found = ask(path=ASSETS / "keras/tf-2.15-functional.keras", python=environment, copy_path=tmp_path / "copy")

    assert [cause.reference for cause in found.causes] == ["archive-layout", "h5py-returns-str"]
    assert (found.copy, found.is_sound) == (None, False)


@pytest.mark.usefixtures("index")
def test_the_command_tells_what_was_changed_and_how_to_use_it(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL", "/bin/bash")
    (tmp_path / "model.h5").write_bytes(MODEL.read_bytes())

    exit_code = main(["diagnose", "model.h5", "--venv", "environment", "--fix", "-q"])

    printed = re.sub(r"seen in [\d.]+ s", "seen in SECONDS s", capsys.readouterr().out)
    assert exit_code == 0
    assert (
        printed.partition("The copy")[2]
        == """\
        .venv-mended: the same with h5py 2.10.0 for 3.1.0; pip 24.0
                besides
                the model loads there, seen in SECONDS s
Use it          . .venv-mended/bin/activate
                >>> import keras
                >>> path = 'model.h5'
                >>> model = keras.models.load_model(path)
"""
    )
