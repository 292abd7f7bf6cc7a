"""A model is loaded in a child, and whatever becomes of the child is told."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from envlock.interpreters import Interpreter
from envlock.isolation.choice import UnstartablePythonError
from envlock.provenance import TensorSpec
from envlock.reporter import SilentReporter
from envlock.verification import (
    Attempt,
    ImportedObject,
    Input,
    Output,
    Verification,
    verify,
)
from envlock.verification.comparison import compare_outputs
from tests.building import create_environment

ASSETS = Path(__file__).parent.parent / "assets"

# A Keras whose models are Python: loading one runs it, with the options of `load_model` at hand.
PACKAGE = """
__version__ = "2.2.4"

class models:
    @staticmethod
    def load_model(path, custom_objects=None, compile=True, safe_mode=True):
        names = dict(locals())
        exec(open(path).read(), names)
        return names["model"]

class Model:
    inputs = None
    def predict(self, value):
        raise ValueError("not called")
"""

MODEL = "import keras\nmodel = keras.Model()\n"


@dataclass(frozen=True)
class Bench:
    """Verifies models of the small Keras above."""

    folder: Path

    def verify(self, model: str, *, loaders: tuple[str, ...] = ("keras",), **options: object) -> Verification:
        (self.folder / "packages/keras.py").write_text(PACKAGE)
        path = self.folder / "model.h5"
        path.write_text(model)
        variables = {"PYTHONPATH": str(self.folder / "packages")}
        return verify(Path(sys.executable), path, loaders=loaders, environment=variables, **options)  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "packages").mkdir()
    return Bench(tmp_path)


PLAIN = "keras.models.load_model(path)"
UNCOMPILED = "keras.models.load_model(path, compile=False)"


def test_a_model_that_loads_is_told_with_the_expression_that_loaded_it(bench: Bench) -> None:
    found = bench.verify(MODEL)

    assert found.isolation is not None
    assert replace(found, seconds=0, traceback="", isolation=None) == Verification(
        loads=True,
        predicts=None,
        loader="keras",
        how=PLAIN,
        imports=("import keras",),
        lines=(f"model = {PLAIN}",),
        error="NoInputError: the model does not say what its inputs are",
        traceback="",
        attempts=(),
        code_errors=(),
        imported=(),
        outputs=(),
        versions={"python": "{}.{}.{}".format(*sys.version_info[:3]), "keras": "2.2.4"},
        seconds=0,
        environment={"PYTHONPATH": str(bench.folder / "packages")},
    )
    assert found.seconds > 0


def test_a_loader_that_opens_the_model_for_writing_gets_a_copy(bench: Bench) -> None:
    text = MODEL + "open(path, 'r+b').close()\n"
    found = bench.verify(text)

    assert (found.loads, found.how, found.attempts) == (True, PLAIN, ())
    assert (bench.folder / "model.h5").read_text() == text


def test_a_model_that_only_loads_without_compiling_is_loaded_so(bench: Bench) -> None:
    found = bench.verify(MODEL + "if compile: raise ValueError('Unknown optimizer: Custom')\n")

    assert (found.loads, found.how) == (True, UNCOMPILED)
    assert found.attempts == (Attempt(how=PLAIN, error="ValueError: Unknown optimizer: Custom"),)


@pytest.mark.parametrize(
    ("trust", "loads", "how"), [(False, False, ""), (True, True, "keras.models.load_model(path, safe_mode=False)")]
)
def test_keras_runs_code_of_the_artifact_only_where_it_is_trusted(
    bench: Bench, trust: bool, loads: bool, how: str
) -> None:
    found = bench.verify(MODEL + "if safe_mode: raise ValueError('Lambda')\n", trust=trust)

    assert (found.loads, found.how) == (loads, how)


def test_a_loader_that_is_not_installed_gives_way_to_the_next(bench: Bench) -> None:
    found = bench.verify(MODEL, loaders=("tf-keras", "keras"))

    assert (found.loads, found.how) == (True, PLAIN)
    assert found.attempts == (Attempt(how="import tf_keras", error="ModuleNotFoundError: No module named 'tf_keras'"),)


def test_something_that_is_no_keras_model_is_not_taken_for_one(bench: Bench) -> None:
    found = bench.verify("model = object()")

    assert not found.loads
    assert found.error == "TypeError: load_model returned object, which is no Keras model"


@pytest.mark.parametrize(
    ("model", "error"),
    [
        pytest.param("raise ValueError('No model found')", "ValueError: No model found", id="raises"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exits-by-exception"),
        pytest.param(
            "import os; os._exit(3)",
            f"the process ended with exit status 3 and no result, at: {PLAIN}",
            id="exits",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            f"the process was killed by SIGSEGV, at: {PLAIN}",
            id="crashes",
        ),
        pytest.param("while True: pass", f"no answer within 2 seconds, at: {PLAIN}", id="hangs"),
        pytest.param("raise ValueError('x' * 9000)", f"ValueError: {'x' * 2036}", id="raises-at-length"),
    ],
)
def test_a_model_that_does_not_load_is_told_with_the_reason(bench: Bench, model: str, error: str) -> None:
    found = bench.verify(model, time_limit=2)

    assert (found.loads, found.predicts, found.how, found.error) == (False, None, "", error)
    assert len(found.traceback) <= 8192


def test_what_a_model_prints_is_not_taken_for_the_result(bench: Bench) -> None:
    found = bench.verify(
        'print(\'{"stage": "", "done": true, "loads": false}\', flush=True)\n'
        "import os; os.write(1, b'\\xff' * 100_000)\n" + MODEL
    )

    assert found.loads


def test_a_model_that_prints_without_end_does_not_fill_the_memory(bench: Bench) -> None:
    found = bench.verify("while True: print('x' * 1000)", time_limit=2)

    assert found.error == f"no answer within 2 seconds, at: {PLAIN}"
    assert len(found.traceback) == 8191  # without the last line break


def test_a_crash_in_the_call_does_not_hide_that_the_model_loads(bench: Bench) -> None:
    found = bench.verify(
        "import keras, os\n"
        "class Model(keras.Model):\n"
        "    @property\n"
        "    def inputs(self):\n"
        "        os.abort()\n"
        "model = Model()\n"
    )

    assert (found.loads, found.predicts, found.how) == (True, False, PLAIN)
    assert found.error == "the process was killed by SIGABRT, at: call the model"


def test_what_the_child_has_started_ends_with_it(bench: Bench) -> None:
    word = f"survivor-{bench.folder}"
    started = time.monotonic()

    found = bench.verify(f"import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 60; :', {word!r}])\n" + MODEL)

    assert found.loads
    assert time.monotonic() - started < 30
    assert not has_processes(word)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_child_ends_with_an_envlock_that_is_killed_and_leaves_nothing(bench: Bench) -> None:
    word = f"survivor-{bench.folder}"
    (bench.folder / "packages/keras.py").write_text(PACKAGE)
    (bench.folder / "model.h5").write_text(f"import os\nos.execv('/bin/sh', ['sh', '-c', 'sleep 60; :', {word!r}])\n")
    program = (
        "import pathlib, sys; from envlock.verification import verify; "
        "verify(pathlib.Path(sys.executable), pathlib.Path(sys.argv[1]) / 'model.h5', loaders=['keras'], "
        "environment={'PYTHONPATH': sys.argv[1] + '/packages'})"
    )
    temporary = bench.folder / "temporary"
    temporary.mkdir()
    variables = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", program, str(bench.folder)], env=variables) as envlock:
        assert wait_until(lambda: has_processes(word))
        envlock.kill()

    assert wait_until(lambda: not has_processes(word))
    assert wait_until(lambda: not any(temporary.iterdir()))


def has_processes(word: str) -> bool:
    """Whether a process runs that has *word* among its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                return True
    return False


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Whether *is_so* turns true within some seconds."""
    for _ in range(300):
        if is_so():
            return True
        time.sleep(0.05)
    return False


def test_the_child_gets_nothing_of_the_persons_environment_but_what_it_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")

    found = bench.verify("import os; raise ValueError(sorted(set(os.environ) - {'LC_CTYPE'}))")

    assert found.error is not None
    names = set(found.error.removeprefix("ValueError: ").strip("[]").replace("'", "").split(", "))
    assert names - {"LC_ALL", "TZ", "LD_LIBRARY_PATH", "PWD"} == {
        "CUDA_VISIBLE_DEVICES",
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "TF_CPP_MIN_LOG_LEVEL",
        "TMPDIR",
    }


def test_the_child_has_a_home_of_its_own_that_is_gone_afterwards(bench: Bench) -> None:
    name = f"{bench.folder.name}.{time.monotonic_ns()}"

    found = bench.verify(
        f"import os; place = os.path.expanduser('~/{name}'); open(place, 'w'); raise ValueError(place)"
    )

    assert found.error is not None
    assert not Path(found.error.removeprefix("ValueError: ")).exists()


@pytest.mark.parametrize(
    ("artifact_format", "name", "parts", "others"),
    [
        ("keras-hdf5", "net.h5", ["net.h5"], ["other.h5", "id_rsa"]),
        ("saved-model", "saved_model.pb", ["saved_model.pb", "variables/variables.index"], ["id_rsa"]),
        ("checkpoint", "net.index", ["net.index", "net.data-00000-of-00001", "checkpoint"], ["net2.index", "id_rsa"]),
        ("checkpoint", "net", ["net.index", "net.data-00000-of-00001"], ["net-1.index"]),
        ("meta-graph", "net.meta", ["net.meta", "net.index"], ["net.md"]),
    ],
)
def test_the_child_sees_the_files_of_the_artifact_and_nothing_beside_them(
    bench: Bench, artifact_format: str, name: str, parts: list[str], others: list[str]
) -> None:
    folder = bench.folder / "models"
    for part in (*parts, *others):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text("")
    (bench.folder / "packages/keras.py").write_text(
        "import os\n"
        f"found = [os.path.relpath(os.path.join(at, name), {str(folder)!r})"
        f" for at, _, names in os.walk({str(folder)!r}) for name in names]\n"
        "raise ImportError(sorted(found))\n"
    )

    found = verify(
        Path(sys.executable),
        folder / name,
        loaders=["keras"],
        artifact_format=artifact_format,
        environment={"PYTHONPATH": str(bench.folder / "packages")},
    )

    assert found.isolation is not None
    if found.isolation.level not in ("bubblewrap", "namespaces"):
        pytest.skip("rules hide no names")
    assert found.error == f"ImportError: {sorted(parts)}"


@pytest.fixture
def packages(bench: Bench) -> Path:
    """The folder of packages of an environment without any, which holds no Keras; a model lies beside it."""
    environment = bench.folder / "environment"
    made = environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    made.mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (environment / "pyvenv.cfg").write_text(f"home = {Path(os.path.realpath(sys.executable)).parent}\n")
    (bench.folder / "model.h5").write_text(MODEL)
    return made


def verify_in(bench: Bench) -> Verification:
    return verify(bench.folder / "environment/bin/python", bench.folder / "model.h5", loaders=["keras"])


def test_packages_that_are_links_into_a_cache_are_seen(bench: Bench, packages: Path) -> None:
    cache = bench.folder / "cache" / "keras"
    for name in ("keras.py", "keras-2.2.4.dist-info/METADATA"):
        for folder in (cache, packages):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text(PACKAGE if name == "keras.py" else "")
        (packages / name).symlink_to(cache / name)

    found = verify_in(bench)

    assert (found.loads, found.versions["keras"]) == (True, "2.2.4")


FINDER = """\
import importlib.util, sys
MAPPING = {{"keras": {source!r}}}
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        place = MAPPING.get(name)
        return importlib.util.spec_from_file_location(name, place + ".py") if place else None
