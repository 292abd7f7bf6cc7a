"""Verification -> ``load_model.py``: a script that loads the artifact as it was loaded, and shows what goes in and out.

It is for the Python and the packages of the environment, from 2.7 on, and runs from any folder: places are relative to
its own. Where nothing was loaded, since definitions are missing or nobody asked for it, it holds the natural way, with
a marked place for what the person has to fill in.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from envlock.candidates import EnvironmentCandidate
from envlock.formats.text import printable
from envlock.inspection import Inspection
from envlock.inspection.findings import own_objects
from envlock.knowledge.loaders import import_for
from envlock.loading import meanings_for
from envlock.locks import Lock
from envlock.networks.mapping import WeightMapping
from envlock.own_code.definitions import Definition, import_statements, is_importable
from envlock.provenance import ArtifactContent, Provenance
from envlock.verification import Verification, path_to_load
from envlock.writers.seal import is_sealed, seal

FILE_NAME = "load_model.py"
_FIRST_WORDS = "# Written by envlock: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the script and what belongs to it are."""

    script_path: Path
    """Where the script is going to stand."""

    lock_path: Path
    environment_path: Path | None


def is_ours(text: str) -> bool:
    """Whether *text*, the beginning of an existing file, is that of such a script."""
    return text.startswith(_FIRST_WORDS)


def is_unchanged(text: str) -> bool:
    """Whether such a script is as it was written: what a person has filled in must not be lost."""
    return is_sealed(text)


def render_loader_script(
    inspection: Inspection,
    candidate: EnvironmentCandidate,
    lock: Lock,
    *,
    verification: Verification | None,
    definitions: Mapping[str, Definition],
    builder: Definition | None,
    mapping: WeightMapping | None,
    surroundings: Surroundings,
) -> str:
    """The whole script.

    Args:
        inspection: Of the artifact.
        candidate: What the environment is made for.
        lock: What is in it.
        verification: How the artifact was loaded; ``None`` where that was not tried.
        definitions: Where the person's code defines what the model needs, by name.
        builder: What of that code builds the model that weights belong to.
        mapping: How a model that TensorFlow brings takes the weights; it goes before a look at bare variables.
        surroundings: Where all of this is.
    """
    is_mapped = mapping is not None and builder is None
    is_proven = verification is not None and verification.loads and not is_mapped
    folder = surroundings.script_path.absolute().parent
    custom = _CustomObjects.of(inspection, definitions, verification, folder)
    if mapping is not None and is_mapped:
        way = _mapping_way(mapping, inspection.provenance.content)
    elif verification is not None and is_proven:
        way = _proven_way(verification)
    else:
        way = _natural_way(inspection, candidate, builder, passes_custom_objects=bool(custom.assignment))
    sources = [*definitions.values(), *filter(None, [builder])]
    own_roots = dict.fromkeys(str(item.root.absolute()) for item in sources)
    roots = verification.search_path if verification is not None else own_roots
    path = path_to_load(inspection.provenance.path.absolute(), inspection.provenance.format)
    lines = [
        *_head(lock, candidate, surroundings, is_proven=is_proven),
        *_start(candidate, [_place(Path(root), folder) for root in roots], runs_files=custom.runs_files),
        *dict.fromkeys((*way.imports, *(f"import {module}" for module in candidate.modules), *custom.imports)),
        *custom.assignment,
        *way.definitions,
        *("", "", f"def load(path={_place(path, folder)}):"),
        *(f"    {line}" for line in (*way.lines, f"return {way.shown}")),
        *("", "", *_SHOW[way.show].splitlines()),
        *("", "", 'if __name__ == "__main__":', "    show(load(*sys.argv[1:2]))"),
    ]
    text = "\n".join(lines) + "\n"
    # Python looks for it in the first two lines. Python 2 then takes a literal for the bytes that a file's name is.
    return seal(text if text.isascii() else text.replace("\n", "\n# -*- coding: utf-8 -*-\n", 1), before="# Lock: ")


# --- its parts -----------------------------------------------------------------------------------------------


