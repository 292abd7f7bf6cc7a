"""The script beside the lock loads the artifact as it was loaded, from any folder, with nothing but the environment."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlock.candidates import EnvironmentCandidate, Wishes, propose_candidates
from envlock.inspection import Inspection, inspect
from envlock.interpreters import Interpreter
from envlock.knowledge.networks import Network
from envlock.loadability import judge
from envlock.loader_script import Surroundings, is_ours, is_unchanged, render_loader_script
from envlock.locks import Lock
from envlock.networks.mapping import MappedLayer, WeightMapping
from envlock.own_code.definitions import Definition, find_definitions
from envlock.target import LINUX_X86_64
from envlock.verification import ImportedObject, Verification

ASSETS = Path(__file__).parent / "assets"
SCALE = "class Scale(object):\n    pass\n"


def inspected(asset: str, path: Path) -> Inspection:
    """What is known of an asset, as if it stood at *path*."""
    found = inspect(ASSETS / asset)
    return found._replace(provenance=found.provenance._replace(path=path))


def best_candidate(inspection: Inspection) -> EnvironmentCandidate:
    return propose_candidates(
        inspection.provenance,
        inspection.saver,
        judge(inspection.provenance, inspection.saver),
        inspection.custom,
        platform=LINUX_X86_64,
        pythons=["3.8"],
        wishes=Wishes(),
    )[0]


def lock_for(candidate: EnvironmentCandidate, name: str) -> Lock:
    return Lock(
        artifact=name,
        loader=candidate.loader.name,
        requirements=(),
        constraints=(),
        target=candidate.target,
        pins=(),
        evidence=(),
        engine="offline",
        database="",
    )


def verified(how: str, *lines: str, **fields: Any) -> Verification:
    """A verification that loaded the artifact by *lines*, or by the one line that assigns *how*."""
    values: dict[str, Any] = {
        "loads": True,
        "predicts": True,
        "loader": "",
        "how": how,
        "imports": (f"import {how.partition('.')[0]}",),
        "lines": lines or (f"model = {how}",),
        "error": None,
        "traceback": "",
        "attempts": (),
        "code_errors": (),
        "imported": (),
        "outputs": (),
        "versions": {},
        "seconds": 1.0,
    }
    return Verification(**{**values, **fields})


def render(
    folder: Path,
    inspection: Inspection,
    verification: Verification | None,
    *,
    code: Path | None = None,
    environment: dict[str, str] | None = None,
    modules: tuple[str, ...] = (),
    builder: Definition | None = None,
    mapping: WeightMapping | None = None,
) -> str:
    candidate = best_candidate(inspection)
    loader = candidate.loader._replace(environment=environment or {})
    names = [item.name for item in inspection.custom]
    return render_loader_script(
        inspection,
        replace(candidate, loader=loader, modules=modules),
        lock_for(candidate, inspection.provenance.path.name),
        verification=verification,
        definitions=find_definitions(code, names) if code is not None else {},
        builder=builder,
        mapping=mapping,
        surroundings=Surroundings(
            script_path=folder / "load_model.py",
            lock_path=folder / "requirements.txt",
            environment_path=folder / ".venv",
        ),
    )


HEAD = """\
# Written by envlock: loads a saved model, and shows what goes in and what comes out.
#
#     .venv/bin/python load_model.py [PATH]
#
# Artifact: {name}
# Environment: {environment}
# Lock: requirements.txt, digest {digest}
# {claim}
from __future__ import print_function

import os
"""

START = """\
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
"""

SHOW_KERAS = """

def tell(kind, name, tensor):
    print(kind, name, getattr(tensor.dtype, "name", tensor.dtype), tensor.shape)


def show(model):
    for kind in ("input", "output"):
        for tensor in getattr(model, kind + "s", None) or ():
            tell(kind, tensor.name, tensor)


if __name__ == "__main__":
    show(load(*sys.argv[1:2]))
"""


def whole(inspection: Inspection, body: str, *, is_proven: bool) -> str:
    """The script but for its seal, of which *body* is all between the place that it stands in and what is shown."""
    candidate = best_candidate(inspection)
    head = HEAD.format(
        name=inspection.provenance.path.name,
        environment=candidate.name,
        digest=lock_for(candidate, "").digest,
        claim="The model was loaded so in this environment." if is_proven else "Not tried yet.",
    )
    return head + START + body + SHOW_KERAS


def unsealed(script: str | None) -> str:
    """A script without the line that its own digest stands in."""
    return re.sub(
        r"^# Content: digest [0-9a-f]{64}, which tells whether it was changed since\n", "", script, flags=re.M
    )


LOADED = """\
os.environ['TF_USE_LEGACY_KERAS'] = '1'