def install():
    sys.meta_path.append(Finder)
"""

EDITABLE = {
    "folder": {"keras.pth": "# the source\n{folder}\n"},
    "folder from here on": {"keras.pth": "../../../../source\n"},
    "folder of setup.py develop": {"easy-install.pth": "{folder}\n", "keras.egg-link": "{folder}\n."},
    "finder": {
        "__editable__.keras-2.2.4.pth": "import __editable___keras_finder; __editable___keras_finder.install()\n",
        "__editable___keras_finder.py": FINDER,
    },
}


@pytest.mark.parametrize("installation", EDITABLE)
def test_packages_that_are_installed_to_be_edited_are_seen(installation: str, bench: Bench, packages: Path) -> None:
    source = bench.folder / "source"
    source.mkdir()
    (source / "keras.py").write_text(PACKAGE)
    for name, text in EDITABLE[installation].items():
        (packages / name).write_text(text.format(folder=source, source=str(source / "keras")))

    found = verify_in(bench)

    assert (found.error, found.versions["keras"]) == (
        "NoInputError: the model does not say what its inputs are",
        "2.2.4",
    )


@pytest.mark.parametrize("place", [".", "..", "/", "link-to-home"])
def test_nothing_makes_a_home_folder_visible(
    place: str, bench: Bench, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = bench.folder / "people" / "home"
    home.mkdir(parents=True)
    (home / "keras.py").write_text(PACKAGE)
    (home / "link-to-home").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    (packages / "keras.pth").write_text(f"{home / place}\n{home}\n")
    (packages / "other.pth").write_text("import places\n")
    (packages / "places.py").write_text(f"PLACES = {[str(home / place), str(home)]}\n")

    found = verify_in(bench)

    assert found.isolation is not None
    if "hidden-files" not in found.isolation.guarantees:
        pytest.skip(f"{found.isolation.level} hides nothing here")
    assert found.error == "ModuleNotFoundError: No module named 'keras'"


def test_a_python_that_cannot_be_started_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(UnstartablePythonError, match="cannot be started"):
        verify(tmp_path / "python", tmp_path / "model.h5", loaders=["keras"])


# A TensorFlow that keeps no structure for a signature of TensorFlow 1, and what it needs of NumPy. A call returns its
# first input under the names of all.
TENSORFLOW = """
__version__ = "2.3.0"
constant = lambda array: array

