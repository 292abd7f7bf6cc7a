"""Save tiny models with the packages of the Python that runs this, or load them again, and tell how that went.

    python save_and_load.py save SUBJECT FOLDER
    python save_and_load.py load SUBJECT FOLDER

SUBJECT is the distribution whose models are meant, such as ``tensorflow-addons``; FOLDER is where ``save`` leaves them
and ``load`` finds them. Prints one JSON object: ``did`` (task to ``ok`` or the error in one line), ``how`` (task to
the call that worked) and ``versions``. A task that the release has no way to do is left out. ``load`` compares with
the numbers that ``save`` left. Valid from Python 2.7 on; needs the standard library, and what the subject brings.
"""

from __future__ import print_function

import json
import os
import sys

TOLERANCE = 1e-4

# Whose versions are told where they are loaded, beside that of the subject.
TOLD = ("tensorflow", "tf_keras", "keras", "numpy", "h5py", "google.protobuf")


def main():
    channel = claim_stdout()
    stage, subject, folder = sys.argv[1:]
    report = {"did": {}, "how": {}, "versions": {}}
    try:
        import tensorflow  # noqa: F401 - what it cannot do alone is not the subject's fault

        __import__(module_of(subject))
    except FAILURES as error:
        report["did"]["import"] = one_line(error)
    else:
        report["did"]["import"] = "ok"
        {"save": save_all, "load": load_all}[stage](tasks_of(subject), folder, report)
    report["versions"] = find_versions(subject)
    os.write(channel, (json.dumps(report, sort_keys=True) + "\n").encode("ascii"))


FAILURES = (Exception, SystemExit)