def _head(lock: Lock, candidate: EnvironmentCandidate, surroundings: Surroundings, *, is_proven: bool) -> Iterator[str]:
    name = printable(lock.artifact)
    python = "python"
    if surroundings.environment_path is not None:
        path = surroundings.environment_path.absolute() / "bin" / "python"
        python = os.path.relpath(path, surroundings.script_path.absolute().parent)
    yield f"{_FIRST_WORDS}loads a saved model, and shows what goes in and what comes out."
    yield "#"
    yield f"#     {printable(python)} {printable(surroundings.script_path.name)} [PATH]"
    yield "#"
    yield f"# Artifact: {name}"
    yield f"# Environment: {candidate.name}"
    yield f"# Lock: {printable(surroundings.lock_path.name)}, digest {lock.digest}"
    yield "# The model was loaded so in this environment." if is_proven else "# Not tried yet."


def _start(candidate: EnvironmentCandidate, roots: list[str], *, runs_files: bool) -> Iterator[str]:
    yield from ("from __future__ import print_function", "", "import os")
    if runs_files:
        yield "import runpy"
    yield from ("import sys", "", "HERE = os.path.dirname(os.path.abspath(__file__))")
    # Before any import: packages look at their variables once, when they are imported.
    yield from (f"os.environ[{name!r}] = {value!r}" for name, value in sorted(candidate.loader.environment.items()))
    yield from (f"sys.path.append({root})" for root in roots)
    yield ""


def _place(path: Path, folder: Path) -> str:
    """An expression for *path*, which stays right when both are moved together."""
    return f"os.path.normpath(os.path.join(HERE, {os.path.relpath(path, folder)!r}))"


# --- custom objects ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _CustomObjects:
    """What the loader is passed as ``custom_objects``."""

    imports: tuple[str, ...]
    assignment: tuple[str, ...]
    runs_files: bool
    """Whether a definition stands in a file whose name `import` does not take."""

    @classmethod
    def of(
        cls,
        inspection: Inspection,
        definitions: Mapping[str, Definition],
        verification: Verification | None,
        folder: Path,
    ) -> _CustomObjects:
        """The objects of the person's code, of the modules that are imported, and those that nobody has defined."""
        imported = verification.imported if verification is not None else ()
        places = {item.name: (item.module, item.attribute) for item in imported}
        places |= {name: (item.module, item.name) for name, item in definitions.items()}
        imports: list[str] = []
        values: dict[str, str] = {}
        runs_files = False
        for name, (module, attribute) in places.items():
            if is_importable(module):
                values[name] = _unused(attribute, {*_OWN_NAMES, *values.values()})
                alias = "" if values[name] == attribute else f" as {values[name]}"
                imports.append(f"from {module} import {attribute}{alias}")
            else:
                runs_files = True
                file = _place(definitions[name].file.absolute(), folder)
                values[name] = f"runpy.run_path({file})[{attribute!r}]"
        missing = [item.name for item in own_objects(inspection.custom) if item.kind != "operation"]
        missing = [name for name in missing if name not in places]
        return cls(
            imports=tuple(imports),
            assignment=tuple(_assign(values, missing)),
            runs_files=runs_files,
        )


_OWN_NAMES = frozenset({"HERE", "builtins", "os", "runpy", "sys"})
"""Of the script, which still uses them when definitions have been imported."""


def _unused(name: str, used: Collection[str]) -> str:
    number, found = 1, name
    while found in used:
        number, found = number + 1, f"{name}_{number + 1}"
    return found


def _assign(values: Mapping[str, str], missing: Sequence[str]) -> Iterator[str]:
    if not values and not missing:
        return
    yield from ("", "custom_objects = {", *(f"    {name!r}: {value}," for name, value in values.items()))
    if missing:
        yield "    # YOUR DEFINITIONS: import what the model needs above, and name it here."
        yield from (f"    # {name!r}: ...," for name in missing)
    yield "}"


# --- ways to load --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How the artifact is loaded, and what becomes of it."""

    imports: tuple[str, ...]
    definitions: tuple[str, ...] = ()
    lines: tuple[str, ...]
    show: str
    """Which of the functions below shows it."""

    @property
    def shown(self) -> str:
        """The names of what these lines made, as an expression."""
        return {"signature": "session, model", "session": "session"}.get(self.show, "model")


def _proven_way(verification: Verification) -> _Way:
    how = verification.how
    show = next((show for part, show in _SHOW_BY_CALL.items() if part in how), "keras")
    return _Way(imports=verification.imports, lines=verification.lines, show=show)


