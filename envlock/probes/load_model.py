"""Load a model with the packages of the Python that runs this, call it, and tell how that went.

Reads one JSON object from stdin: ``path``, ``format``, ``loaders``, and optionally ``inputs``, ``tags``, ``modules``,
``code``, ``roots``, ``trust``. Writes its findings to stdout as they grow, one JSON object a line: the last line
counts, and is all there is when the process dies. Valid from Python 2.7 on; needs the standard library, and whatever
the loaders are.
"""

from __future__ import print_function

import importlib
import inspect
import json
import os
import re
import sys
import traceback

LONGEST_ERROR = 2048
LONGEST_TRACEBACK = 8192
LARGEST_INPUT = 50 * 1000 * 1000


def main():
    channel = claim_stdout()
    request = json.loads(sys.stdin.read())
    close_stdin()
    findings = Findings(channel)
    # Behind the packages of the environment: a source file named like one of them must not replace it.
    sys.path[:] = sys.path[1:] + request.get("roots", [])
    custom_objects = import_code(request, findings)
    loaded = load(request, custom_objects, findings)
    if loaded is not None:
        call(loaded, request.get("inputs", []), findings)
    findings.finish()


# --- the channel ---------------------------------------------------------------------------------------------


def claim_stdout():
    """Keep stdout for the findings: whatever else writes there reaches stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def close_stdin():
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


class Findings(object):
    """What is known so far; told anew at every stage."""

    def __init__(self, channel):
        self._channel = channel
        self._known = {
            "stage": "start Python",
            "done": False,
            "loads": False,
            "predicts": None,
            "loader": "",
            "how": "",
            "error": None,
            "traceback": "",
            "attempts": [],
            "code_errors": [],
            "imported": [],
            "outputs": [],
            "versions": {},
        }

    def enter(self, stage):
        self._known["stage"] = stage
        self._tell()

    def add_attempt(self, how, failure):
        self._known["attempts"].append(dict(failure, how=how))
        self._known.update(failure)

    def add_code_error(self, where, failure):
        error = {"file": where, "error": failure["error"]}
        if error not in self._known["code_errors"]:
            self._known["code_errors"].append(error)

    def add_import(self, name, module, attribute):
        """*attribute* of *module* is what the model calls *name*."""
        self._known["imported"].append({"name": name, "module": module, "attribute": attribute})

    def set_loaded(self, loader, how):
        self._known.update(loads=True, loader=loader, how=how, error=None, traceback="")

    def set_called(self, outputs):
        self._known.update(predicts=True, outputs=outputs)

    def set_refused(self, failure, is_legal):
        """The call failed: the model's fault where the input was legal for sure."""
        self._known.update(failure, predicts=False if is_legal else None)

    def finish(self):
        self._known.update(done=True)
        self._tell()

    def _tell(self):
        self._known["versions"] = find_versions()
        line = (json.dumps(self._known) + "\n").encode("ascii")
        while line:
            line = line[os.write(self._channel, line) :]