def claim_stdout():
    """Keep stdout for the report: whatever else writes there reaches stderr."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def one_line(error):
    try:
        message = str(error)
    except UnicodeError:
        message = repr(error)
    if isinstance(message, bytes):
        message = message.decode("utf-8", "replace")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return ("%s: %s" % (type(error).__name__, lines[0] if lines else ""))[:300]


def find_versions(subject):
    versions = {"python": "%d.%d.%d" % sys.version_info[:3]}
    for name in sorted(set(TOLD) | set([module_of(subject)])):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            versions[name] = str(version)
    return versions


def module_of(subject):
    return subject.replace("-", "_")


# --- tasks: pairs of a name and a class that saves and loads ---------------------------------------------------


def tasks_of(subject):
    if subject == "tensorflow-addons":
        return [("h5", AddonsLayer())]
    if subject == "tensorflow-text":
        return [("saved-model", TextOperation())]
    if subject == "tensorflow-hub":
        return hub_tasks()
    if subject == "tensorflow-probability":
        return [("log-prob", LogProbability())]
    keras = keras_of(subject)
    tasks = [("h5", KerasFile(keras, "h5")), ("keras", KerasArchive(keras))]
    if subject not in ("keras", "keras-core") or major(keras) >= 3:
        tasks.append(("saved-model", saved_model_task(keras)))
    return tasks


def keras_of(subject):
    if subject in ("keras", "tf-keras", "keras-core"):
        return sys.modules[module_of(subject)]
    import tensorflow

    return tensorflow.keras


def major(keras):
    """Of the version; TensorFlow 1.5 to 1.8 keep it out of the public module, where it is 2."""
    return int(getattr(keras, "__version__", "2").split(".")[0])


def is_tensorflow_1():
    import tensorflow

    return tensorflow.__version__.startswith("1.")


def save_all(tasks, folder, report):
    for name, task in tasks:
        try:
            saved = task.save(os.path.join(folder, name))
        except FAILURES as error:
            report["did"][name] = one_line(error)
            continue
        if saved is not None:
            with open(os.path.join(folder, name + ".json"), "w") as stream:
                json.dump(saved, stream)
            report["did"][name] = "ok"


def load_all(tasks, folder, report):
    for name, task in tasks:
        numbers = os.path.join(folder, name + ".json")
        if not os.path.exists(numbers):
            continue
        with open(numbers) as stream:
            saved = json.load(stream)
        errors = []
        for how, load in task.ways(os.path.join(folder, name)):
            try:
                difference = largest_difference(load(saved), saved["outputs"])
            except FAILURES as error:
                errors.append("%s: %s" % (how, one_line(error)))
                continue
            if difference is None or difference > TOLERANCE:
                errors.append("%s: outputs differ by %s" % (how, difference))
                continue
            report["how"][name] = how
            break
        report["did"][name] = "ok" if name in report["how"] else "; ".join(errors)


def largest_difference(found, expected):
    """The largest absolute one; None where the two cannot be compared."""
    import numpy

    if expected and isinstance(expected[0], list) and not is_numeric(expected):
        return 0.0 if found == expected else None
    differences = []
    for one, other in zip(found, expected):
        one, other = numpy.asarray(one, dtype="float64"), numpy.asarray(other, dtype="float64")
        if one.shape != other.shape or not numpy.isfinite(one).all():
            return None
        differences.append(float(numpy.abs(one - other).max()))
    return max(differences) if len(found) == len(expected) else None


def is_numeric(values):
    import numpy

    return all(numpy.asarray(value).dtype.kind in "fiu" for value in values)


def plain(outputs):
    """Arrays, alone or in a list, as lists of numbers."""
    import numpy

    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [numpy.asarray(output).tolist() for output in outputs]


def arrays(saved):
    """The inputs of a model, in its order."""
    import numpy

    return [numpy.array(entry["values"], dtype=entry["dtype"]) for entry in saved["inputs"]]


def numbers_of(inputs, outputs):
    entries = [{"dtype": str(value.dtype), "values": value.tolist()} for value in inputs]
    return {"inputs": entries, "outputs": plain(outputs)}


# --- Keras models ---------------------------------------------------------------------------------------------


def build_sequential(keras):
    layers = keras.layers
    if major(keras) >= 3:
        stack, first = [keras.Input(shape=(4, 4, 1))], {}
    else:
        stack, first = [], {"input_shape": (4, 4, 1)}
    if major(keras) == 1:
        stack.append(layers.Convolution2D(3, 2, 2, activation="relu", **first))
    else:
        stack.append(layers.Conv2D(3, (2, 2), activation="relu", **first))
    stack += [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2, activation="softmax")]
    return keras.models.Sequential(stack)


def build_functional(keras):
    layers = keras.layers
    tokens = layers.Input(shape=(3,), dtype="int32", name="tokens")
    features = layers.Input(shape=(2,), name="features")
    sequence = layers.LSTM(2)(layers.Embedding(5, 3)(tokens))
    scaled = layers.BatchNormalization()(layers.Dense(2, activation="tanh")(features))
    if major(keras) == 1:
        merged = layers.merge([sequence, scaled], mode="concat")
    else:
        merged = layers.concatenate([sequence, scaled])
    return keras.models.Model([tokens, features], layers.Dense(1, activation="sigmoid")(merged))


def example_inputs(kind):
    import numpy

    random = numpy.random.RandomState(0)
    if kind == "sequential":
        return [random.rand(2, 4, 4, 1).astype("float32")]
    return [random.randint(0, 5, (2, 3)).astype("int32"), random.rand(2, 2).astype("float32")]


def predict(model, inputs):
    return model.predict(inputs if len(inputs) > 1 else inputs[0])


def trained(keras, kind):
    """A model after one step of training, so that its optimizer has a state; and its inputs."""
    import numpy

    model = {"sequential": build_sequential, "functional": build_functional}[kind](keras)
    inputs = example_inputs(kind)
    model.compile(optimizer="adam", loss="mse")
    targets = numpy.ones((2, 2 if kind == "sequential" else 1), dtype="float32")
    model.train_on_batch(inputs if len(inputs) > 1 else inputs[0], targets)
    return model, inputs


class KerasFile(object):
    """A Sequential and a functional model, each in one file."""

    kinds = ("sequential", "functional")

    def __init__(self, keras, suffix):
        self.keras, self.suffix = keras, suffix

    def save(self, place):
        saved = {"outputs": []}
        for kind in self.kinds:
            model, inputs = trained(self.keras, kind)
            if not self.write(model, self.path(place, kind)):
                return None
            saved[kind] = numbers_of(inputs, predict(model, inputs))
            saved["outputs"] += saved[kind]["outputs"]
        return saved

    def write(self, model, path):
        """Whether the release has such a format."""
        model.save(path)
        return True

    def path(self, place, kind):
        return "%s-%s.%s" % (place, kind, self.suffix)

    def ways(self, place):
        yield "load_model(path)", lambda saved: self.load(place, saved)
        # Losses and optimizers that do not come back leave the model itself intact.
        yield "load_model(path, compile=False)", lambda saved: self.load(place, saved, compile=False)

    def load(self, place, saved, **options):
        outputs = []
        for kind in self.kinds:
            model = self.keras.models.load_model(self.path(place, kind), **options)
            outputs += plain(predict(model, arrays(saved[kind])))
        return outputs


class KerasArchive(KerasFile):
    """The zip of TensorFlow 2.12 and newer."""

    def __init__(self, keras):
        KerasFile.__init__(self, keras, "keras")

    def write(self, model, path):
        # Releases without the zip write HDF5 under this suffix; the first one with it wants to be told.
        model.save(path)
        if not is_zip(path):
            try:
                model.save(path, save_format="keras_v3")
            except (TypeError, ValueError):
                return False
        return is_zip(path)


def is_zip(path):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


# --- SavedModels ----------------------------------------------------------------------------------------------


def saved_model_task(keras):
    if is_tensorflow_1():
        return SessionSavedModel(keras)
    return ExportedSavedModel(keras) if major(keras) >= 3 else KerasSavedModel(keras)


class KerasSavedModel(object):
    """As Keras 2 writes it on TensorFlow 2."""

    def __init__(self, keras):
        self.keras = keras

    def save(self, place):
        model, inputs = trained(self.keras, "sequential")
        model.save(place, save_format="tf")
        return numbers_of(inputs, predict(model, inputs))

    def ways(self, place):
        yield "load_model(path)", lambda saved: self.load(place, saved)
        yield "load_model(path, compile=False)", lambda saved: self.load(place, saved, compile=False)

    def load(self, place, saved, **options):
        return plain(predict(self.keras.models.load_model(place, **options), arrays(saved)))


class ExportedSavedModel(object):
    """What Keras 3 exports for inference."""

    def __init__(self, keras):
        self.keras = keras

    def save(self, place):
        model, inputs = trained(self.keras, "sequential")
        model.export(place)
        return numbers_of(inputs, predict(model, inputs))

    def ways(self, place):
        yield "tf.saved_model.load(path)", lambda saved: self.load(place, saved)

    def load(self, place, saved):
        import tensorflow

        # Held by a name: its variables go when it does.
        loaded = tensorflow.saved_model.load(place)
        return plain(loaded.serve(tensorflow.constant(arrays(saved)[0])))


class SessionSavedModel(object):
    """The session of TensorFlow 1, with a serving signature."""

    def __init__(self, keras):
        self.keras = keras

    def save(self, place):
        import tensorflow

        model, inputs = trained(self.keras, "sequential")
        outputs = predict(model, inputs)
        signature = tensorflow.saved_model.signature_def_utils.predict_signature_def(
            inputs={"image": model.inputs[0]}, outputs={"scores": model.outputs[0]}
        )
        builder = tensorflow.saved_model.builder.SavedModelBuilder(place)
        builder.add_meta_graph_and_variables(
            self.keras.backend.get_session(), ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()
        return numbers_of(inputs, outputs)

    def ways(self, place):
        yield "tf.saved_model.loader.load(session, ['serve'], path)", lambda saved: self.load(place, saved)

    def load(self, place, saved):
        import tensorflow

        with tensorflow.Graph().as_default(), tensorflow.Session() as session:
            signature = tensorflow.saved_model.loader.load(session, ["serve"], place).signature_def["serving_default"]
            return plain(
                session.run(
                    signature.outputs["scores"].name, {signature.inputs["image"].name: arrays(saved)[0]}
                )
            )


# --- add-ons --------------------------------------------------------------------------------------------------


def behave_like_tensorflow_2():
    """Where TensorFlow 1 knows how: eager execution and functions that can be saved."""
    import tensorflow

    if is_tensorflow_1():
        tensorflow.compat.v1.enable_v2_behavior()
    return tensorflow


class AddonsLayer(KerasFile):
    """A model with a layer of TensorFlow Addons."""

    def __init__(self):
        KerasFile.__init__(self, keras_of("tensorflow-addons"), "h5")

    def save(self, place):
        import tensorflow_addons

        layers = self.keras.layers
        inputs = example_inputs("sequential")
        model = self.keras.models.Sequential(
            [
                layers.Conv2D(3, (2, 2), input_shape=(4, 4, 1)),
                tensorflow_addons.layers.InstanceNormalization(axis=3),
                layers.Flatten(),
                layers.Dense(2),
            ]
        )
        model.compile(optimizer="adam", loss="mse")
        model.save(self.path(place, "addons"))
        return numbers_of(inputs, predict(model, inputs))

    def load(self, place, saved, **options):
        import tensorflow_addons

        layer = tensorflow_addons.layers.InstanceNormalization
        # From some release on, the class registers itself under the name of its package.
        known = {"InstanceNormalization": layer, "Addons>InstanceNormalization": layer}
        model = self.keras.models.load_model(self.path(place, "addons"), custom_objects=known, **options)
        return plain(predict(model, arrays(saved)))


class TextOperation(object):
    """A SavedModel whose graph holds an operation of TensorFlow Text."""

    sentences = ["one two  three", "four"]

    def save(self, place):
        tf = behave_like_tensorflow_2()
        import tensorflow_text

        module = tf.Module()
        module.tokenizer = tensorflow_text.WhitespaceTokenizer()
        signature = [tf.TensorSpec([None], tf.string)]
        module.tokenize = tf.function(lambda text: module.tokenizer.tokenize(text).flat_values, signature)
        tf.saved_model.save(module, place)
        return {"outputs": words(module.tokenize(tf.constant(self.sentences)))}

    def ways(self, place):
        yield "tf.saved_model.load(path)", lambda saved: self.load(place)

    def load(self, place):
        tf = behave_like_tensorflow_2()
        load = tf.compat.v2.saved_model.load if is_tensorflow_1() else tf.saved_model.load
        loaded = load(place)
        return words(loaded.tokenize(tf.constant(self.sentences)))


def words(tensor):
    return [[word.decode("utf-8") for word in tensor.numpy().tolist()]]


def hub_tasks():
    import tensorflow_hub

    # Until the layer tells its configuration, modules of the library's own format are all that comes back.
    layer = getattr(tensorflow_hub, "KerasLayer", object)
    return [("h5", HubLayer())] if "get_config" in vars(layer) else [("hub-module", HubModule())]


class HubLayer(KerasFile):
    """A model around a SavedModel that is made on the spot."""

    def __init__(self):
        behave_like_tensorflow_2()
        KerasFile.__init__(self, keras_of("tensorflow-hub"), "h5")

    def save(self, place):
        import numpy
        import tensorflow as tf
        import tensorflow_hub

        module = tf.Module()
        module.weight = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
        module.__call__ = tf.function(
            lambda inputs: tf.matmul(inputs, module.weight), [tf.TensorSpec([None, 2], tf.float32)]
        )
        tf.saved_model.save(module, place + "-module")
        layer = tensorflow_hub.KerasLayer(place + "-module", input_shape=(2,))
        model = self.keras.models.Sequential([layer, self.keras.layers.Dense(2)])
        model.save(self.path(place, "hub"))
        inputs = [numpy.array([[0.5, 0.25]], dtype="float32")]
        return numbers_of(inputs, predict(model, inputs))

    def load(self, place, saved, **options):
        import tensorflow_hub

        known = {"KerasLayer": tensorflow_hub.KerasLayer}
        model = self.keras.models.load_model(self.path(place, "hub"), custom_objects=known, **options)
        return plain(predict(model, arrays(saved)))


class HubModule(object):
    """A module in the format that TensorFlow Hub had before SavedModel 2."""

    def save(self, place):
        import tensorflow as tf
        import tensorflow_hub

        def describe():
            inputs = tf.placeholder(tf.float32, [None, 2])
            tensorflow_hub.add_signature(inputs=inputs, outputs=tf.layers.dense(inputs, 2))

        with tf.Graph().as_default(), tf.Session() as session:
            module = tensorflow_hub.Module(tensorflow_hub.create_module_spec(describe))
            outputs = self.run(session, module)
            module.export(place, session)
        return {"outputs": outputs}

    def ways(self, place):
        yield "hub.Module(path)", lambda saved: self.load(place)

    def load(self, place):
        import tensorflow as tf
        import tensorflow_hub

        with tf.Graph().as_default(), tf.Session() as session:
            return self.run(session, tensorflow_hub.Module(place))

    def run(self, session, module):
        import tensorflow as tf

        outputs = module(tf.constant([[0.5, 0.25]]))
        session.run(tf.global_variables_initializer())
        return plain(session.run(outputs))


class LogProbability(object):
    """The densities of two distributions; nothing is saved but the numbers."""

    def save(self, place):
        return {"outputs": self.compute()}

    def ways(self, place):
        yield "log_prob(value)", lambda saved: self.compute()

    def compute(self):
        import tensorflow as tf
        import tensorflow_probability

        distributions = tensorflow_probability.distributions
        densities = [
            distributions.Normal(loc=0.0, scale=2.0).log_prob([0.5, -1.0]),
            distributions.MultivariateNormalDiag(loc=[0.0, 1.0]).log_prob([0.5, -1.0]),
        ]
        if is_tensorflow_1():
            with tf.Session() as session:
                return plain(session.run(densities))
        return plain([density.numpy() for density in densities])


if __name__ == "__main__":
    main()