def _natural_way(
    inspection: Inspection,
    candidate: EnvironmentCandidate,
    builder: Definition | None,
    *,
    passes_custom_objects: bool,
) -> _Way:
    """The first that verification would try."""
    provenance, probe = inspection.provenance, candidate.probes[0]
    if builder is not None:
        return _filling_way(builder)
    if probe == "tensorflow":
        return _way_of_tensorflow(provenance, is_version_1=candidate.tensorflow.version.major < 2)
    loader = candidate.loader
    imports: tuple[str, ...] = (import_for(loader.expression_for(provenance.format)),)
    if provenance.content == "weights":
        lines = ("model = build_model()", "model.load_weights(path)")
        return _Way(imports=imports, definitions=tuple(_BUILDER.splitlines()), lines=lines, show="keras")
    meanings = meanings_for(provenance, loader)
    if meanings:
        # Stored functions know what is built in, whatever Keras does with the custom objects.
        builtins = "import __builtin__ as builtins" if candidate.target.python == "2.7" else "import builtins"
        imports = (*imports, builtins, *(item.statement for item in meanings if item.statement))
    passed = ", custom_objects=custom_objects" if passes_custom_objects else ""
    return _Way(
        imports=imports,
        lines=(
            *(f"builtins.{item.name} = {item.expression}" for item in meanings),
            f"model = {loader.expression_for(provenance.format, arguments=passed)}",
        ),
        show="keras",
    )


def _way_of_tensorflow(provenance: Provenance, *, is_version_1: bool) -> _Way:
    """What TensorFlow itself loads, and no Keras: SavedModels, graphs, TensorFlow Lite models, else a checkpoint."""
    imports: tuple[str, ...] = (import_for("tf"),)
    version_1 = "tf" if is_version_1 else "tf.compat.v1"
    session = f"session = {version_1}.InteractiveSession(graph={version_1}.Graph())"
    show, definitions = "session", ""
    lines: tuple[str, ...]
    match provenance.format:
        case "saved-model" if is_version_1:
            tags = sorted(provenance.tags[0]) if provenance.tags else ["serve"]
            lines = ("session = tf.Session(graph=tf.Graph())", f"model = {_SESSION_LOADER}(session, {tags!r}, path)")
            show = "signature"
        case "saved-model":
            lines, show = ("model = tf.saved_model.load(path)",), "signatures"
        case "graph-def":
            imports = (*imports, "from google.protobuf import text_format")
            lines = (session, f"{version_1}.import_graph_def(read_graph(path), name='')")
            definitions = _GRAPH_READER.format(version_1=version_1)
        case "meta-graph":
            prefix = "path[:-len('.meta')]"
            lines = (
                session,
                f"saver = {version_1}.train.import_meta_graph(path, clear_devices=True)",
                f"if {version_1}.train.checkpoint_exists({prefix}):",
                f"    saver.restore(session, {prefix})",
            )
        case "tflite":
            lines = (
                "lite = tf.lite if hasattr(tf, 'lite') else tf.contrib.lite",
                "model = lite.Interpreter(model_path=path)",
            )
            show = "lite"
        case _:
            lines, show = ("model = tf.train.load_checkpoint(path)",), "variables"
    return _Way(imports=imports, definitions=tuple(definitions.splitlines()), lines=lines, show=show)


def _filling_way(builder: Definition) -> _Way:
    """The weights are loaded into what the person's code builds."""
    imports = import_statements(builder.module, builder.name)
    return _Way(imports=imports, lines=(f"model = {builder.name}()", "model.load_weights(path)"), show="keras")


def _mapping_way(mapping: WeightMapping, content: ArtifactContent) -> _Way:
    """A model of `tf.keras.applications` is built, and takes the weights, layer by layer where Keras cannot do it."""
    builder = (
        *("", "", "def build_model():", *(f"    # {line}" for line in _remarks(mapping))),
        f"    return {mapping.expression}",
    )
    imports = (import_for("tf"),)
    if content == "weights":
        lines = ("model = build_model()", "model.load_weights(path)")
        return _Way(imports=imports, definitions=builder, lines=lines, show="keras")
    table = (
        *("", "# What each layer with weights takes, in the order of the model; None stays as it is made."),
        *("VARIABLES = [", *(f"    ({layer.name!r}, {list(layer.keys)!r})," for layer in mapping.layers), "]"),
        *("NOT_TAKEN = [", *(f"    {key!r}," for key in mapping.left), "]"),
    )
    definitions = (*table, *builder, *_FILLER.splitlines())
    lines = ("model = build_model()", "fill(model, tf.train.load_checkpoint(path))")
    return _Way(imports=imports, definitions=definitions, lines=lines, show="keras")


