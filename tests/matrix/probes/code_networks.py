"""Networks with functions of their authors' own in ``Lambda`` layers, which a file holds as bytecode.

What such a function names is global, as in a notebook: who loads it has to have the same names.
"""

from __future__ import print_function

import importlib
from collections import OrderedDict

from chain_subjects import ROWS, SEQUENCES, TOKENS
from image_networks import PHOTOGRAPHS
from layer_subjects import make_model, named_input, on
from model_subjects import fed
from sequence_networks import FEATURES, STEPS, WORDS
from table_networks import WIDTH

# By the names that notebooks give them: functions on tensors of the Keras in use, and TensorFlow, once they are imported.
K = tf = None


def code_networks(keras):
    """Builders of the networks, by functions that know the tensors of this Keras."""
    global K, tf
    K, tf = getattr(keras, "ops", keras.backend), importlib.import_module("tensorflow")
    return (
        early_siamese,
        attention_of_channels_and_places,
        super_resolution,
        embedding_of_faces,
        attention_by_repetition,
        recognition_of_text,
        siamese_sentences,
        dueling,
        variational,
    )


def early_siamese(keras):
    """Two inputs of one network, whose distance a function without a name computes."""
    layers = keras.layers
    shared = keras.models.Sequential([layers.Dense(4, input_shape=(4,), activation="relu"), layers.Dense(3)])
    left, right = layers.Input(shape=(4,), name="left"), layers.Input(shape=(4,), name="right")
    distance = layers.Lambda(
        lambda vectors: K.sqrt(K.sum(K.square(vectors[0] - vectors[1]), axis=1, keepdims=True)),
        output_shape=lambda shapes: (shapes[0][0], 1),
    )
    model = keras.models.Model(input=[left, right], output=distance([shared(left), shared(right)]))
    return model, OrderedDict([("left", ROWS), ("right", ROWS[::-1] * 0.5)])


@on(PHOTOGRAPHS)
def attention_of_channels_and_places(keras, tensor):
    """Weights for channels, by layers that are shared, and for places, by functions without a name."""
    layers = keras.layers
    first, second = layers.Dense(1, activation="relu"), layers.Dense(3)
    means = layers.Reshape((1, 1, 3))(layers.GlobalAveragePooling2D()(tensor))
    peaks = layers.Reshape((1, 1, 3))(layers.GlobalMaxPooling2D()(tensor))
    weights = layers.Activation("sigmoid")(layers.Add()([second(first(means)), second(first(peaks))]))
    tensor = layers.multiply([tensor, weights])
    mean = layers.Lambda(lambda x: K.mean(x, axis=3, keepdims=True))(tensor)
    peak = layers.Lambda(lambda x: K.max(x, axis=3, keepdims=True))(tensor)
    places = layers.Concatenate(axis=3)([mean, peak])
    places = layers.Conv2D(1, kernel_size=7, padding="same", activation="sigmoid", use_bias=False)(places)
    return layers.GlobalAveragePooling2D()(layers.multiply([tensor, places]))


@on(PHOTOGRAPHS)
def super_resolution(keras, tensor):
    """Residual blocks with a constant scale, and channels that become places."""
    layers = keras.layers
    tensor = layers.Conv2D(4, 3, padding="same")(tensor)
    inner = layers.Conv2D(4, 3, padding="same")(layers.Conv2D(4, 3, padding="same", activation="relu")(tensor))
    tensor = layers.Add()([tensor, layers.Lambda(lambda t: t * 0.1)(inner)])
    tensor = layers.Conv2D(12, 3, padding="same")(tensor)
    return layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2), output_shape=(16, 16, 3))(tensor)


@on(PHOTOGRAPHS)
def embedding_of_faces(keras, tensor):
    """A vector of length one."""
    layers = keras.layers
    tensor = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 3, use_bias=False)(tensor))
    tensor = layers.Dense(4, name="bottleneck")(layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(tensor)))
    return layers.Lambda(lambda x: tf.nn.l2_normalize(x, 1), name="normalize")(tensor)


@on(SEQUENCES)
def attention_by_repetition(keras, tensor):
    """Weights of the steps by permutation and repetition, and a sum by a function without a name."""
    layers = keras.layers
    units = layers.LSTM(4, return_sequences=True)(tensor)
    weights = layers.Flatten()(layers.Dense(1, activation="tanh")(units))
    weights = layers.Permute([2, 1])(layers.RepeatVector(4)(layers.Activation("softmax")(weights)))
    weighted = layers.multiply([units, weights])
    return layers.Dense(1)(layers.Lambda(lambda xin: K.sum(xin, axis=-2), output_shape=(4,))(weighted))