def find_versions():
    versions = {"python": "%d.%d.%d" % sys.version_info[:3]}
    for name in ("tensorflow", "keras", "tf_keras", "numpy", "h5py", "google.protobuf"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            versions[name] = str(version)
    return versions


def describe(error):
    """The error in progress, as text of bounded length."""
    try:
        message = str(error)
    except UnicodeError:
        message = repr(error)
    if isinstance(message, bytes):
        message = message.decode("utf-8", "replace")
    text = "".join(traceback.format_exception(type(error), error, foreign_part(sys.exc_info()[2])))
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    summary = "%s: %s" % (type(error).__name__, message)
    return {"error": summary[:LONGEST_ERROR], "traceback": text[-LONGEST_TRACEBACK:]}


def foreign_part(trace):
    """What lies beyond the calls within this file: those say nothing of the model."""
    while trace is not None and trace.tb_frame.f_code.co_filename == describe.__code__.co_filename:
        trace = trace.tb_next
    return trace


FAILURES = (Exception, SystemExit)


# --- code that the model needs -------------------------------------------------------------------------------


def import_code(request, findings):
    """Import the modules and sources that the request names; returns the custom objects by name."""
    for name in request.get("modules", []):
        findings.enter("import %s" % name)
        try:
            importlib.import_module(name)
        except FAILURES as error:
            findings.add_code_error(name, describe(error))
    objects = {}
    for wanted in request.get("code", []):
        findings.enter("import %s" % wanted["file"])
        try:
            objects[wanted["name"]] = getattr(import_source(wanted["module"], wanted["file"]), wanted["object"])
        except FAILURES as error:
            findings.add_code_error(wanted["file"], describe(error))
        else:
            findings.add_import(wanted["name"], wanted["module"], wanted["object"])
    for name in request.get("custom_objects", []):
        for module in request.get("modules", []):
            if name not in objects and hasattr(sys.modules.get(module), name):
                objects[name] = getattr(sys.modules[module], name)
                findings.add_import(name, module, name)
    return objects


def import_source(name, path):
    """By name, so that relative imports work; by path where the file's name is none that `import` takes."""
    if all(re.match(r"[A-Za-z_]\w*$", part) for part in name.split(".")):
        return importlib.import_module(name)
    name = re.sub(r"\W", "_", name)
    if sys.version_info < (3, 5):
        import imp

        return imp.load_source(name, path)
    from importlib import util

    spec = util.spec_from_file_location(name, path)
    module = sys.modules[name] = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- loading -------------------------------------------------------------------------------------------------


def load(request, custom_objects, findings):
    """The model, by the first way that works; None where none does."""
    for loader in request["loaders"]:
        findings.enter("import %s" % KERAS_MODULES.get(loader, "tensorflow"))
        try:
            ways = list(ways_of(loader, request, custom_objects))
        except FAILURES as error:
            findings.add_attempt("import %s" % KERAS_MODULES.get(loader, "tensorflow"), describe(error))
            continue
        for how, open_model in ways:
            findings.enter(how)
            try:
                loaded = open_model()
            except FAILURES as error:
                findings.add_attempt(how, describe(error))
            else:
                findings.set_loaded(loader, how)
                return loaded
    return None


KERAS_MODULES = {"tf.keras": "tf.keras", "keras": "keras", "tf-keras": "tf_keras"}


def ways_of(loader, request, custom_objects):
    """Pairs of a Python expression and the function that does the same."""
    path, kind = request["path"], request.get("format", "")
    if loader in KERAS_MODULES:
        return keras_ways(KERAS_MODULES[loader], path, kind, custom_objects, request.get("trust", False))
    import tensorflow as tf

    ways = {"graph-def": graph_ways, "meta-graph": meta_graph_ways, "checkpoint": checkpoint_ways, "tflite": lite_ways}
    if kind in ways:
        return ways[kind](tf, path)
    return saved_model_ways(tf, path, request.get("tags", []))


def keras_ways(module, path, kind, custom_objects, trust):
    if module == "tf.keras":
        import tensorflow as tf

        keras = tf.keras
    else:
        keras = importlib.import_module(module)
    if kind in ("keras-json", "keras-yaml"):
        reader_name = {"keras-json": "model_from_json", "keras-yaml": "model_from_yaml"}[kind]
        reader = getattr(keras.models, reader_name)
        known = {"custom_objects": custom_objects} if custom_objects else {}
        how = "%s.models.%s(open(path).read()%s)" % (module, reader_name, spell(known))
        yield how, lambda: KerasModel(reader(read_text(path), **known))
        return
    load_model = keras.models.load_model
    for options in ({}, {"compile": False}, {"safe_mode": False}, {"compile": False, "safe_mode": False}):
        if ("safe_mode" in options and not trust) or not all(accepts(load_model, name) for name in options):
            continue
        if custom_objects:
            options = dict(options, custom_objects=custom_objects)
        how = "%s.models.load_model(path%s)" % (module, spell(options))
        yield how, lambda options=options: KerasModel(load_model(path, **options))


def spell(options):
    values = {"custom_objects": "custom_objects"}
    return "".join(", %s=%s" % (name, values.get(name, value)) for name, value in sorted(options.items()))


def accepts(function, name):
    try:
        if sys.version_info < (3,):
            return name in inspect.getargspec(function).args
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True


def read_text(path):
    with open(path) as stream:
        return stream.read()


def saved_model_ways(tf, path, tags):
    if os.path.isfile(path):
        path = os.path.dirname(path)
    if is_tensorflow_2(tf):
        yield "tf.saved_model.load(path)", lambda: SavedModel(tf, tf.saved_model.load(path))
        # The optimizer of a compiled Keras model comes back only once Keras is imported, which this does.
        how = "tf.keras.models and tf.saved_model.load(path)"
        yield how, lambda: SavedModel(tf, tf.keras.models and tf.saved_model.load(path))
        if tags:
            how = "tf.saved_model.load(path, tags=%r)" % ([str(tag) for tag in tags],)
            yield how, lambda: SavedModel(tf, tf.saved_model.load(path, tags=tags))
        return
    v1, prefix = version_1_of(tf)
    tags = [str(tag) for tag in tags] or ["serve"]
    how = "%s.saved_model.loader.load(session, %r, path)" % (prefix, tags)
    yield how, lambda: load_in_session(v1, path, tags)


def is_tensorflow_2(tf):
    return int(tf.__version__.split(".")[0]) >= 2


def version_1_of(tf):
    """The interface of TensorFlow 1 and how it is spelt."""
    if hasattr(tf, "compat") and hasattr(tf.compat, "v1"):
        return tf.compat.v1, "tf.compat.v1"
    return tf, "tf"


def load_in_session(v1, path, tags):
    session = v1.Session(graph=v1.Graph())
    with session.graph.as_default():
        meta_graph = v1.saved_model.loader.load(session, tags, path)
    name = choose_signature(meta_graph.signature_def)
    if name is None:
        return SessionModel(v1, session, {}, {})
    signature = meta_graph.signature_def[name]
    tensors = [
        dict((key, session.graph.get_tensor_by_name(info.name)) for key, info in part.items() if info.name)
        for part in (signature.inputs, signature.outputs)
    ]
    return SessionModel(v1, session, *tensors)


def choose_signature(names):
    callable_names = sorted(name for name in names if not name.startswith("__"))
    return "serving_default" if "serving_default" in names else next(iter(callable_names), None)


def graph_ways(tf, path):
    v1, prefix = version_1_of(tf)
    yield "%s.import_graph_def(graph_def, name='')" % prefix, lambda: import_graph(v1, path)


def import_graph(v1, path):
    with open(path, "rb") as stream:
        data = stream.read()
    graph_def = v1.GraphDef()
    try:
        graph_def.ParseFromString(data)
    except Exception:
        if path.endswith(".pb"):
            raise
        from google.protobuf import text_format

        graph_def = text_format.Parse(data.decode("utf-8"), v1.GraphDef())
    session = v1.Session(graph=v1.Graph())
    with session.graph.as_default():
        v1.import_graph_def(graph_def, name="")
    return SessionModel(v1, session, *ends_of_graph(session.graph))


def meta_graph_ways(tf, path):
    v1, prefix = version_1_of(tf)
    yield "%s.train.import_meta_graph(path)" % prefix, lambda: import_meta_graph(v1, path)


def import_meta_graph(v1, path):
    session = v1.Session(graph=v1.Graph())
    prefix = path[: -len(".meta")] if path.endswith(".meta") else path
    with session.graph.as_default():
        saver = v1.train.import_meta_graph(path)
        if saver is None or not os.path.exists(prefix + ".index"):
            return SessionModel(v1, session, {}, {})
        saver.restore(session, prefix)
    return SessionModel(v1, session, *ends_of_graph(session.graph))


def ends_of_graph(graph):
    """Tensors that are fed, and tensors that nothing reads."""
    operations = graph.get_operations()
    read = set(tensor.name for operation in operations for tensor in operation.inputs)
    inputs = [tensor for operation in operations if operation.type == "Placeholder" for tensor in operation.outputs]
    outputs = [tensor for operation in operations for tensor in operation.outputs if tensor.name not in read]
    return dict((tensor.name, tensor) for tensor in inputs), dict((tensor.name, tensor) for tensor in outputs)


def checkpoint_ways(tf, path):
    yield "tf.train.load_checkpoint(path)", lambda: read_checkpoint(tf, path)


def read_checkpoint(tf, path):
    reader_of = getattr(tf.train, "load_checkpoint", None) or tf.contrib.framework.load_checkpoint
    if os.path.isdir(path):
        path = tf.train.latest_checkpoint(path) or path
    prefix = re.sub(r"\.(index|data-\d+-of-\d+)$", "", path)
    reader = reader_of(prefix)
    for name in reader.get_variable_to_shape_map():
        reader.get_tensor(name)
    return Uncallable("a checkpoint holds variables without a graph")


def lite_ways(tf, path):
    yield "tf.lite.Interpreter(path)", lambda: open_lite(tf, path)


def open_lite(tf, path):
    lite = tf.lite if hasattr(tf, "lite") else tf.contrib.lite
    interpreter = lite.Interpreter(model_path=path)
    interpreter.allocate_tensors()
    return LiteModel(interpreter)


# --- calling -------------------------------------------------------------------------------------------------
#
# A callable model offers `specifications(known)`, a structure (list or dict) of Specification, and
# `ways(structure of arrays)`, the functions that call it, each returning a structure of arrays.


class Specification(object):
    """An input: batch axis included, None for a free axis, shape None where the rank is unknown."""

    def __init__(self, name, dtype, shape, kind="dense"):
        self.name = str(name)
        self.dtype = re.sub(r"_ref$", "", str(dtype))
        self.shape = None if shape is None else tuple(None if axis in (None, -1) else int(axis) for axis in shape)
        self.kind = kind

    @property
    def is_definite(self):
        """Whether an input made from this cannot be wrong."""
        return self.shape is not None and None not in self.shape[1:] and self.dtype != "string"


class NoInputError(Exception):
    """No legal input can be made."""


class Uncallable(object):
    def __init__(self, reason):
        self.reason = reason

    def specifications(self, known):
        raise NoInputError(self.reason)


class KerasModel(object):
    def __init__(self, model):
        # Some releases hand out a bare object for a SavedModel that Keras did not write.
        if not hasattr(model, "predict"):
            raise TypeError("load_model returned %s, which is no Keras model" % type(model).__name__)
        self._model = model

    def specifications(self, known):
        tensors = getattr(self._model, "inputs", None)
        if not tensors:
            tensors = getattr(self._model, "_saved_model_inputs_spec", None)
        if tensors:
            return map_structure(specification_of, tensors)
        if known:
            return known
        raise NoInputError("the model does not say what its inputs are")

    def ways(self, arrays):
        # `predict` and the model itself differ in the structures and types that they take.
        flat = flatten(arrays)
        single = flat[0] if len(flat) == 1 and not isinstance(arrays, dict) else arrays
        yield lambda: self._model.predict(single)
        names = getattr(self._model, "input_names", None) or []
        if len(names) == len(flat) > 1:
            yield lambda: self._model.predict(dict(zip(names, flat)))
        import tensorflow as tf

        if is_tensorflow_2(tf):
            yield lambda: self._model(map_structure(tf.convert_to_tensor, single))


class SavedModel(object):
    def __init__(self, tf, loaded):
        self._tf = tf
        self._loaded = loaded
        name = choose_signature(getattr(loaded, "signatures", {}))
        self._function = None if name is None else loaded.signatures[name]

    def specifications(self, known):
        if self._function is None:
            raise NoInputError("the model has no signature that could be called")
        structure = self._function.structured_input_signature
        # Some releases keep none for the signatures that TensorFlow 1 wrote.
        named = name_inputs(self._function) if structure is None else structure[1]
        return dict((name, specification_of(tensor)) for name, tensor in named.items())

    def ways(self, arrays):
        named = dict((name, self._tf.constant(array)) for name, array in arrays.items())
        yield lambda: self._function(**named)


def name_inputs(function):
    """The tensors that *function* is called with, under the names of its arguments."""
    # Behind them stand the variables and tables that it has captured.
    tensors = function.inputs[: len(function.inputs) - len(function.captured_inputs)]
    names = getattr(function, "_arg_keywords", None) or [re.sub(r":0$", "", tensor.name) for tensor in tensors]
    return dict(zip(names, tensors))


class SessionModel(object):
    def __init__(self, v1, session, inputs, outputs):
        self._v1 = v1
        self._session = session
        self._inputs = inputs
        self._outputs = outputs

    def specifications(self, known):
        if not self._outputs:
            raise NoInputError("the model has no signature that could be called")
        return dict((name, specification_of(tensor)) for name, tensor in self._inputs.items())

    def ways(self, arrays):
        feed = dict((self._inputs[name], array) for name, array in arrays.items())
        yield lambda: self._session.run(self._outputs, feed)


class LiteModel(object):
    def __init__(self, interpreter):
        self._interpreter = interpreter

    def specifications(self, known):
        details = self._interpreter.get_input_details()
        return [Specification(item["name"], item["dtype"].__name__, item["shape"]) for item in details]

    def ways(self, arrays):
        yield lambda: self._run(arrays)

    def _run(self, arrays):
        for item, array in zip(self._interpreter.get_input_details(), arrays):
            self._interpreter.set_tensor(item["index"], array)
        self._interpreter.invoke()
        details = self._interpreter.get_output_details()
        return dict((item["name"], self._interpreter.get_tensor(item["index"])) for item in details)


def specification_of(tensor):
    """From a tensor or TensorSpec of any version of TensorFlow or Keras."""
    shape = getattr(tensor, "shape", None)
    if hasattr(shape, "as_list"):
        shape = None if shape.ndims is None else shape.as_list()
    dtype = getattr(tensor, "dtype", "float32")
    description = type(tensor).__name__ + str(getattr(tensor, "type_spec", ""))
    kind = next((kind for kind in ("ragged", "sparse") if kind in description.lower()), "dense")
    return Specification(getattr(tensor, "name", ""), getattr(dtype, "name", dtype), shape, kind)


def call(model, known, findings):
    """Call *model* on inputs made from what it says about them, until it takes one."""
    findings.enter("call the model")
    try:
        known = [Specification(item["name"], item["dtype"] or "float32", item["shape"]) for item in known]
        specifications = prepare(lambda: model.specifications(known))
        failure = try_inputs(model, specifications, findings)
    except NoInputError as error:
        findings.set_refused({"error": describe(error)["error"], "traceback": ""}, is_legal=False)
        return
    if failure is not None:
        findings.set_refused(failure, is_legal=all(item.is_definite for item in flatten(specifications)))


def prepare(make):
    """What *make* returns; an error in making an input is our own, and none of the model."""
    try:
        return make()
    except NoInputError:
        raise
    except Exception as error:
        raise NoInputError("no input can be made: %s" % describe(error)["error"])


def try_inputs(model, specifications, findings):
    """None when the model has taken an input; else why it refused the likeliest kind."""
    kinds = TEXTS if any(item.dtype == "string" for item in flatten(specifications)) else TEXTS[:1]
    failures = []
    for make_text in kinds:
        failure = try_sizes(model, specifications, make_text, findings)
        if failure is None:
            return None
        failures.append(failure)
    return failures[0]


def try_sizes(model, specifications, make_text, findings):
    """None when the model has taken an input of some size; else why it refused the last."""
    failure = None
    features = {}
    for batch, size in sizes_for(specifications):
        for _ in range(MOST_FEATURES):
            failure = try_one_input(model, specifications, batch, size, make_text(features), findings)
            if failure is None:
                return None
            if not learn_feature(failure["error"], features):
                break
    return failure


def try_one_input(model, specifications, batch, size, text, findings):
    arrays = prepare(lambda: map_structure(lambda item: make_array(item, batch, size, text), specifications))
    failure = None
    for way in model.ways(arrays):
        try:
            outputs = describe_outputs(way())
        except FAILURES as error:
            # The first refusal speaks of the model; later ones of the structure that was tried in addition.
            failure = failure or describe(error)
        else:
            findings.set_called(outputs)
            return None
    return failure


# --- inputs --------------------------------------------------------------------------------------------------

# Lengths that convolutions, sequences and image networks take.
FREE_SIZES = (8, 32, 64, 128, 224)
MOST_FEATURES = 64


def sizes_for(specifications):
    """Pairs of a batch size and a length for every other free axis."""
    items = flatten(specifications)
    has_free_axes = any(item.shape is not None and None in item.shape[1:] for item in items)
    for size in FREE_SIZES if has_free_axes else FREE_SIZES[:1]:
        yield 1, size
    yield 2, FREE_SIZES[0]


def make_array(item, batch, size, text):
    """Zeros and ones in turn: legal for floats, for indices into any table, and for masks."""
    import numpy
    import tensorflow as tf

    if item.dtype in ("resource", "variant"):
        raise NoInputError("input %s is a %s" % (item.name, item.dtype))
    shape = (batch,) if item.shape is None else item.shape
    shape = tuple((size if place else batch) if axis is None else axis for place, axis in enumerate(shape))
    count = int(numpy.prod(shape, dtype="int64"))
    if count > LARGEST_INPUT:
        raise NoInputError("input %s has %d elements" % (item.name, count))
    if item.dtype == "string":
        # Not numpy.full: it strips zero bytes from the end of a text.
        array = numpy.array([text] * count, dtype=object).reshape(shape)
    else:
        array = (numpy.arange(count) % 2).reshape(shape).astype(tf.as_dtype(item.dtype).as_numpy_dtype)
    if item.kind == "ragged":
        return tf.RaggedTensor.from_tensor(array)
    return tf.sparse.from_dense(array) if item.kind == "sparse" else array


def make_words(features):
    return b"one two"


def make_example(features):
    """A serialised tf.train.Example with *features*, which maps a name to a type and a length."""
    import tensorflow as tf

    makers = {
        "float": lambda count: tf.train.Feature(float_list=tf.train.FloatList(value=[0.0] * count)),
        "int64": lambda count: tf.train.Feature(int64_list=tf.train.Int64List(value=[0] * count)),
        "string": lambda count: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b""] * count)),
    }
    made = dict((name, makers[kind](count)) for name, (kind, count) in features.items())
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def make_picture(features):
    """A grey PNG of 8 x 8 pixels."""
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) & 0xFFFFFFFF)

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x80" * 24) * 8
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# What strings of a signature usually are.
TEXTS = (make_words, make_example, make_picture)