import tf_keras


def load(path=os.path.normpath(os.path.join(HERE, 'models/net.h5'))):
    model = tf_keras.models.load_model(path)
    return model
"""


def test_a_model_is_loaded_as_it_was_loaded(tmp_path: Path) -> None:
    inspection = inspected("keras/tf-2.3-functional.h5", tmp_path / "models/net.h5")
    environment = {"TF_USE_LEGACY_KERAS": "1"}

    script = render(tmp_path, inspection, verified("tf_keras.models.load_model(path)"), environment=environment)

    assert unsealed(script) == whole(inspection, LOADED, is_proven=True)
    assert is_ours(script)


WITH_DEFINITIONS = """\
sys.path.append(os.path.normpath(os.path.join(HERE, 'src')))

import keras
import provider
from provider import Shift
from parts import Scale

custom_objects = {
    'Shift': Shift,
    'Scale': Scale,
}


def load(path=os.path.normpath(os.path.join(HERE, 'net.h5'))):
    model = keras.models.load_model(path, custom_objects=custom_objects)
    return model
"""


def test_the_persons_definitions_are_imported_from_where_they_stand(tmp_path: Path) -> None:
    inspection = inspected("custom_layer/model.h5", tmp_path / "net.h5")
    code = tmp_path / "src"
    code.mkdir()
    (code / "parts.py").write_text("".join(f"class {item.name}: pass\n" for item in inspection.custom))
    verification = verified(
        "keras.models.load_model(path, custom_objects=custom_objects)",
        search_path=(str(code),),
        imported=(ImportedObject(name="Shift", module="provider", attribute="Shift"),),
    )

    script = render(tmp_path, inspection, verification, code=code, modules=("provider",))

    assert unsealed(script) == whole(inspection, WITH_DEFINITIONS, is_proven=True)


TO_FILL_IN = {
    "custom_layer/model.h5": """
import tensorflow as tf

custom_objects = {
    # YOUR DEFINITIONS: import what the model needs above, and name it here.
    # 'Scale': ...,
}


def load(path=os.path.normpath(os.path.join(HERE, 'net.h5'))):
    model = tf.keras.models.load_model(path, custom_objects=custom_objects)
    return model
""",
    "keras/tf-2.3-weights.h5": """
import tensorflow as tf


def build_model():
    # YOUR MODEL: build it here as it was when its weights were saved, with its input shape.
    raise NotImplementedError("fill in build_model: the file holds weights alone")


def load(path=os.path.normpath(os.path.join(HERE, 'net.h5'))):
    model = build_model()
    model.load_weights(path)
    return model
""",
}


@pytest.mark.parametrize("asset", TO_FILL_IN)
def test_what_nobody_passed_has_a_marked_place(asset: str, tmp_path: Path) -> None:
    inspection = inspected(asset, tmp_path / "net.h5")

    script = render(tmp_path, inspection, None)

    assert unsealed(script) == whole(inspection, TO_FILL_IN[asset], is_proven=False)


BUILT = """\
sys.path.append(os.path.normpath(os.path.join(HERE, 'src')))

{imports}


def load(path=os.path.normpath(os.path.join(HERE, 'net.h5'))):
    model = Net()
    model.load_weights(path)
    return model
"""


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("parts", "from parts import Net"),
        ("my-parts", "import importlib\nNet = importlib.import_module('my-parts').Net"),
    ],
)
def test_weights_are_loaded_into_what_the_persons_code_builds(module: str, imports: str, tmp_path: Path) -> None:
    inspection = inspected("keras/tf-2.3-weights.h5", tmp_path / "net.h5")
    builder = Definition(name="Net", file=tmp_path / f"src/{module}.py", line=1, root=tmp_path / "src", module=module)

    script = render(tmp_path, inspection, None, builder=builder)

    assert unsealed(script) == whole(inspection, BUILT.format(imports=imports), is_proven=False)


MAPPING = WeightMapping(
    network=Network(provider="tf.keras.applications", name="VGG16", arguments={}, lines=("2.4",), layers=(), order=()),
    has_classifier=True,
    classes=10,
    layers=(MappedLayer("block1_conv1", ("net/conv1/weights", None)), MappedLayer("fc1", ("net/fc6/weights",))),
    left=("net/it's",),
    differences="It differs.",
)

MAPPED = """
import tensorflow as tf