def recognition_of_text(keras):
    """Convolutions to steps of an LSTM, beside the loss, which is computed by a function without a name."""
    layers = keras.layers
    image = layers.Input(shape=(STEPS, FEATURES, 1), name="first")
    tensor = layers.Conv2D(2, (2, 2), padding="same", activation="relu", kernel_initializer="he_normal")(image)
    tensor = layers.Dense(3, activation="relu")(layers.Reshape(target_shape=(STEPS, FEATURES * 2))(tensor))
    predicted = layers.Dense(4, activation="softmax")(
        layers.Bidirectional(layers.GRU(2, return_sequences=True))(tensor)
    )
    labels = layers.Input(name="labels", shape=(2,), dtype="float32")
    lengths = [layers.Input(name=name, shape=(1,), dtype="int64") for name in ("input_length", "label_length")]
    loss = layers.Lambda(lambda args: K.ctc_batch_cost(*args), output_shape=(1,), name="ctc")
    model = keras.models.Model([image, labels] + lengths, loss([labels, predicted] + lengths))
    counts = (TOKENS[:, :1] * 0).astype("int64")
    inputs = [
        ("first", SEQUENCES[..., None]),
        ("labels", (TOKENS[:, :2] % 3).astype("float32")),
        ("input_length", counts + STEPS),
        ("label_length", counts + 1),
    ]
    return model, OrderedDict(inputs)


def siamese_sentences(keras):
    """One LSTM for both sentences, and their distance by a function without a name."""
    layers = keras.layers
    left, right = named_input(keras, "left", TOKENS), named_input(keras, "right", TOKENS)
    embedding, shared = layers.Embedding(WORDS, 3, trainable=False), layers.LSTM(3)
    encoded = [shared(embedding(tokens)) for tokens in (left, right)]
    distance = layers.Lambda(
        lambda both: K.exp(-K.sum(K.abs(both[0] - both[1]), axis=1, keepdims=True)),
        output_shape=lambda shapes: (shapes[0][0], 1),
    )
    model = make_model(keras, [left, right], distance(encoded))
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adadelta(clipnorm=1.25), metrics=["accuracy"])
    return model, OrderedDict([("left", TOKENS), ("right", 3 - TOKENS)])


@on(ROWS)
def dueling(keras, state):
    """Values of the state and of the actions, joined by a function without a name."""
    layers = keras.layers
    hidden = layers.Dense(4, activation="relu", kernel_initializer="he_uniform")(state)
    value = layers.Dense(1, kernel_initializer="he_uniform")(hidden)
    value = layers.Lambda(lambda s: K.expand_dims(s[:, 0], -1), output_shape=(3,))(value)
    advantage = layers.Dense(3, kernel_initializer="he_uniform")(hidden)
    advantage = layers.Lambda(lambda a: a[:, :] - K.mean(a[:, :], keepdims=True), output_shape=(3,))(advantage)
    return layers.Add()([value, advantage])


def variational(keras):
    """A draw from what the encoder says, by a function with a name, and the loss added to the model."""
    layers = keras.layers

    def sampling(args):
        z_mean, z_log_var = args
        # Next to nothing, so that a model computes the same each time.
        epsilon = K.random_normal(shape=(K.shape(z_mean)[0], 2), mean=0.0, stddev=1e-7)
        return z_mean + K.exp(0.5 * z_log_var) * epsilon

    source = named_input(keras, "first", ROWS)
    hidden = layers.Dense(4, activation="relu")(source)
    z_mean, z_log_var = layers.Dense(2, name="z_mean")(hidden), layers.Dense(2, name="z_log_var")(hidden)
    z = layers.Lambda(sampling, output_shape=(2,), name="z")([z_mean, z_log_var])
    encoder = make_model(keras, source, [z_mean, z_log_var, z])
    latent = layers.Input(shape=(2,), name="z_sampling")
    decoder = make_model(keras, latent, layers.Dense(WIDTH, activation="sigmoid")(latent))
    outputs = decoder(encoder(source)[2])
    model = make_model(keras, source, outputs)
    divergence = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    model.add_loss(K.mean(K.sum(K.square(source - outputs), axis=-1) + divergence))
    model.compile(optimizer="adam")
    return model, fed(ROWS)