class Tensor:
    def __init__(self, name, dtype):
        self.name, self.dtype, self.shape = name, type("DType", (), {"name": dtype}), (None, 1)

class Function:
    structured_input_signature = None
    inputs = [Tensor("x:0", "string"), Tensor("table:0", "resource")]
    captured_inputs = inputs[1:]
    def __call__(self, **named):
        return {" ".join(sorted(named)): list(named.values())[0]}

class saved_model:
    @staticmethod
    def load(path):
        exec(open(path + "/saved_model.pb").read(), globals())
        return type("Loaded", (), {"signatures": {"serving_default": Function()}})
"""
NUMPY = """
class array:
    dtype = type("DType", (), {"name": "object", "kind": "O"})
    def __init__(self, values, dtype):
        self.texts, self.size = values, len(values)
    def reshape(self, shape):
        self.shape = shape if shape != -1 else (self.size,)
        return self
    def tolist(self):
        return self.texts

asarray = lambda value: value
prod = lambda shape, dtype: shape[0] * shape[1]
"""


@pytest.mark.parametrize(
    ("model", "predicts", "error", "outputs"),
    [
        pytest.param("", True, None, ["x"], id="by-its-tensors"),
        pytest.param("Function._arg_keywords = ['inputs']", True, None, ["inputs"], id="by-its-arguments"),
        pytest.param(
            "Function.captured_inputs = []", None, "NoInputError: input table:0 is a resource", [], id="table"
        ),
        pytest.param(
            "Function.inputs = None",
            None,
            "NoInputError: no input can be made: TypeError: object of type 'NoneType' has no len()",
            [],
            id="nothing-is-known",
        ),
    ],
)
def test_a_signature_without_structure_is_called_by_its_inputs(
    bench: Bench, model: str, predicts: bool | None, error: str | None, outputs: list[str]
) -> None:
    (bench.folder / "packages/tensorflow.py").write_text(TENSORFLOW)
    (bench.folder / "packages/numpy.py").write_text(NUMPY)
    (bench.folder / "model").mkdir()
    (bench.folder / "model/saved_model.pb").write_text(model)
    variables = {"PYTHONPATH": str(bench.folder / "packages")}

    found = verify(Path(sys.executable), bench.folder / "model", loaders=["tensorflow"], environment=variables)

    assert (found.loads, found.predicts, found.error, found.traceback) == (True, predicts, error, "")
    assert [output.name for output in found.outputs] == outputs


def test_a_traceback_begins_where_our_own_calls_end(bench: Bench) -> None:
    found = bench.verify("raise ValueError('No model found')")

    assert "probes" not in found.traceback
    assert found.traceback.splitlines()[1].endswith("in load_model")


# --- code that the model needs -------------------------------------------------------------------------------

NEEDS_SCALE = MODEL + "custom_objects['Custom>Scale']; custom_objects['Shift']\n"


def test_definitions_are_imported_and_passed_and_told(bench: Bench) -> None:
    code = bench.folder / "code"
    (code / "net").mkdir(parents=True)
    (code / "net/__init__.py").write_text("")
    (code / "net/parts.py").write_text("from .base import Layer\nclass Scale(Layer): pass\n")
    (code / "net/base.py").write_text("class Layer: pass\n")
    (bench.folder / "packages/provider.py").write_text("class Shift: pass\n")

    found = bench.verify(NEEDS_SCALE, code=code, custom_objects=["Custom>Scale", "Shift"], modules=["provider"])

    assert (found.loads, found.code_errors) == (True, ())
    assert found.imported == (
        ImportedObject(name="Custom>Scale", module="net.parts", attribute="Scale"),
        ImportedObject(name="Shift", module="provider", attribute="Shift"),
    )
    assert found.snippet(Path("model.h5")) == (
        "import os",
        f"os.environ['PYTHONPATH'] = {str(bench.folder / 'packages')!r}",
        "import sys",
        f"sys.path.append({str(code)!r})",
        "import keras",
        "import provider",
        "from net.parts import Scale",
        "from provider import Shift",
        "custom_objects = {'Custom>Scale': Scale, 'Shift': Shift}",
        "path = 'model.h5'",
        "model = keras.models.load_model(path, custom_objects=custom_objects)",
    )


def test_a_file_that_is_no_module_by_name_is_imported_too(bench: Bench) -> None:
    (bench.folder / "code").mkdir()
    (bench.folder / "code/my-layers 2.py").write_text("class Scale: pass\n")

    found = bench.verify(MODEL + "custom_objects['Scale']\n", code=bench.folder / "code", custom_objects=["Scale"])

    assert (found.loads, found.code_errors) == (True, ())
    # What is told to type finds it too.
    lines = [*found.snippet(bench.folder / "model.h5"), "print(sorted(custom_objects))"]
    variables = os.environ | {"PYTHONPATH": str(bench.folder / "packages")}
    command = [sys.executable, "-c", "\n".join(lines)]
    typed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert typed.stdout == "['Scale']\n"


@pytest.mark.parametrize("module", ["inputs", "load_model", "keras_model"])
def test_the_persons_modules_may_have_any_name(bench: Bench, module: str) -> None:
    (bench.folder / "code").mkdir()
    (bench.folder / f"code/{module}.py").write_text("class Scale: pass\n")

    found = bench.verify(MODEL + "custom_objects['Scale']\n", code=bench.folder / "code", custom_objects=["Scale"])

    assert (found.loads, found.code_errors) == (True, ())
    assert found.imported == (ImportedObject(name="Scale", module=module, attribute="Scale"),)


def test_code_that_cannot_be_imported_is_told_with_its_file(bench: Bench) -> None:
    code = bench.folder / "code"
    code.mkdir()
    (code / "parts.py").write_text("import missing_package\nclass Scale: pass\n")

    found = bench.verify(MODEL, code=code, custom_objects=["Scale"], modules=["absent"])

    assert found.loads
    assert found.code_errors == (
        "absent: ModuleNotFoundError: No module named 'absent'",
        f"{code}/parts.py: ModuleNotFoundError: No module named 'missing_package'",
    )


# --- what a person types -------------------------------------------------------------------------------------


LOADED = Verification(
    loads=True,
    predicts=None,
    loader="tensorflow",
    how="",
    imports=("import tensorflow as tf",),
    error=None,
    traceback="",
    attempts=(),
    code_errors=(),
    imported=(),
    outputs=(),
    versions={},
    seconds=1.0,
)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


SESSION_LINES = (
    "session = tf.InteractiveSession(graph=tf.Graph())",
    "model = tf.saved_model.loader.load(session, ['serve'], path)",
)


@pytest.mark.parametrize(
    ("loads", "artifact_format", "lines", "typed"),
    [
        pytest.param(False, "saved-model", (), (), id="does-not-load"),
        pytest.param(
            True,
            "saved-model",
            SESSION_LINES,
            ("import tensorflow as tf", "path = 'models'", *SESSION_LINES),
            id="file-in-the-folder",
        ),
        pytest.param(
            True,
            "checkpoint",
            ("model = tf.train.load_checkpoint(path)",),
            ("import tensorflow as tf", "path = 'models/net'", "model = tf.train.load_checkpoint(path)"),
            id="start-of-a-name",
        ),
    ],
)
def test_the_lines_to_type_are_those_that_worked(
    loads: bool, artifact_format: str, lines: tuple[str, ...], typed: tuple[str, ...], in_folder: Path
) -> None:
    path = Path("models") / {"saved-model": "saved_model.pb", "checkpoint": "net.index"}[artifact_format]
    (in_folder / "models").mkdir()
    (in_folder / path).write_text("")
    found = replace(LOADED, loads=loads, artifact_format=artifact_format, lines=lines)

    assert found.snippet(path) == typed


def test_the_lines_to_type_set_the_variables_that_the_packages_look_at(bench: Bench) -> None:
    choice = {"KERAS_CHOICE": "legacy 'one'"}
    path = bench.folder / "model.h5"
    path.write_text(MODEL)
    (bench.folder / "packages/keras.py").write_text(
        "import os\nif os.environ.get('KERAS_CHOICE') != \"legacy 'one'\": raise ImportError('no choice')\n" + PACKAGE
    )
    variables = {"PYTHONPATH": str(bench.folder / "packages")}

    found = verify(Path(sys.executable), path, loaders=["keras"], environment=variables | choice)
    lines = replace(found, environment=choice).snippet(path)
    typed = subprocess.run(
        [sys.executable, "-c", "\n".join([*lines, "print(type(model).__name__)"])],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert lines[:3] == ("import os", "os.environ['KERAS_CHOICE'] = \"legacy 'one'\"", "import keras")
    assert (typed.stdout, typed.stderr) == ("Model\n", "")


# --- real releases -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installation:
    """A TensorFlow release, with the bounds that its metadata lacks."""

    python: str
    requirements: tuple[str, ...]


INSTALLATIONS = {
    "1.15": Installation("3.7", ("tensorflow==1.15.5", "protobuf<3.21", "pip")),
    "2.3": Installation("3.8", ("tensorflow-cpu==2.3.4", "protobuf<3.21", "pip")),
    "2.21": Installation("3.13", ("tensorflow-cpu==2.21.0", "pip")),
    "2.21 and tf-keras": Installation("3.13", ("tensorflow-cpu==2.21.0", "tf-keras==2.21.0", "pip")),
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Interpreter], Path]:
    """Gives the Python of an environment with a TensorFlow line, made once."""
    made: dict[str, Path] = {}

    def install(line: str, interpreter: Interpreter) -> Path:
        if line not in made:
            uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
            lock = subprocess.run(
                [uv, "pip", "compile", "--generate-hashes", "--no-header", "--python", interpreter.executable, "-"],
                input="\n".join(INSTALLATIONS[line].requirements),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            environment = create_environment(
                tmp_path_factory.mktemp("environments") / line,
                interpreter=interpreter,
                lock_text=lock,
                digest=line,
                reporter=SilentReporter(),
            )
            made[line] = environment.python
        return made[line]

    return install


@pytest.mark.online
@pytest.mark.environments
@pytest.mark.parametrize(
    ("line", "asset", "loaders", "how", "outputs"),
    [
        (
            "1.15",
            "keras/tf-1.15-sequential.h5",
            ["tf.keras"],
            "tf.keras.models.load_model(path)",
            [("", "float32", (1, 3))],
        ),
        (
            "2.3",
            "keras/tf-2.3-functional.h5",
            ["tf.keras"],
            "tf.keras.models.load_model(path)",
            [("", "float32", (1, 1))],
        ),
        (
            "2.3",
            "saved_model/2.3",
            ["tensorflow"],
            "tf.saved_model.load(path)",
            [("only", "float32", (1, 1))],
        ),
        (
            "2.21",
            "keras/tf-2.21-functional.keras",
            ["keras"],
            "keras.models.load_model(path)",
            [("", "float32", (1, 1))],
        ),
        (
            "2.21",
            "saved_model/2.6",
            ["keras", "tensorflow"],
            "tf.saved_model.load(path)",
            [("only", "float32", (1, 1))],
        ),
    ],
)
def test_a_real_model_is_loaded_and_called(
    installed: Callable[[str, Interpreter], Path],
    require_interpreter: Callable[[str], Interpreter],
    line: str,
    asset: str,
    loaders: list[str],
    how: str,
    outputs: list[tuple[str, str, tuple[int, ...]]],
) -> None:
    python = installed(line, require_interpreter(INSTALLATIONS[line].python))
    inputs = (TensorSpec(name="unused", dtype="float32", shape=(None, 1)),)

    found = verify(python, ASSETS / asset, loaders=loaders, inputs=inputs)

    assert (found.error, found.loads, found.predicts, found.how) == (None, True, True, how)
    assert [(item.name, item.dtype, item.shape) for item in found.outputs] == outputs
    assert found.is_finite
    assert not found.misshapen


@pytest.mark.online
@pytest.mark.environments
def test_the_lines_to_type_choose_the_keras_that_loaded_a_real_model(
    installed: Callable[[str, Interpreter], Path], require_interpreter: Callable[[str], Interpreter]
) -> None:
    line, model = "2.21 and tf-keras", ASSETS / "keras/tf-2.3-functional.h5"
    python = installed(line, require_interpreter(INSTALLATIONS[line].python))

    found = verify(python, model, loaders=["tf.keras"], environment={"TF_USE_LEGACY_KERAS": "1"})
    lines = [*found.snippet(model), "print(type(model).__module__.partition('.')[0])"]
    typed = subprocess.run([python, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)

    assert typed.stdout == "tf_keras\n"


# --- two environments ----------------------------------------------------------------------------------------


def called(*outputs: Output, **fields: Any) -> Verification:
    """A verification that called the model on one input and got *outputs*."""
    values = {"predicts": True, "inputs": (Input(dtype="float32", shape=(1, 2), digest="a"),), **fields}
    return replace(LOADED, outputs=outputs, **values)


def output(*values: float, name: str = "") -> Output:
    return Output(name=name, dtype="float32", shape=(1, len(values)), finite=True, values=values)


@pytest.mark.parametrize(
    ("first", "second", "differences"),
    [
        pytest.param([output(1.0, 2.0)], [output(1.0, 2.0)], [("", 0.0, 0.0)], id="same"),
        pytest.param([output(1.0, -4.0)], [output(1.0, -3.0)], [("", 1.0, 0.25)], id="other-numbers"),
        pytest.param(
            [output(1.0, name="b"), output(8.0, name="a")],
            [output(8.0, name="a"), output(1.5, name="b")],
            [("b", 0.5, 0.5 / 1.5), ("a", 0.0, 0.0)],
            id="by-name",
        ),
        pytest.param([output(1.0, name="dense")], [output(1.5)], [("dense", 0.5, 0.5 / 1.5)], id="named-in-one-alone"),
        pytest.param([output(0.0)], [output(0.0)], [("", 0.0, 0.0)], id="nothing-but-zeros"),
        pytest.param([output(math.nan, math.inf)], [output(math.nan, math.inf)], [("", 0.0, 0.0)], id="same-nonsense"),
        pytest.param([output(1.0, 2.0)], [output(1.0, math.nan)], [("", math.inf, math.inf)], id="nonsense-in-one"),
        pytest.param([output()], [output()], [("", 0.0, 0.0)], id="empty"),
    ],
)
def test_outputs_are_compared_number_by_number(
    first: list[Output], second: list[Output], differences: list[tuple[str, float, float]]
) -> None:
    found = compare_outputs(called(*first), called(*second))

    assert found.obstacle is None
    assert [(item.name, item.absolute, item.relative) for item in found.differences] == differences


@pytest.mark.parametrize(
    ("second", "obstacle"),
    [
        pytest.param(
            called(predicts=False, error="ValueError: no\nmore"),
            "the model was not called there: ValueError: no",
            id="fails",
        ),
        pytest.param(
            called(output(1.0), inputs=(Input(dtype="int32", shape=(1, 2), digest="b"),)),
            "the model takes other inputs there",
            id="other-inputs",
        ),
        pytest.param(
            called(output(1.0), output(1.0)),
            "the model gives 1 outputs here and 2 there",
            id="other-outputs",
        ),
        pytest.param(
            called(output(1.0, 2.0, name="y")),
            "output y has shape (1, 1) here and (1, 2) there",
            id="other-shapes",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(second: Verification, obstacle: str) -> None:
    found = compare_outputs(called(output(1.0, name="y")), second)

    assert (found.differences, found.obstacle) == ((), obstacle)


HARD_SIGMOID = ASSETS / "keras/keras-2.2.4-functional.h5"
"""Its recurrent layer has an activation that Keras 3 computes otherwise."""


@pytest.mark.online
@pytest.mark.environments
@pytest.mark.parametrize(("line", "loader", "agrees"), [("2.3", "tf.keras", True), ("2.21", "keras", False)])
def test_a_real_model_that_computes_something_else_elsewhere_does_not_agree(
    installed: Callable[[str, Interpreter], Path],
    require_interpreter: Callable[[str], Interpreter],
    line: str,
    loader: str,
    agrees: bool,
) -> None:
    here, there = (installed(name, require_interpreter(INSTALLATIONS[name].python)) for name in ("1.15", line))

    first = verify(here, HARD_SIGMOID, loaders=["tf.keras"])
    second = verify(there, HARD_SIGMOID, loaders=[loader], recipe=first.recipe)

    assert (first.predicts, second.predicts) == (True, True)
    found = compare_outputs(first, second)
    assert (found.obstacle, found.agrees) == (None, agrees)
    assert [round(item.absolute, 4) for item in found.differences] == [0 if agrees else 0.0012]


# --- weights and the model that they belong to ---------------------------------------------------------------

# A model of one layer, which weights that are lines of Python fill.
BUILDERS = """
import keras, numpy

