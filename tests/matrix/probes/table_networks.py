"""Networks on rows of tables as people build them: recommendation, categories, control, and every way to compile."""

from __future__ import print_function

from collections import OrderedDict

import numpy

from chain_subjects import LINES, ROWS, TOKENS, policy
from layer_subjects import layer_classes, make_model, named_input, on, through
from model_subjects import fed
from running_keras import keras_version, wave

WIDTH = ROWS.shape[1]
USERS, ITEMS = TOKENS[:, :1], TOKENS[:, 1:2]
CLASSES = numpy.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype="float32")
WORDS = numpy.array([["red"], ["green"]], dtype=object)


def perceptron(keras, *hidden):
    """A sequence of dense layers and a head of three classes."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(4, activation="relu", input_shape=(WIDTH,)))
    for layer in hidden:
        model.add(layer)
    model.add(layers.Dense(3, activation="softmax"))
    return model


# --- recommendation ------------------------------------------------------------------------------------------------


def wide_and_deep(keras):
    """Features straight to the head, beside those that go through hidden layers."""
    layers = keras.layers
    wide, deep = named_input(keras, "wide_input", ROWS[:, :2]), named_input(keras, "deep_input", ROWS)
    hidden = layers.Dense(4, activation="relu")(layers.Dense(4, activation="relu")(deep))
    output = layers.Dense(1, name="main_output")(layers.concatenate([wide, hidden]))
    model = make_model(keras, [wide, deep], [output, layers.Dense(1, name="aux_output")(hidden)])
    model.compile(loss=["mse", "mse"], loss_weights=[0.9, 0.1], optimizer=keras.optimizers.SGD(1e-3))
    return model, OrderedDict([("wide_input", ROWS[:, :2]), ("deep_input", ROWS)])


@on(ROWS)
def deep_and_cross(keras, features):
    """Products of the features with themselves, by layers that merge."""
    layers = keras.layers
    crossed = features
    for _ in range(2):
        product = layers.multiply([features, layers.Dense(WIDTH)(crossed)])
        crossed = layers.add([product, crossed])
    deep = layers.Dense(4, activation="relu")(layers.BatchNormalization()(layers.Dense(4, activation="relu")(features)))
    return layers.Dense(1, activation="sigmoid")(layers.concatenate([crossed, deep]))


def users_and_items(keras):
    """The inputs of a network for recommendation, and what to feed them."""
    names = [("user", USERS), ("item", ITEMS)]
    return [named_input(keras, name, values) for name, values in names], OrderedDict(names)


def matrix_factorization(keras):
    """The product of two vectors, with what each brings by itself."""
    layers = keras.layers
    tensors, inputs = users_and_items(keras)
    vectors = [
        layers.Flatten()(layers.Embedding(5, 3, embeddings_regularizer=keras.regularizers.l2(1e-6))(tensor))
        for tensor in tensors
    ]
    biases = [layers.Flatten()(layers.Embedding(5, 1)(tensor)) for tensor in tensors]
    model = make_model(keras, tensors, layers.Add()([layers.Dot(axes=1)(vectors)] + biases))
    model.compile(loss="mean_squared_error", optimizer="adamax")
    return model, inputs


def neural_collaborative_filtering(keras):
    """Products of the vectors of two tables, beside a perceptron on those of two others."""
    layers = keras.layers
    tensors, inputs = users_and_items(keras)

    def vectors(kind):
        return [
            layers.Flatten()(
                layers.Embedding(
                    input_dim=5, output_dim=3, name="%s_embedding_%d" % (kind, place), embeddings_initializer="normal"
                )(tensor)
            )
            for place, tensor in enumerate(tensors)
        ]

    product = layers.multiply(vectors("mf"))
    hidden = through(layers.concatenate(vectors("mlp")), layers.Dense(4, activation="relu", name="layer1"))
    output = layers.Dense(1, activation="sigmoid", kernel_initializer="lecun_uniform", name="prediction")(
        layers.concatenate([product, hidden])
    )
    return make_model(keras, tensors, output), inputs


@on(TOKENS)
def factorization_machine(keras, tokens):
    """Each pair of categories by the square of their sum, in layers that merge."""
    layers = keras.layers
    linear = layers.Flatten()(layers.Embedding(5, 1)(tokens))
    vectors = layers.Embedding(5, 3)(tokens)
    pairs = layers.Flatten()(layers.dot([vectors, vectors], axes=2))
    deep = layers.Dense(4, activation="relu")(layers.Flatten()(vectors))
    return layers.Dense(1, activation="sigmoid")(layers.concatenate([linear, pairs, deep]))


def entity_embeddings(keras):
    """A vector for each category of each column, beside the numbers."""
    layers = keras.layers
    columns = OrderedDict([("store", USERS), ("weekday", ITEMS), ("promotion", ROWS[:, :1]), ("distance", ROWS)])
    tensors = [named_input(keras, name, values) for name, values in columns.items()]
    parts = [
        layers.Reshape(target_shape=(2,))(layers.Embedding(5, 2, name=name + "_embedding")(tensor))
        for name, tensor in zip(("store", "weekday"), tensors)
    ]
    parts += [layers.Dense(1)(tensors[2]), layers.Dense(3)(tensors[3])]
    tensor = layers.Dense(6, kernel_initializer="uniform")(layers.Concatenate()(parts))
    tensor = layers.Activation("relu")(tensor)
    model = make_model(keras, tensors, layers.Activation("sigmoid")(layers.Dense(1)(tensor)))
    model.compile(loss="mean_absolute_error", optimizer="adam")
    return model, columns


def two_towers(keras):
    """Two models whose outputs are compared by the cosine of their angle."""
    layers = keras.layers
    tensors, inputs = users_and_items(keras)
    towers = [
        keras.models.Sequential(
            [layers.Embedding(5, 4, input_length=1), layers.Flatten(), layers.Dense(3, activation="tanh")]
        )
        for _ in tensors
    ]
    vectors = [tower(tensor) for tower, tensor in zip(towers, tensors)]
    return make_model(keras, tensors, layers.Dot(axes=1, normalize=True)(vectors)), inputs


def shared_three_times(keras):
    """One network for an anchor and for what is like it and what is not."""
    layers = keras.layers
    source = named_input(keras, "example", ROWS)
    shared = make_model(keras, source, layers.Dense(3)(layers.Dense(4, activation="relu")(source)))
    values = OrderedDict([("anchor", ROWS), ("positive", ROWS * 0.9), ("negative", ROWS[::-1])])
    tensors = [named_input(keras, name, value) for name, value in values.items()]
    merged = layers.concatenate([shared(tensor) for tensor in tensors], axis=-1, name="merged_layer")
    return make_model(keras, tensors, merged), values


# --- columns of text and numbers, within the model -----------------------------------------------------------------


def columns_of_a_table(keras):
    """Words looked up and numbers normalised, each in an input of its own, put into one dictionary."""
    kinds, layers = layer_classes(keras), keras.layers
    inputs = {
        "age": layers.Input(shape=(1,), name="age", dtype="float32"),
        "colour": layers.Input(shape=(1,), name="colour", dtype="string"),
    }
    normalize = kinds["Normalization"](axis=None)
    normalize.adapt(ROWS[:, :1])
    lookup = kinds["StringLookup"](vocabulary=["red", "green"])
    encode = kinds["CategoryEncoding"](3, output_mode="one_hot")
    encoded = [normalize(inputs["age"]), encode(lookup(inputs["colour"]))]
    tensor = layers.Dense(4, activation="relu")(layers.concatenate(encoded))
    model = keras.models.Model(inputs, layers.Dense(1)(layers.Dropout(0.5)(tensor)))
    return model, OrderedDict([("age", ROWS[:, :1]), ("colour", WORDS)])


def preprocessing_apart(keras):
    """A model that prepares, within one that computes."""
    kinds, layers = layer_classes(keras), keras.layers
    colour, amount = named_input(keras, "colour", WORDS), named_input(keras, "amount", ROWS[:, :1])
    binned = kinds["Discretization"](bin_boundaries=[-0.2, 0.2])(amount)
    prepared = [
        layers.Flatten()(layers.Embedding(4, 2)(kinds["StringLookup"](vocabulary=["red", "green"])(colour))),
        layers.Flatten()(layers.Embedding(4, 2)(binned)),
    ]
    prepare = keras.models.Model([colour, amount], layers.concatenate(prepared), name="preprocessing")
    sources = [named_input(keras, "colour_raw", WORDS), named_input(keras, "amount_raw", ROWS[:, :1])]
    inputs = OrderedDict([("colour_raw", WORDS), ("amount_raw", ROWS[:, :1])])
    return keras.models.Model(sources, layers.Dense(1)(prepare(sources))), inputs


def crossed_columns(keras):
    """Pairs of words hashed into bins, and words hashed alone."""
    kinds, layers = layer_classes(keras), keras.layers
    names = OrderedDict([("colour", WORDS), ("size", LINES)])
    tensors = [named_input(keras, name, values) for name, values in names.items()]
    crossed = kinds["HashedCrossing"](num_bins=5, output_mode="one_hot")(tensors)
    hashed = layers.Embedding(4, 2)(kinds["Hashing"](num_bins=4)(tensors[0]))
    output = layers.Dense(1)(layers.concatenate([crossed, layers.Flatten()(hashed)]))
    return keras.models.Model(tensors, output), names


def regression_normalized(keras):
    """A layer that has learnt the scale of the features, before two hidden layers."""
    normalize = layer_classes(keras)["Normalization"](axis=-1)
    normalize.adapt(ROWS)
    layers = keras.layers
    model = keras.models.Sequential(
        [normalize, layers.Dense(4, activation="relu"), layers.Dense(4, activation="relu"), layers.Dense(1)]
    )
    model.compile(loss="mean_absolute_error", optimizer=keras.optimizers.Adam(0.001))
    model.build((None, WIDTH))
    return model, fed(ROWS)


# --- control -------------------------------------------------------------------------------------------------------


def values_of_actions(keras):
    """A value for each action, trained for a step."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(4, input_dim=WIDTH, activation="relu"))
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dense(3, activation="linear"))
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.001))
    model.fit(ROWS, CLASSES, epochs=1, verbose=0)
    return model, fed(ROWS)


