"""What a model is compiled with: every optimizer, schedule, loss and metric once, and the ways to name them."""

from __future__ import print_function

import inspect
from collections import OrderedDict

import numpy

from chain_subjects import ROWS
from layer_subjects import make_model, named_input

NOT_ALONE = {"Optimizer", "OptimizerV2", "TFOptimizer", "Loss", "Metric", "LearningRateSchedule", "MeanMetricWrapper", "SumOverBatchSize",
             "LossFunctionWrapper", "MultiOptimizer", "CategoricalGeneralizedCrossEntropy"}  # fmt: skip

# Arguments of the schedules, which have few defaults, and of the metrics that need some.
ARGUMENTS = {
    "alpha": 0.1,
    "boundaries": [2, 4],
    "class_id": 0,
    "decay_rate": 0.9,
    "decay_steps": 10,
    "first_decay_steps": 10,
    "initial_learning_rate": 0.01,
    "normalizer": [1.0, 1.0, 1.0],
    "num_classes": 3,
    "precision": 0.5,
    "recall": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "target_class_ids": [0],
    "values": [0.1, 0.05, 0.01],
}


def training_subjects(keras):
    """Pairs of a name and a builder (from Keras to a model and its inputs)."""
    optimizers, losses = classes_of(keras.optimizers), classes_of(getattr(keras, "losses", None))
    schedules = classes_of(getattr(keras.optimizers, "schedules", None))
    found = [("optimizer_" + name, trained(lambda _, kind=kind: kind())) for name, kind in optimizers]
    found += [
        ("schedule_" + name, trained(lambda keras, kind=kind: keras.optimizers.SGD(made(kind))))
        for name, kind in schedules
    ]
    found += [("loss_" + name, compiled(lambda _, kind=kind: {"loss": kind()})) for name, kind in losses]
    found += [
        ("metric_" + name, compiled(lambda _, kind=kind: {"loss": "mse", "metrics": [made(kind)]}))
        for name, kind in classes_of(getattr(keras, "metrics", None))
        if name not in dict(losses)
    ]
    found += [("training_" + name, build(make)) for name, build, make in NAMED]
    return found


def classes_of(module, owner="keras"):
    """Pairs of name and class of the public classes of *module* that *owner* defines, sorted."""
    if module is None:
        return []
    found = {
        kind.__name__: kind
        for kind in (getattr(module, name) for name in dir(module))
        if inspect.isclass(kind) and kind.__name__ not in NOT_ALONE and owner in kind.__module__
    }
    return sorted(found.items())


def made(kind):
    """An object of class *kind* with what it demands, as far as :data:`ARGUMENTS` has it."""
    try:
        return kind()
    except TypeError:
        names = (getattr(inspect, "getfullargspec", None) or inspect.getargspec)(kind.__init__).args
        return kind(**{name: ARGUMENTS[name] for name in names if name in ARGUMENTS})


def trained(make_optimizer):
    """A builder of a model trained for one step, so that its optimizer has state."""

    def build(keras):
        model, inputs = network(keras)
        model.compile(optimizer=make_optimizer(keras), loss="mse")
        model.train_on_batch(ROWS, numpy.ones((2, 3), dtype="float32"))
        return model, inputs

    return build


def compiled(make_arguments):
    """A builder of a model that was compiled and never trained."""

    def build(keras):
        model, inputs = network(keras)
        model.compile(optimizer="sgd", **make_arguments(keras))
        return model, inputs

    return build


def network(keras):
    """One hidden layer and a named head."""
    source = named_input(keras, "first", ROWS)
    hidden = keras.layers.Dense(4, activation="relu")(source)
    return make_model(keras, source, keras.layers.Dense(3, name="head")(hidden)), OrderedDict([("first", ROWS)])


# Name, builder, and what it is given.
NAMED = [
    ("adam_options", trained, lambda keras: keras.optimizers.Adam(clipnorm=1.0, amsgrad=True)),
    ("sgd_momentum", trained, lambda keras: keras.optimizers.SGD(momentum=0.9, nesterov=True)),
    ("adam_rate", trained, lambda keras: keras.optimizers.Adam(lr=0.01)),
    ("adam_averaged", trained, lambda keras: keras.optimizers.Adam(use_ema=True, weight_decay=0.01)),
    ("adam_named", trained, lambda keras: "adam"),
    ("adam_legacy", trained, lambda keras: keras.optimizers.legacy.Adam()),
    (
        "loss_scale",
        trained,
        lambda keras: keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(0.01)),
    ),
    ("loss_named", compiled, lambda keras: {"loss": "mse", "metrics": ["mae"]}),
    ("loss_crossentropy", compiled, lambda keras: {
        "loss": "categorical_crossentropy", "metrics": ["accuracy"]}),
    ("loss_sparse", compiled, lambda keras: {
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]}),
    ("loss_function", compiled, lambda keras: {"loss": keras.losses.mean_squared_error}),
    ("loss_list", compiled, lambda keras: {"loss": ["mse"], "loss_weights": [0.5]}),
    ("loss_dictionary", compiled, lambda keras: {"loss": {"head": "mse"}}),
    ("metric_weighted", compiled, lambda keras: {"loss": "mse", "weighted_metrics": ["mae"]}),
    ("steps_per_execution", compiled, lambda keras: {"loss": "mse", "steps_per_execution": 2}),
]  # fmt: skip
