"""Models of packages beside Keras: TensorFlow Addons, every class and function; operations of Text; layers of Hub."""

from __future__ import print_function

import functools
import importlib
import inspect
import os

from chain_subjects import LINES, ROWS, activated_by
from chain_subjects import builder_for as chain_of
from layer_subjects import builder_for, is_layer, on
from model_subjects import fed
from packages import PACKAGES
from running_keras import make_known, wave
from training_subjects import classes_of, compiled, made, trained


def package_subjects(keras, folder):
    """Pairs of a name and a builder (from Keras to a model and its inputs), for the packages that are installed.

    What models refer to by its path is put into *folder*.
    """
    found = []
    hub = functools.partial(hub_subjects, folder)
    for prefix, subjects in (("addons", addons_subjects), ("text", text_subjects), ("hub", hub)):
        package = import_if_installed(PACKAGES[prefix])
        if package is not None:
            found += [("%s_%s" % (prefix, name), build) for name, build in subjects(keras, package)]
    return found


def import_if_installed(name):
    """The module of that name, or ``None``."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def addons_subjects(keras, addons):
    """Layers, cells and activations of a model, and what it is trained with."""
    found = [
        ("%s_%s" % (kind, name), builder_for(layer))
        for kind, module in (("layer", addons.layers), ("cell", addons.rnn))
        for name, layer in classes_of(module, "tensorflow_addons")
        if is_layer(keras, layer)
    ]
    found += [
        ("activation_%s" % name, chain_of(ROWS, activated_by(function)))
        for name, function in sorted(vars(addons.activations).items())
        if inspect.isfunction(function)
    ]
    for kind, module, build in (
        ("optimizer", addons.optimizers, lambda one: trained(lambda _: made(one))),
        ("loss", addons.losses, lambda one: compiled(lambda _: {"loss": made(one)})),
        ("metric", addons.metrics, lambda one: compiled(lambda _: {"loss": "mse", "metrics": [made(one)]})),
    ):
        found += [("%s_%s" % (kind, name), build(one)) for name, one in classes_of(module, "tensorflow_addons")]
    return found


# As people write them: `text` is a name that they have imported.
FUNCTIONS_OF_TEXT = (
    ("case_fold", lambda lines: text.case_fold_utf8(lines)),  # noqa: F821
    ("normalize", lambda lines: text.normalize_utf8(lines)),  # noqa: F821
    ("tokenize", lambda lines: text.WhitespaceTokenizer().tokenize(lines).to_tensor()),  # noqa: F821
    ("split", lambda lines: text.UnicodeScriptTokenizer().tokenize(lines).to_tensor()),  # noqa: F821
)


def text_subjects(keras, package):
    """Operations on text, each in a layer around it."""
    make_known(text=package)

    def around(function):
        return chain_of(LINES, lambda keras: [keras.layers.Lambda(function)])

    return [(name, around(function)) for name, function in FUNCTIONS_OF_TEXT]


def hub_subjects(folder, keras, hub):
    """Layers around SavedModels of our own, in each way that the layer can be told to use one."""
    # Relative: it stands in the configuration of the layer.
    numbers, text = (os.path.relpath(os.path.join(folder, name)) for name in ("hub_numbers", "hub_text"))

    def around(**options):
        def outputs(keras, tensor):
            export_numbers(numbers)
            return hub.KerasLayer(numbers, **options)(tensor)

        return on(ROWS)(outputs)

    def classifier(keras):
        export_numbers(numbers)
        first = hub.KerasLayer(numbers, trainable=True, input_shape=(4,), name="feature_vector")
        model = keras.models.Sequential([first, keras.layers.Dropout(0.2), keras.layers.Dense(3, activation="softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model, fed(ROWS)

    def of_text(keras):
        export_text(text)
        first = hub.KerasLayer(text, input_shape=[], dtype="string", output_shape=[2])
        return keras.models.Sequential([first, keras.layers.Dense(1)]), fed(LINES[:, 0])

    return [
        ("layer", around()),
        ("trainable", around(trainable=True)),
        ("output_shape", around(output_shape=[3])),
        ("arguments", around(arguments={"factor": 2.0})),
        ("signature", around(signature="default", output_key="scaled")),
        ("signature_outputs", around(signature="default", signature_outputs_as_dict=True)),
        ("classifier", classifier),
        ("text", of_text),
    ]


def export_numbers(path):
    """A SavedModel from rows to rows, with weights, a call and a signature, unless there is one."""
    if os.path.isdir(path):
        return
    tensorflow = importlib.import_module("tensorflow")
    module = tensorflow.train.Checkpoint()
    module.kernel = tensorflow.Variable(wave((4, 3), 2), name="kernel")
    module.offset = tensorflow.Variable(wave((3,), 3), trainable=False, name="offset")
    module.variables, module.trainable_variables = [module.kernel, module.offset], [module.kernel]
    rows = tensorflow.TensorSpec([None, 4], "float32")
    factor = tensorflow.TensorSpec([], "float32")

    def call(inputs, factor=1.0):
        return tensorflow.matmul(inputs, module.kernel) * factor + module.offset

    module.__call__ = tensorflow.function(call)
    for arguments in ((rows,), (rows, factor)):
        module.__call__.get_concrete_function(*arguments)
    default = tensorflow.function(lambda inputs: {"plain": call(inputs), "scaled": call(inputs, 0.5)})
    tensorflow.saved_model.save(module, path, {"default": default.get_concrete_function(rows)})


def export_text(path):
    """A SavedModel from lines of text to vectors, unless there is one."""
    if os.path.isdir(path):
        return
    tensorflow = importlib.import_module("tensorflow")
    module = tensorflow.train.Checkpoint()
    module.table = tensorflow.Variable(wave((7, 2), 2), name="embeddings")
    module.variables, module.trainable_variables = [module.table], [module.table]

    @tensorflow.function(input_signature=[tensorflow.TensorSpec([None], "string")])
    def call(lines):
        return tensorflow.gather(module.table, tensorflow.strings.to_hash_bucket_fast(lines, 7))

    module.__call__ = call
    tensorflow.saved_model.save(module, path)