@on(ROWS)
def dueling_by_operators(keras, state):
    """The same by operators on the tensors themselves."""
    layers = keras.layers
    hidden = layers.Dense(4, activation="relu")(state)
    advantage = layers.Dense(3, name="advantage")(hidden)
    mean = layers.GlobalAveragePooling1D()(layers.Reshape((3, 1))(advantage))
    return layers.Dense(1, name="value")(hidden) + (advantage - mean)


@on(ROWS)
def actor_critic(keras, state):
    """Two heads on one hidden layer."""
    layers = keras.layers
    common = layers.Dense(6, activation="relu")(state)
    return [layers.Dense(2, activation="softmax")(common), layers.Dense(1)(common)]


def critic(keras):
    """The value of an action in a state, with small weights by an object at the end."""
    layers = keras.layers
    state, action = named_input(keras, "state", ROWS), named_input(keras, "action", ROWS[:, :1])
    limits = keras.initializers.RandomUniform(minval=-0.003, maxval=0.003)
    states = layers.Dense(4, activation="relu")(layers.Dense(4, activation="relu")(state))
    merged = layers.Concatenate()([states, layers.Dense(4, activation="relu")(action)])
    output = layers.Dense(1, kernel_initializer=limits)(layers.Dense(4, activation="relu")(merged))
    return make_model(keras, [state, action], output), OrderedDict([("state", ROWS), ("action", ROWS[:, :1])])