# What each layer with weights takes, in the order of the model; None stays as it is made.
VARIABLES = [
    ('block1_conv1', ['net/conv1/weights', None]),
    ('fc1', ['net/fc6/weights']),
]
NOT_TAKEN = [
    "net/it's",
]


def build_model():
    # Recognised by the names and shapes of the weights. Images are to be prepared as they were for the training.
    # It differs.
    return tf.keras.applications.VGG16(weights=None, classes=10)


def fill(model, reader):
    layers = [layer for layer in model.layers if layer.weights]
    random = [name for name, keys in VARIABLES if not keys] + [layer.name for layer in layers[len(VARIABLES):]]
    if random:
        raise ValueError("nothing is stored for these layers: " + ", ".join(random))
    if len(layers) < len(VARIABLES):
        raise ValueError("the model has %d layers with weights, and %d are stored" % (len(layers), len(VARIABLES)))
    for layer, (_, keys) in zip(layers, VARIABLES):
        made = layer.get_weights()
        stored = [reader.get_tensor(key).reshape(old.shape) if key else old for key, old in zip(keys, made)]
        layer.set_weights(stored)
    print("weights were taken over for all %d layers" % len(layers))
    for key in NOT_TAKEN:
        print("not taken over:", key)


def load(path=os.path.normpath(os.path.join(HERE, 'model.ckpt-1'))):
    model = build_model()
    fill(model, tf.train.load_checkpoint(path))
    return model
"""


def test_weights_of_a_known_network_are_taken_over_layer_by_layer(tmp_path: Path) -> None:
    inspection = inspected("checkpoints/1.15", tmp_path / "model.ckpt-1")
    verification = verified("tf.train.load_checkpoint(path)")

    script = render(tmp_path, inspection, verification, mapping=MAPPING)

    assert unsealed(script) == whole(inspection, MAPPED, is_proven=False)


def test_keras_loads_its_own_file_of_weights_into_a_known_network(tmp_path: Path) -> None:
    inspection = inspected("keras/tf-2.3-weights.h5", tmp_path / "net.h5")

    script = unsealed(render(tmp_path, inspection, None, mapping=MAPPING))

    assert "    return tf.keras.applications.VGG16(weights=None, classes=10)\n" in script
    assert "    model = build_model()\n    model.load_weights(path)\n" in script
    assert "VARIABLES" not in script


@pytest.mark.parametrize("name", ["net.h5", "n\u00e4t # Lock: .h5"])
def test_a_script_that_was_filled_in_is_told_from_one_that_was_not(name: str, tmp_path: Path) -> None:
    script = render(tmp_path, inspected("custom_layer/model.h5", tmp_path / name), None)

    assert is_unchanged(script)
    assert not is_unchanged(script.replace("# 'Scale': ...,", "'Scale': Scale,"))
    assert not is_unchanged(unsealed(script))


@pytest.mark.parametrize(
    ("asset", "name", "lines"),
    [
        pytest.param(
            "graphs/1.15/frozen.pb",
            "net.pb",
            [
                "session = tf.compat.v1.InteractiveSession(graph=tf.compat.v1.Graph())",
                "tf.compat.v1.import_graph_def(read_graph(path), name='')",
                "return session",
            ],
            id="a frozen graph",
        ),
        pytest.param(
            "graphs/2.16/model.meta",
            "net.meta",
            [
                "session = tf.compat.v1.InteractiveSession(graph=tf.compat.v1.Graph())",
                "saver = tf.compat.v1.train.import_meta_graph(path, clear_devices=True)",
                "if tf.compat.v1.train.checkpoint_exists(path[:-len('.meta')]):",
                "    saver.restore(session, path[:-len('.meta')])",
                "return session",
            ],
            id="a MetaGraph",
        ),
        pytest.param(
            "tflite/2.10-quantized.tflite",
            "net.tflite",
            [
                "lite = tf.lite if hasattr(tf, 'lite') else tf.contrib.lite",
                "model = lite.Interpreter(model_path=path)",
                "return model",
            ],
            id="a TensorFlow Lite model",
        ),
    ],
)
def test_what_was_not_loaded_is_loaded_in_the_usual_way(
    asset: str, name: str, lines: list[str], tmp_path: Path
) -> None:
    script = render(tmp_path, inspected(asset, tmp_path / name), None)

    compile(script, "load_model.py", "exec")
    body = script.partition("def load(")[2].partition("\n\n\n")[0].splitlines()[1:]
    assert [line.removeprefix("    ") for line in body] == lines
    assert "# Not tried yet." in script


# --- run -----------------------------------------------------------------------------------------------------

# Packages of which each returns what was asked of it, and has one input and one output.
TENSOR = """
from __future__ import print_function

