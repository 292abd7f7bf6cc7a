"""The kinds of artifacts: which Keras can write them, how they are saved, and how each loader brings them back."""

from __future__ import print_function

import importlib
import inspect
import os
import shutil
from collections import namedtuple

from packages import carries_code, package_of
from running_keras import as_array, compute, flatten, is_tensorflow_1, keras_version, one_line
from settled_weights import settle_weights
from shares import is_one_in_three

Kind = namedtuple("Kind", ("name", "suffix", "is_written_by", "save", "is_broad"))
"""Its name, what is added to the name of the subject, whether a Keras writes it, the function that saves a model at a
path and tells how, and whether every subject is saved so (few are, of the kinds that hold no more than others do)."""

# The subjects that are saved in every kind, beside a third of the networks.
IN_EVERY_KIND = {
    "chain_augmentation", "chain_bidirectional_sequences", "chain_gru_reset_after", "chain_normalized_convolution",
    "chain_vocabulary_embedded", "code_expression", "custom_layer", "custom_subclassed_model",
    "layer_Conv2DTranspose", "layer_Embedding", "layer_GRU", "layer_LSTM", "layer_MultiHeadAttention",
    "layer_SeparableConv2D", "model_functional", "model_functional_in_sequential", "model_functional_nested",
    "model_operators", "model_sequential", "model_several_outputs", "model_shared_layer", "model_stateful_lstm",
    "model_transformer_block", "optimizer_Adam", "policy_mixed_float16",
}  # fmt: skip

# The oldest Keras of TensorFlow that can write the zip layout of `.keras`.
ARCHIVES_SINCE = (2, 12)


# --- saving: each function returns the call that it made -----------------------------------------------------


def save_hdf5(keras, model, path):
    """The whole model in one HDF5 file."""
    model.save(path)
    return "model.save(path)"


def save_archive(keras, model, path):
    """The zip of TensorFlow 2.12 and later; 2.12 writes HDF5 under this suffix unless told otherwise."""
    if keras_version(keras)[:2] == (2, 12):
        model.save(path, save_format="keras_v3")
        return "model.save(path, save_format='keras_v3')"
    model.save(path)
    return "model.save(path)"


def save_architecture(keras, model, path):
    """The configuration alone."""
    with open(path, "w") as stream:
        stream.write(model.to_json())
    return "model.to_json()"


def save_weights(keras, model, path):
    """The weights alone, in HDF5."""
    model.save_weights(path)
    return "model.save_weights(path)"


def save_saved_model(keras, model, path):
    """A SavedModel, by the way that the documentation of the line shows."""
    tensorflow = importlib.import_module("tensorflow")
    if is_tensorflow_1():
        signature = tensorflow.saved_model.signature_def_utils.predict_signature_def(
            inputs=dict(zip(model.input_names, as_list(model.inputs))),
            outputs=dict(zip(output_keys(model), as_list(model.outputs))),
        )
        builder = tensorflow.saved_model.builder.SavedModelBuilder(path)
        builder.add_meta_graph_and_variables(
            keras.backend.get_session(),
            [tensorflow.saved_model.tag_constants.SERVING],
            signature_def_map={"serving_default": signature},
            legacy_init_op=tensorflow.tables_initializer(),
        )
        builder.save()
        return "SavedModelBuilder(path)"
    if keras_version(keras) >= (3,):
        model.export(path)
        return "model.export(path)"
    model.save(path, save_format="tf")
    return "model.save(path, save_format='tf')"


def save_checkpoint(keras, model, path):
    """Variables by name (TensorFlow 1) or by place in the model (2)."""
    tensorflow = importlib.import_module("tensorflow")
    os.mkdir(path)
    prefix = os.path.join(path, "model")
    if is_tensorflow_1():
        tensorflow.train.Saver().save(keras.backend.get_session(), prefix, write_meta_graph=False)
        return "Saver().save(session, path)"
    if keras_version(keras) >= (3,):
        tensorflow.train.Checkpoint(model=model).write(prefix)
        return "Checkpoint(model=model).write(path)"
    model.save_weights(prefix, save_format="tf")
    return "model.save_weights(path, save_format='tf')"