# --- what is learnt, and how ---------------------------------------------------------------------------------------


def two_tasks(keras, options):
    """Age and class by two heads, compiled with what *options* makes."""
    layers = keras.layers
    source = named_input(keras, "first", ROWS)
    trunk = layers.Dropout(0.1)(layers.Dense(6, activation="relu")(source))
    heads = [layers.Dense(1, name="age")(trunk), layers.Dense(3, activation="softmax", name="kind")(trunk)]
    model = make_model(keras, source, heads)
    model.compile(**options(keras))
    return model, fed(ROWS)


def several_tasks(keras):
    """Losses, their weights and metrics by the names of the heads."""
    return two_tasks(
        keras,
        lambda keras: {
            "optimizer": "rmsprop",
            "loss": {"age": "mse", "kind": "categorical_crossentropy"},
            "loss_weights": {"age": 0.25, "kind": 1.0},
            "metrics": {"kind": "accuracy", "age": ["mae"]},
        },
    )


def several_tasks_by_objects(keras):
    """The same with objects for losses and metrics."""
    return two_tasks(
        keras,
        lambda keras: {
            "optimizer": keras.optimizers.Adam(learning_rate=1e-3),
            "loss": {"age": keras.losses.Huber(delta=0.5), "kind": keras.losses.CategoricalCrossentropy()},
            "metrics": {"kind": [keras.metrics.CategoricalAccuracy(), keras.metrics.AUC(name="auc")]},
        },
    )