class Tensor(object):
    dtype = type("DType", (), {"name": "float32"})
    shape = (None, 2)
    def __init__(self, name):
        self.name = name
"""
KERAS = (
    TENSOR
    + """
class models(object):
    @staticmethod
    def load_model(path, custom_objects=None):
        print(open(path).read(), sorted(custom_objects or ()))
        return type("Model", (), {"inputs": [Tensor("x")], "outputs": [Tensor("y")]})
"""
)
TENSORFLOW = (
    TENSOR
    + """
class Operation(object):
    def __init__(self, type, inputs, outputs):
        self.type, self.inputs, self.outputs = type, inputs, outputs

x, y = Tensor("x:0"), Tensor("y:0")
OPERATIONS = [Operation("Placeholder", [], [x]), Operation("Relu", [x], [y])]

class Graph(object):
    def get_operations(self):
        return OPERATIONS

class InteractiveSession(object):
    def __init__(self, graph):
        self.graph = graph

class train(object):
    @staticmethod
    def load_checkpoint(path):
        print(path[-3:])
        class Reader(object):
            get_variable_to_shape_map = staticmethod(lambda: {"weights": [2, 1]})
            get_variable_to_dtype_map = staticmethod(lambda: {"weights": Tensor.dtype})
        return Reader

class saved_model(object):
    @staticmethod
    def load(path):
        class Function(object):
            structured_input_signature = ((), {"x": x})
            structured_outputs = {"y": y}
        return type("Loaded", (), {"signatures": {"serving_default": Function}})

class lite(object):
    class Interpreter(object):
        def __init__(self, model_path):
            self.allocate_tensors = lambda: None
            self.get_input_details = lambda: [{"name": "x", "dtype": float, "shape": [1, 2]}]
            self.get_output_details = lambda: [{"name": "y", "dtype": float, "shape": [1, 2]}]

def import_graph_def(graph_def, name):
    pass
"""
)

TOLD = "input {0} float32 (None, 2)\noutput {1} float32 (None, 2)\n"


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder with the packages, and ``net`` beside them."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/keras.py").write_text(KERAS)
    (tmp_path / "packages/tensorflow.py").write_text(TENSORFLOW)
    (tmp_path / "net").write_text("content")
    return tmp_path


def run(bench: Path, script: str | None, *words: str, python: str | Path = sys.executable) -> str:
    completed = run_whole(bench, script, *words, python=python)
    assert completed.stderr == ""
    return completed.stdout


def run_whole(
    bench: Path, script: str | None, *words: str, python: str | Path = sys.executable
) -> subprocess.CompletedProcess[str]:
    (bench / "load_model.py").write_text(script, encoding="utf-8")
    return subprocess.run(
        [str(python), str(bench / "load_model.py"), *words],
        env={"PYTHONPATH": str(bench / "packages"), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "lines", "told"),
    [
        pytest.param(
            "tf.saved_model.load(path)",
            [],
            "signature serving_default\n  input x float32 (None, 2)\n  output y float32 (None, 2)\n",
            id="signatures",
        ),
        pytest.param(
            "tf.import_graph_def(graph_def, name='')",
            [
                "graph_def = open(path).read()",
                "session = tf.InteractiveSession(graph=tf.Graph())",
                "tf.import_graph_def(graph_def, name='')",
            ],
            TOLD.format("x:0", "y:0"),
            id="graph",
        ),
        pytest.param("tf.train.load_checkpoint(path)", [], "net\nvariable weights float32 [2, 1]\n", id="checkpoint"),
        pytest.param(
            "tf.lite.Interpreter(model_path=path)", [], "input x float [1, 2]\noutput y float [1, 2]\n", id="lite"
        ),
    ],
)
def test_it_shows_what_goes_in_and_what_comes_out(bench: Path, how: str, lines: list[str], told: str) -> None:
    inspection = inspected("graphs/1.15/frozen.pb", bench / "net")
    verification = verified(how, *lines, imports=("import tensorflow as tf",))

    assert run(bench, render(bench, inspection, verification)) == told


NETWORK = """
class Array(object):
    def __init__(self, value):
        self.value, self.shape = value, None
    def reshape(self, shape):
        return self

class Layer(object):
    def __init__(self, name, *made):
        self.name, self.weights = name, [Array(value) for value in made]
    def get_weights(self):
        return self.weights
    def set_weights(self, weights):
        print(self.name, [weight.value for weight in weights])