def save_frozen_graph(keras, model, path):
    """The graph with its weights as constants; its inputs and outputs are named ``feed_0`` and ``fetch_0`` and so on."""
    tensorflow = importlib.import_module("tensorflow")
    if is_tensorflow_1():
        fetched = [tensorflow.identity(output, "fetch_%d" % place) for place, output in enumerate(model.outputs)]
        session = keras.backend.get_session()
        graph = tensorflow.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), [output.op.name for output in fetched]
        )
    else:
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        def call(*tensors):
            outputs = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
            return [tensorflow.identity(output, "fetch_%d" % place) for place, output in enumerate(flatten(outputs))]

        specifications = [
            tensorflow.TensorSpec([None] + list(tensor.shape)[1:], tensor.dtype, "feed_%d" % place)
            for place, tensor in enumerate(model.inputs)
        ]
        function = convert_variables_to_constants_v2(tensorflow.function(call).get_concrete_function(*specifications))
        graph = function.graph.as_graph_def()
    with open(path, "wb") as stream:
        stream.write(graph.SerializeToString())
    return "constants in place of variables"


def is_any(keras):
    """Every Keras writes it."""
    return True


def writes_archives(keras):
    """Whether ``.keras`` is a zip."""
    return keras_version(keras) >= ARCHIVES_SINCE


KINDS = (
    Kind("h5", ".h5", is_any, save_hdf5, True),
    Kind("keras", ".keras", writes_archives, save_archive, True),
    Kind("saved-model", ".saved_model", is_any, save_saved_model, False),
    Kind("json", ".json", is_any, save_architecture, False),
    Kind("weights", "_weights.h5", lambda keras: keras_version(keras) < (3,), save_weights, False),
    Kind("weights", ".weights.h5", lambda keras: keras_version(keras) >= ARCHIVES_SINCE, save_weights, False),
    Kind("checkpoint", ".checkpoint", is_any, save_checkpoint, False),
    Kind("frozen-graph", ".pb", is_any, save_frozen_graph, False),
)


# Subjects that are one name in a configuration, which reads the same in every kind.
OF_ONE_NAME = ("activation_", "constraint_", "initializer_", "loss_", "metric_", "regularizer_")


# What shows whether a package is needed to load what was made with it.
OF_PACKAGES = ("h5", "keras", "saved-model")


def planned_kinds(keras, subject):
    """The kinds in which a subject is saved."""
    if package_of(subject) is not None:
        return [kind for kind in KINDS if kind.name in OF_PACKAGES and kind.is_written_by(keras)]
    if subject.startswith(OF_ONE_NAME):
        usual = "keras" if keras_version(keras) >= (3,) else "h5"
        return [kind for kind in KINDS if kind.name == usual]
    is_in_every_kind = subject in IN_EVERY_KIND or (subject.startswith("network_") and is_one_in_three(subject))
    return [kind for kind in KINDS if kind.is_written_by(keras) and (kind.is_broad or is_in_every_kind)]


# --- loading ---------------------------------------------------------------------------------------------------


def ways_to_run(loader, keras, expected, path, builders, definitions):
    """Ways to load, the natural one first: pairs of a name and a function from the inputs to the list of outputs.

    *keras* is ``None`` for the loader ``tensorflow``; *definitions* where the person's own are not at hand.
    """
    kind = expected["kind"]
    if loader == "tensorflow":
        return [(TENSORFLOW_WAYS[kind].__name__, lambda inputs: TENSORFLOW_WAYS[kind](path, inputs, expected))]
    custom = definitions.CUSTOM_OBJECTS if definitions else {}
    if kind == "json":
        return [("model_from_json", lambda inputs: run_architecture(keras, path, custom, inputs))]
    if kind == "weights":
        build = builders[expected["subject"]]
        return [
            ("load_weights", lambda inputs: run_weights(keras, path, build, inputs)),
            ("load_weights, not compiled", lambda inputs: run_weights(keras, path, build_anew(build), inputs)),
        ]
    ways = [
        ("load_model", {}),
        ("load_model, compile=False", {"compile": False}),
        ("load_model, safe_mode=False", {"compile": False, "safe_mode": False}),
    ]
    return [
        (name, lambda inputs, options=options: run_model(keras, path, custom, options, inputs))
        for name, options in ways
        # Code is what safe mode refuses; releases before it have no such argument.
        if "safe_mode" not in options or (carries_code(expected["subject"]) and has_safe_mode(keras))
    ]


def has_safe_mode(keras):
    """Whether ``load_model`` can be told not to load code."""
    return (
        keras_version(keras) >= ARCHIVES_SINCE and "safe_mode" in inspect.signature(keras.models.load_model).parameters
    )


def run_model(keras, path, custom, options, inputs):
    """Outputs of the whole model at *path*."""
    if custom:
        options = dict(options, custom_objects=custom)
    return compute(keras, keras.models.load_model(path, **options), inputs)