class Variable:
    dtype = "float32"
    def __init__(self, name, size):
        self.name, self.value = name, numpy.Array([0.5] * size)
    @property
    def shape(self):
        return self.value.shape

class Dense:
    def __init__(self):
        self.weights = [Variable("dense/kernel:0", 3), Variable("dense/bias:0", 1)]

class Own(Dense): pass

class Net(keras.Model):
    def __init__(self, layers=(Dense,)):
        self.layers = [layer() for layer in layers]
        self.weights = [variable for layer in self.layers for variable in layer.weights]
    def get_weights(self):
        return [variable.value for variable in self.weights]
    def set_weights(self, values):
        for variable, value in zip(self.weights, values):
            variable.value = value
    def load_weights(self, path):
        exec(open(path).read(), {"fill": self.fill})
    def fill(self, place, size):
        self.weights[place].value = numpy.Array([1.0] * size)

def build_own(): return Net([Own])

def build_empty(): return Net([])

def build_none(): pass

ready = Net()
"""

# What the checks need of the packages that read arrays: a file tells in its first line which ones it has.
ARRAYS = """
import math
nan = math.nan

class Array:
    dtype = type("DType", (), {"name": "float32", "kind": "f"})
    def __init__(self, numbers):
        self.numbers, self.size, self.shape = numbers, len(numbers), (len(numbers),)
    def astype(self, dtype):
        return self
    def all(self):
        return all(self.numbers)