MISSING_FEATURE = re.compile(r"Feature: (.+?) \(data type: (\w+)\) is required but could not be found")
FEATURE_LENGTH = re.compile(
    r"Key: (.+?)(?:, Index: \d+)?\.\s+Number of \w+ values != expected\.\s+"
    r"values size: \d+ but output shape: \[([\d,]*)\]",
    re.IGNORECASE,
)


def learn_feature(error, features):
    """Add what TensorFlow's parser of examples has missed; False when it missed nothing new."""
    missing = MISSING_FEATURE.search(error)
    length = FEATURE_LENGTH.search(error)
    if missing:
        name, learnt = missing.group(1), (missing.group(2), 1)
    elif length and length.group(1) in features:
        name, count = length.group(1), 1
        for axis in filter(None, length.group(2).split(",")):
            count *= int(axis)
        learnt = (features[name][0], count)
    else:
        return False
    is_new = features.get(name) != learnt
    features[name] = learnt
    return is_new


# --- outputs -------------------------------------------------------------------------------------------------


def describe_outputs(outputs):
    names = sorted(outputs) if isinstance(outputs, dict) else None
    flat = flatten(outputs)
    return [describe_output(name, value) for name, value in zip(names or [""] * len(flat), flat)]


def describe_output(name, value):
    import numpy

    value = getattr(value, "flat_values", getattr(value, "values", value))
    array = numpy.asarray(value)
    is_numeric = array.dtype.kind in "fc" or array.dtype.name == "bfloat16"
    return {
        "name": str(name),
        "dtype": "string" if array.dtype.kind in "OSU" else array.dtype.name,
        "shape": list(array.shape),
        "finite": bool(numpy.isfinite(array.astype("complex128" if array.dtype.kind == "c" else "float64")).all())
        if is_numeric
        else None,
    }


def map_structure(function, structure):
    if isinstance(structure, dict):
        return dict((key, map_structure(function, structure[key])) for key in structure)
    if isinstance(structure, (list, tuple)):
        return [map_structure(function, item) for item in structure]
    return function(structure)


def flatten(structure):
    """The leaves: of a dictionary in the order of its keys."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


main()