def _remarks(mapping: WeightMapping) -> Iterator[str]:
    yield "Recognised by the names and shapes of the weights. Images are to be prepared as they were for the training."
    if mapping.differences:
        yield from wrap(mapping.differences, _WIDTH_OF_COMMENTS)


_WIDTH_OF_COMMENTS = 110

_FILLER = """

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
"""

_BUILDER = """

def build_model():
    # YOUR MODEL: build it here as it was when its weights were saved, with its input shape.
    raise NotImplementedError("fill in build_model: the file holds weights alone")
"""

_GRAPH_READER = """

def read_graph(path):
    with open(path, "rb") as stream:
        content = stream.read()
    # A message begins with the tag of a field, which is no letter, and text with the name of one.
    if content[:1].isalpha() or content[:1] == b"#":
        return text_format.Parse(content, {version_1}.GraphDef())
    return {version_1}.GraphDef.FromString(content)
"""

_SESSION_LOADER = "tf.saved_model.loader.load"

_SHOW_BY_CALL = {
    "saved_model.loader.load(": "signature",
    "import_graph_def(": "session",
    "import_meta_graph(": "session",
    "wrap_function": "function",
    "saved_model.load(": "signatures",
    "TFSMLayer(": "layer",
    "Interpreter(": "lite",
    "load_checkpoint(": "variables",
}
"""What a call in the expression that loads makes of the artifact; everything else makes a Keras model of it."""

_TELL = """\
def tell(kind, name, tensor):
    print(kind, name, getattr(tensor.dtype, "name", tensor.dtype), tensor.shape)


"""

_SHOW = {
    "keras": _TELL
    + """\
def show(model):
    for kind in ("input", "output"):
        for tensor in getattr(model, kind + "s", None) or ():
            tell(kind, tensor.name, tensor)
""",
    "signatures": _TELL
    + """\
def show(model):
    for name, function in sorted(model.signatures.items()):
        print("signature", name)
        for key, tensor in sorted(function.structured_input_signature[1].items()):
            tell("  input", key, tensor)
        for key, tensor in sorted(function.structured_outputs.items()):
            tell("  output", key, tensor)
""",
    "layer": _TELL
    + """\
def show(model):
    function = model.call_endpoint_fn
    for key, tensor in sorted(function.structured_input_signature[1].items()):
        tell("input", key, tensor)
    for key, tensor in sorted(function.structured_outputs.items()):
        tell("output", key, tensor)
""",
    "function": _TELL
    + """\
def show(model):
    for tensor in model.inputs:
        tell("input", tensor.name, tensor)
    for tensor in model.outputs:
        tell("output", tensor.name, tensor)
""",
    "signature": _TELL
    + """\
def show(loaded):
    session, model = loaded
    for name, signature in sorted(model.signature_def.items()):
        print("signature", name)
        for kind, tensors in (("  input", signature.inputs), ("  output", signature.outputs)):
            for key, info in sorted(tensors.items()):
                tell(kind, key, session.graph.get_tensor_by_name(info.name))
""",
    "session": _TELL
    + """\
def show(session):
    operations = session.graph.get_operations()
    read = set(tensor.name for operation in operations for tensor in operation.inputs)
    for operation in operations:
        for tensor in operation.outputs:
            if operation.type == "Placeholder":
                tell("input", tensor.name, tensor)
            elif tensor.name not in read:
                tell("output", tensor.name, tensor)
""",
    "lite": """\
def show(model):
    model.allocate_tensors()
    for kind, details in (("input", model.get_input_details()), ("output", model.get_output_details())):
        for item in details:
            print(kind, item["name"], item["dtype"].__name__, item["shape"])
""",
    "variables": """\
def show(model):
    types = model.get_variable_to_dtype_map()
    for name, shape in sorted(model.get_variable_to_shape_map().items()):
        print("variable", name, types[name].name, shape)
""",
}