def full_like(array, number):
    return Array([number] * array.size)

def isnan(array):
    return Array([math.isnan(number) for number in array.numbers])
"""
FILES = """
import ast

class Dataset:
    def __init__(self, size): self.shape = (size,)

class File:
    def __init__(self, path, mode):
        try:
            self.sizes = ast.literal_eval(open(path).readline().lstrip("# "))
        except (SyntaxError, ValueError):
            raise OSError("no HDF5")
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def visititems(self, visit):
        for name, size in self.sizes.items(): visit(name, Dataset(size))
"""

FILLED = "fill(0, 3); fill(1, 1)"


@pytest.fixture
def fill(bench: Bench) -> Callable[[str, str], Verification]:
    """Puts weights into what a builder makes."""
    (bench.folder / "code").mkdir()
    (bench.folder / "code/net.py").write_text(BUILDERS)
    (bench.folder / "packages/numpy.py").write_text(ARRAYS)
    (bench.folder / "packages/h5py.py").write_text(FILES)

    def fill(builder: str, weights: str) -> Verification:
        return bench.verify(weights, code=bench.folder / "code", builder=builder, artifact_format="keras-hdf5")

    return fill


@pytest.mark.parametrize(
    ("builder", "made_by"), [("Net", "Net()"), ("net:ready", "ready"), ("build_own", "build_own()")]
)
def test_weights_are_put_into_the_model_that_the_code_builds(
    fill: Callable[[str, str], Verification], builder: str, made_by: str
) -> None:
    found = fill(builder, FILLED)

    assert found.lines == (f"model = {made_by}", "model.load_weights(path)")
    assert (found.loads, found.error) == (True, "NoInputError: the model does not say what its inputs are")


UNFIT = "ValueError: the weights do not fit the model that the code builds, they have"
OTHER = "MisfitError: the weights are of another model than Net builds: they have no array for"
REFUSED = "raise ValueError('No.')"


@pytest.mark.parametrize(
    ("builder", "weights", "error"),
    [
        pytest.param("Net", "fill(0, 3)", f"{UNFIT} nothing for dense/bias (1,)", id="a variable gets nothing"),
        pytest.param(
            "Net", "fill(0, 4); fill(1, 1)", f"{UNFIT} (4,) for dense/kernel, which takes (3,)", id="stretched"
        ),
        pytest.param(
            "Net",
            "# {'w/kernel': 4, 'w/bias': 1, 'optimizer/kernel': 3}\n" + REFUSED,
            f"{OTHER} dense/kernel (3,), and the model no place for w/kernel (4,)",
            id="another shape",
        ),
        pytest.param("Net", "# {'w/kernel': 3}\nfill(0, 3)", f"{OTHER} dense/bias (1,)", id="an array less"),
        pytest.param("build_own", "# {'w/kernel': 4}\n" + REFUSED, "ValueError: No.", id="a layer that may change"),
        pytest.param("Net", "# {'a': 1, 'b': 3, 'c': 1}\n" + REFUSED, "ValueError: No.", id="other names and more"),
        pytest.param("Net", REFUSED, "ValueError: No.", id="a file that tells nothing"),
        pytest.param("build_none", FILLED, "TypeError: build_none gives no Keras model but NoneType", id="no model"),
        pytest.param(
            "build_empty",
            "",
            "ValueError: the model that the code builds has no weights yet: give it its input shape, or call it once",
            id="no variables",
        ),
    ],
)
def test_a_model_that_keeps_a_variable_as_it_was_made_is_not_loaded(
    fill: Callable[[str, str], Verification], builder: str, weights: str, error: str
) -> None:
    found = fill(builder, weights)

    assert (found.loads, found.lines, found.error) == (False, (), error)


MODELS = """
import tensorflow as tf
from tensorflow.keras.layers import Dense, Dropout, PReLU