def run_architecture(keras, path, custom, inputs):
    """Outputs of the architecture at *path* with the weights that each architecture is given here."""
    with open(path) as stream:
        text = stream.read()
    model = keras.models.model_from_json(text, custom_objects=custom) if custom else keras.models.model_from_json(text)
    if not getattr(model, "built", True):
        # A model that says in code what it computes has its weights once it was called.
        compute(keras, model, inputs)
    settle_weights(keras, model)
    return compute(keras, model, inputs)


def run_weights(keras, path, build, inputs):
    """Outputs of the model as this Keras builds it, with the weights at *path*."""
    try:
        model, _ = build(keras)
    except Exception as error:
        raise NotBuiltError(one_line(error))
    model.load_weights(path)
    return compute(keras, model, inputs)


def build_anew(build):
    """A builder of the same model, with neither an optimizer nor metrics."""

    def build_uncompiled(keras):
        model, inputs = build(keras)
        return keras.models.clone_model(model), inputs

    return build_uncompiled


class NotBuiltError(Exception):
    """This Keras lacks what the model is made of, so that there is nothing to load its weights into."""


def run_saved_model(path, inputs, expected):
    """Outputs of the serving signature of a SavedModel."""
    tensorflow = importlib.import_module("tensorflow")
    if is_tensorflow_1():
        with tensorflow.Graph().as_default(), tensorflow.Session() as session:
            graph = tensorflow.saved_model.loader.load(session, ["serve"], path)
            signature = graph.signature_def["serving_default"]
            fed = {signature.inputs[name].name: value for name, value in renamed(inputs, signature.inputs).items()}
            names = sorted(signature.outputs)
            return [as_array(value) for value in session.run([signature.outputs[name].name for name in names], fed)]
    # Its variables live as long as what was loaded.
    loaded = tensorflow.saved_model.load(path)
    signature = loaded.signatures["serving_default"]
    # TensorFlow before 2.6 has no such for what sessions saved.
    known = signature.structured_input_signature
    specifications = known[1] if known else dict(zip(signature._arg_keywords, signature.inputs))
    # Keras converts what it is fed, and a function does not.
    fed = {
        name: tensorflow.constant(value, specifications[name].dtype)
        for name, value in renamed(inputs, specifications).items()
    }
    outputs = signature(**fed)
    return [as_array(outputs[name]) for name in sorted(outputs)]


def renamed(inputs, names):
    """Inputs by the names of a signature, which exporters may choose anew; it keeps their order."""
    names = list(names)
    if all(name in inputs for name in names):
        return {name: inputs[name] for name in names}
    return dict(zip(sorted(names), inputs.values()))


def read_checkpoint(path, inputs, expected):
    """Every variable of a checkpoint, by name."""
    reader = importlib.import_module("tensorflow").train.load_checkpoint(os.path.join(path, "model"))
    types = reader.get_variable_to_dtype_map()
    return [as_array(reader.get_tensor(name)) for name in sorted(types) if types[name].is_floating]


def run_frozen_graph(path, inputs, expected):
    """Outputs of a graph that holds its weights."""
    tensorflow = importlib.import_module("tensorflow")
    compatible = tensorflow if is_tensorflow_1() else tensorflow.compat.v1
    definition = compatible.GraphDef()
    with open(path, "rb") as stream:
        definition.ParseFromString(stream.read())
    with tensorflow.Graph().as_default() as graph:
        compatible.import_graph_def(definition, name="")
        fed = dict(zip(expected["feeds"], inputs.values()))
        with compatible.Session(graph=graph) as session:
            return [as_array(value) for value in session.run(expected["fetches"], fed)]


TENSORFLOW_WAYS = {
    "saved-model": run_saved_model,
    "checkpoint": read_checkpoint,
    "frozen-graph": run_frozen_graph,
}


# --- what a saver says beside the outputs of its model ------------------------------------------------------------


def endpoints(kind, model):
    """Names of the tensors to feed and to fetch, for the kinds whose file does not say them."""
    if kind.name != "frozen-graph":
        return {}
    if is_tensorflow_1():
        feeds = [tensor.name for tensor in model.inputs]
    else:
        feeds = ["feed_%d:0" % place for place in range(len(model.inputs))]
    return {"feeds": feeds, "fetches": ["fetch_%d:0" % place for place in range(len(as_list(model.outputs)))]}


def output_keys(model):
    """Keys of the outputs in a signature: they sort as the outputs stand."""
    return ["output_%d" % place for place in range(len(model.outputs))]


def as_list(values):
    """Keras gives a sole tensor bare in places."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def remove(path):
    """Remove what an earlier run left at *path*."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)