def metrics_as_objects(keras):
    """What people watch when classes are rare."""
    metrics, layers = keras.metrics, keras.layers
    model = keras.models.Sequential(
        [
            layers.Dense(4, activation="relu", input_shape=(WIDTH,)),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1),
        metrics=[
            metrics.TruePositives(name="tp"),
            metrics.BinaryAccuracy(name="accuracy", threshold=0.4),
            metrics.Precision(name="precision"),
            metrics.Recall(name="recall"),
            metrics.AUC(name="prc", curve="PR"),
        ],
    )
    model.train_on_batch(ROWS, CLASSES[:, :1])
    return model, fed(ROWS)


def metrics_as_names(keras):
    """Several metrics by their short and their long names."""
    model = perceptron(keras)
    model.compile("adam", "categorical_crossentropy", metrics=["acc", "mse", "mean_absolute_error", "cosine_proximity"])
    return model, fed(ROWS)


def learning_rate_decays(keras):
    """A schedule within an optimizer, trained for a step."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9, staircase=True)
    model = perceptron(keras)
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=schedule), loss="categorical_crossentropy")
    model.train_on_batch(ROWS, CLASSES)
    return model, fed(ROWS)


def learning_rate_decays_by_argument(keras):
    """The rate and its decay as arguments of the time before schedules."""
    model = perceptron(keras)
    sgd = keras.optimizers.SGD(lr=0.01, decay=1e-6, momentum=0.9, nesterov=True)
    model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
    model.train_on_batch(ROWS, CLASSES)
    return model, fed(ROWS)


def weights_of_classes(keras):
    """Trained with weights for the classes and a part held back."""
    model = perceptron(keras)
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    rows, labels = numpy.concatenate([ROWS, -ROWS]), numpy.array([0, 1, 2, 0])
    model.fit(rows, labels, epochs=2, verbose=0, validation_split=0.25, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
    return model, fed(ROWS)


def mixture_density(keras):
    """Weights, means and spreads of a mixture, side by side in one output."""
    layers = keras.layers
    source = named_input(keras, "first", ROWS)
    hidden = layers.Dense(6, activation="tanh")(source)
    weights = layers.Dense(2, activation="softmax", name="pi")(hidden)
    means = layers.Dense(2, name="mu")(hidden)
    spreads = layers.Dense(2, activation="exponential", name="sigma")(hidden)
    return make_model(keras, source, layers.concatenate([weights, means, spreads], name="output")), fed(ROWS)


def autoencoder(keras):
    """Rows to a code and back, with a penalty on the code."""
    layers = keras.layers
    source = named_input(keras, "first", ROWS)
    penalty = keras.regularizers.l1(10e-5)
    encoded = layers.Dense(2, activation="relu", activity_regularizer=penalty, name="encoder")(source)
    model = make_model(keras, source, layers.Dense(WIDTH, activation="sigmoid", name="decoder")(encoded))
    model.compile(optimizer="adadelta", loss="binary_crossentropy")
    return model, fed(ROWS)


def autoencoder_of_two_models(keras):
    """An encoder and a decoder, each a model."""
    layers = keras.layers
    encoder = keras.models.Sequential([layers.Dense(2, activation="selu", input_shape=(WIDTH,))], name="encoder")
    decoder = keras.models.Sequential([layers.Dense(WIDTH, activation="sigmoid", input_shape=(2,))], name="decoder")
    model = keras.models.Sequential([encoder, decoder])
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.SGD(0.1))
    return model, fed(ROWS)


@on(ROWS)
def dropout_always(keras, tensor):
    """Dropout that stays on when the model is used, as its call says."""
    layers = keras.layers
    # So rare that a model computes the same each time.
    tensor = layers.Dropout(1e-9)(layers.Dense(4, activation="relu")(tensor), training=True)
    return layers.Dense(1)(layers.Dropout(1e-9)(layers.Dense(4, activation="relu")(tensor), training=True))


def noise(keras):
    """Every layer that adds noise, and activations that normalise themselves."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.GaussianNoise(0.1, input_shape=(WIDTH,)))
    for _ in range(2):
        model.add(layers.Dense(4, activation="selu", kernel_initializer="lecun_normal"))
        model.add(layers.AlphaDropout(0.1))
    model.add(layers.GaussianDropout(0.2))
    model.add(layers.Dropout(0.5, seed=7))
    model.add(layers.Dense(2, activation="softmax"))
    return model, fed(ROWS)