def model_of(*layers):
    return tf.keras.models.Sequential([Dense(layers[0], input_shape=(2,)), *layers[1:], Dropout(0.5)])

def fitting(): return model_of(1)
def wide(): return model_of(2)
def longer(): return model_of(1, PReLU(name="more"))
"""


@pytest.mark.online
@pytest.mark.environments
@pytest.mark.parametrize("line", ["1.15", "2.3"])
@pytest.mark.parametrize(
    ("builder", "error"),
    [
        ("fitting", None),
        (
            "wide",
            "MisfitError: the weights are of another model than wide builds: they have no array for dense/kernel (2, 2); "
            "dense/bias (2,), and the model no place for layer_with_weights-0/bias (1,); "
            "layer_with_weights-0/kernel (2, 1)",
        ),
        (
            "longer",
            "ValueError: the weights do not fit the model that the code builds, they have nothing for more/alpha (1,)",
        ),
    ],
)
def test_a_real_checkpoint_fills_all_of_the_model_or_none(
    installed: Callable[[str, Interpreter], Path],
    require_interpreter: Callable[[str], Interpreter],
    tmp_path: Path,
    line: str,
    builder: str,
    error: str | None,
) -> None:
    python = installed(line, require_interpreter(INSTALLATIONS[line].python))
    (tmp_path / "models.py").write_text(MODELS)

    found = verify(
        python,
        ASSETS / "checkpoints/2.10",
        loaders=["tf.keras"],
        artifact_format="checkpoint",
        code=tmp_path,
        builder=builder,
    )

    assert (found.error, found.loads, found.predicts) == (error, error is None, None if error else True)