class Model(object):
    inputs, outputs = [Tensor("x")], [Tensor("y")]
    layers = [Layer("input"), Layer("block1_conv1", "random", "zero"), Layer("fc1", "random")]

class keras(object):
    class applications(object):
        VGG16 = staticmethod(lambda weights, classes: Model)

class train(object):
    class load_checkpoint(object):
        def __init__(self, path):
            pass
        def get_tensor(self, key):
            return Array(key)
"""


@pytest.mark.parametrize("python", ["2.7", "3.13"])
def test_what_has_no_counterpart_is_told(
    bench: Path, python: str, require_interpreter: Callable[[str], Interpreter]
) -> None:
    (bench / "packages/tensorflow.py").write_text(TENSOR + NETWORK)
    inspection = inspected("checkpoints/1.15", bench / "net")

    told = run(bench, render(bench, inspection, None, mapping=MAPPING), python=require_interpreter(python).executable)

    assert told == (
        "block1_conv1 ['net/conv1/weights', 'zero']\n"
        "fc1 ['net/fc6/weights']\n"
        "weights were taken over for all 2 layers\n"
        "not taken over: net/it's\n"
    ) + TOLD.format("x", "y")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((*MAPPING.layers[:1], MappedLayer("fc1", ())), "nothing is stored for these layers: fc1"),
        (MAPPING.layers[:1], "nothing is stored for these layers: fc1"),
        (
            (*MAPPING.layers, MappedLayer("fc2", ("net/fc7/weights",))),
            "the model has 2 layers with weights, and 3 are stored",
        ),
    ],
    ids=["not stored", "not known", "too many"],
)
def test_no_layer_is_left_with_random_values(bench: Path, layers: tuple[MappedLayer, ...], expected: str) -> None:
    (bench / "packages/tensorflow.py").write_text(TENSOR + NETWORK)
    inspection = inspected("checkpoints/1.15", bench / "net")

    completed = run_whole(bench, render(bench, inspection, None, mapping=MAPPING._replace(layers=layers)))

    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr.splitlines()[-1] == f"ValueError: {expected}"


PLAIN = "keras.models.load_model(path)"


def test_it_takes_another_path(bench: Path) -> None:
    inspection = inspected("keras/tf-2.3-functional.h5", bench / "net")
    (bench / "other").write_text("other content")

    told = run(bench, render(bench, inspection, verified(PLAIN)), str(bench / "other"))

    assert told == "other content []\n" + TOLD.format("x", "y")


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.13"])
@pytest.mark.parametrize("name", ["näme.h5", "quote ' \" \\ and\nline.h5"])
def test_odd_names_are_spelt_for_every_python(
    bench: Path, name: str, line: str, require_interpreter: Callable[[str], Interpreter]
) -> None:
    inspection = inspected("keras/tf-2.3-functional.h5", bench / name)
    (bench / name).write_text("content")

    told = run(bench, render(bench, inspection, verified(PLAIN)), python=require_interpreter(line).executable)

    assert told == "content []\n" + TOLD.format("x", "y")


def test_definitions_of_one_name_and_in_files_of_odd_names_are_all_passed(bench: Path) -> None:
    inspection = inspected("custom_layer/model.h5", bench / "net")
    (bench / "code").mkdir()
    (bench / "code/my-parts 2.py").write_text(SCALE)
    (bench / "packages/provider.py").write_text(SCALE)
    (bench / "packages/second.py").write_text(SCALE)
    imported = tuple(
        ImportedObject(name=f"{module}>Scale", module=module, attribute="Scale") for module in ("provider", "second")
    )
    verification = verified("keras.models.load_model(path, custom_objects)", imported=imported)

    script = render(bench, inspection, verification, code=bench / "code")

    told = "content ['Scale', 'provider>Scale', 'second>Scale']\n"
    assert run(bench, script) == told + TOLD.format("x", "y")
    assert "from second import Scale as Scale_2\n" in script


def test_definitions_that_are_called_like_what_the_script_uses_do_not_replace_it(tmp_path: Path) -> None:
    names = ["HERE", "builtins", "os", "path", "sys"]
    imported = tuple(ImportedObject(name=name, module="mine", attribute=name) for name in names)

    script = render(
        tmp_path,
        inspected("custom_layer/model.h5", tmp_path / "model.h5"),
        verified("keras.models.load_model(path)", imported=imported),
    )

    assert [line for line in script.splitlines() if line.startswith("from mine")] == [
        "from mine import HERE as HERE_2",
        "from mine import builtins as builtins_2",
        "from mine import os as os_2",
        "from mine import path",
        "from mine import sys as sys_2",
    ]