@on(ROWS)
def activations_as_layers(keras, tensor):
    """Rectifiers of all kinds, each a layer."""
    layers = keras.layers
    for activation in (layers.LeakyReLU(alpha=0.05), layers.PReLU(), layers.ELU(alpha=0.9), layers.Activation("tanh")):
        tensor = layers.BatchNormalization()(activation(layers.Dense(5)(tensor)))
    return layers.Dense(2, activation="hard_sigmoid")(tensor)


@on(ROWS)
def objects_as_arguments(keras, tensor):
    """Initializers, regularizers and constraints as objects with arguments of their own."""
    initializers, regularizers, constraints = keras.initializers, keras.regularizers, keras.constraints
    tensor = keras.layers.Dense(
        5,
        kernel_initializer=initializers.VarianceScaling(scale=2.0, mode="fan_out", distribution="uniform", seed=3),
        bias_initializer=initializers.Constant(0.1),
        kernel_regularizer=regularizers.l1_l2(l1=1e-5, l2=1e-4),
        bias_regularizer=regularizers.l2(1e-4),
        kernel_constraint=constraints.max_norm(3.0, axis=0),
    )(tensor)
    tensor = keras.layers.Dense(
        4,
        kernel_initializer=initializers.TruncatedNormal(stddev=0.02),
        kernel_constraint=constraints.MinMaxNorm(min_value=0.1, max_value=1.0, rate=0.5, axis=1),
        bias_constraint=constraints.NonNeg(),
        activity_regularizer=regularizers.l1(1e-6),
    )(tensor)
    return keras.layers.Dense(2, kernel_initializer=initializers.Orthogonal(gain=0.5))(tensor)


@on(ROWS)
def mixed_float16(keras, tensor):
    """Layers in half precision, as each of them says, under a head in full."""
    layers, half = keras.layers, policy(keras, "mixed_float16")
    for _ in range(2):
        tensor = layers.Dense(4, activation="relu", dtype=half)(tensor)
        tensor = layers.BatchNormalization(dtype=half)(tensor)
    return layers.Activation("softmax", dtype="float32")(layers.Dense(3, dtype=half)(tensor))


# --- how a model is put together -----------------------------------------------------------------------------------


def inputs_by_name(keras):
    """Inputs in a dictionary."""
    layers = keras.layers
    tensors = {"a": named_input(keras, "a", ROWS), "b": named_input(keras, "b", ROWS)}
    output = layers.Dense(2)(layers.concatenate([tensors["a"], layers.Dense(3)(tensors["b"])]))
    return keras.models.Model(tensors, output), OrderedDict([("a", ROWS), ("b", ROWS * 0.5)])


@on(ROWS)
def outputs_by_name(keras, tensor):
    """Outputs in a dictionary, on hidden layers of their own."""
    layers = keras.layers
    trunk = layers.Dense(4, activation="relu")(tensor)
    branches = {name: layers.Dense(3, activation="relu")(trunk) for name in ("policy", "value")}
    return {name: layers.Dense(1, name=name)(branch) for name, branch in sorted(branches.items())}


def shape_from_data(keras):
    """A sequence without an input, which the first batch gives its shape."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(4, activation="relu", name="first"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dense(1, name="last"))
    model.compile("rmsprop", "mse")
    model.train_on_batch(ROWS, wave((2, 1), 1))
    return model, fed(ROWS)


def input_without_use(keras):
    """An input that no output depends on."""
    if keras.__name__ == "keras" and keras_version(keras) < (3,):
        raise NotImplementedError("this Keras leaves such an input out of what it saves")
    tensors = [named_input(keras, "used", ROWS), named_input(keras, "unused", ROWS)]
    output = keras.layers.Dense(2)(keras.layers.Dense(3, activation="relu")(tensors[0]))
    return make_model(keras, tensors, output), OrderedDict([("used", ROWS), ("unused", ROWS * 0.5)])


def parts_of_parts(keras):
    """Models within models, one of them called at two places of another."""
    layers = keras.layers

    def part(name, *inner):
        source = named_input(keras, name + "_input", ROWS)
        return keras.models.Model(source, through(source, *inner), name=name)

    block = part("block", layers.Dense(WIDTH, activation="relu"), layers.BatchNormalization())
    encoder = part("encoder", block, layers.Dense(WIDTH), block)
    source = named_input(keras, "first", ROWS)
    model = make_model(keras, source, layers.add([encoder(source), block(source)]))
    model.compile("sgd", "mse")
    return model, fed(ROWS)


@on(ROWS)
def deep(keras, tensor):
    """Sixty dense layers, each with what goes past it."""
    layers = keras.layers
    for place in range(60):
        tensor = layers.add([tensor, layers.Dense(WIDTH, activation="tanh", name="hidden_%02d" % place)(tensor)])
    return layers.Dense(1)(tensor)


def deep_sequence(keras):
    """Many layers in a row, with names that were counted up by Keras."""
    layers = keras.layers
    hidden = [
        layer
        for _ in range(20)
        for layer in (layers.Dense(4), layers.BatchNormalization(), layers.Activation("elu"), layers.Dropout(0.1))
    ]
    return perceptron(keras, *hidden), fed(ROWS)


@on(ROWS)
def names_with_signs(keras, tensor):
    """Names with slashes, points, spaces and hyphens, as tools and people give them."""
    names = ("encoder/dense/0", "encoder/dense/1", "head.0", "head-1", "Dense_Layer_2_")
    return through(tensor, *(keras.layers.Dense(3, name=name) for name in names))


@on(ROWS)
def names_in_other_scripts(keras, tensor):
    """Names that are not English."""
    names = ("\u00e9tage_1", "\u5c42_2", "\u0441\u043b\u043e\u0439")
    return through(tensor, *(keras.layers.Dense(3, name=name) for name in names))


TABLE_NETWORKS = (
    wide_and_deep,
    deep_and_cross,
    matrix_factorization,
    neural_collaborative_filtering,
    factorization_machine,
    entity_embeddings,
    two_towers,
    shared_three_times,
    columns_of_a_table,
    preprocessing_apart,
    crossed_columns,
    regression_normalized,
    values_of_actions,
    dueling_by_operators,
    actor_critic,
    critic,
    several_tasks,
    several_tasks_by_objects,
    metrics_as_objects,
    metrics_as_names,
    learning_rate_decays,
    learning_rate_decays_by_argument,
    weights_of_classes,
    mixture_density,
    autoencoder,
    autoencoder_of_two_models,
    dropout_always,
    noise,
    activations_as_layers,
    objects_as_arguments,
    mixed_float16,
    inputs_by_name,
    outputs_by_name,
    shape_from_data,
    input_without_use,
    parts_of_parts,
    deep,
    deep_sequence,
    names_with_signs,
    names_in_other_scripts,
)
