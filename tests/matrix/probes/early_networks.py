"""Networks as they were written for Keras 1, by the names and arguments of its time."""

from __future__ import print_function

from collections import OrderedDict

from chain_subjects import ROWS, SEQUENCES, TOKENS
from early_spelling import in_any_keras
from image_networks import PHOTOGRAPHS, SHAPE
from layer_subjects import named_input
from model_subjects import fed


def early_lenet(keras):
    """Convolutions with rows and columns as two arguments."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Convolution2D(4, 3, 3, border_mode="valid", input_shape=SHAPE))
    model.add(layers.Activation("relu"))
    model.add(layers.Convolution2D(4, 3, 3, activation="relu", subsample=(2, 2)))
    model.add(layers.MaxPooling2D(pool_size=(2, 2), border_mode="same"))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(output_dim=3))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adadelta", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


def early_vgg(keras):
    """Padding as layers before convolutions without."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.ZeroPadding2D((1, 1), input_shape=SHAPE))
    for filters in (2, 2, 4):
        model.add(layers.Convolution2D(filters, 3, 3, activation="relu"))
        model.add(layers.ZeroPadding2D((1, 1)))
    model.add(layers.MaxPooling2D((2, 2), strides=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(3, activation="softmax"))
    return model, fed(PHOTOGRAPHS)


def early_inception(keras):
    """Branches put together by a function with a mode."""
    layers = keras.layers
    source = layers.Input(shape=SHAPE, name="first")
    towers = []
    for size in (1, 3):
        tensor = layers.Convolution2D(2, 1, 1, border_mode="same", activation="relu")(source)
        towers.append(layers.Convolution2D(2, size, size, border_mode="same", activation="relu")(tensor))
    pooled = layers.MaxPooling2D((3, 3), strides=(1, 1), border_mode="same")(source)
    merged = layers.merge(towers + [pooled], mode="concat", concat_axis=3)
    return keras.models.Model(input=source, output=layers.Dense(3)(layers.Flatten()(merged))), fed(PHOTOGRAPHS)


def early_resnet(keras):
    """Residual blocks by a function with a mode, initialised by one word and regularised by another."""
    layers = keras.layers
    source = tensor = layers.Input(shape=SHAPE, name="first")
    for block in range(2):
        inner = layers.Convolution2D(3, 3, 3, init="he_normal", border_mode="same", W_regularizer="l2")(tensor)
        inner = layers.Activation("relu")(layers.BatchNormalization(axis=3, name="bn%d" % block)(inner))
        inner = layers.Convolution2D(3, 3, 3, init="he_normal", border_mode="same", bias=False)(inner)
        tensor = layers.Activation("relu")(layers.merge([inner, tensor], mode="sum"))
    tensor = layers.AveragePooling2D((8, 8), strides=(1, 1))(tensor)
    output = layers.Dense(3, init="glorot_normal", activation="softmax")(layers.Flatten()(tensor))
    return keras.models.Model(input=source, output=output), fed(PHOTOGRAPHS)


def early_autoencoder(keras):
    """Down by pooling and up by repetition."""
    layers = keras.layers
    source = layers.Input(shape=SHAPE, name="first")
    tensor = layers.Convolution2D(4, 3, 3, activation="relu", border_mode="same")(source)
    encoded = layers.MaxPooling2D((2, 2), border_mode="same")(tensor)
    tensor = layers.UpSampling2D((2, 2))(layers.Convolution2D(4, 3, 3, activation="relu", border_mode="same")(encoded))
    decoded = layers.Convolution2D(3, 3, 3, activation="sigmoid", border_mode="same")(tensor)
    model = keras.models.Model(input=source, output=decoded)
    model.compile(optimizer="adadelta", loss="binary_crossentropy")
    return model, fed(PHOTOGRAPHS)


def early_sentiment(keras):
    """Dropout of both kinds as one word and a letter."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(5, 4, input_length=4))
    model.add(layers.LSTM(4, dropout_W=0.2, dropout_U=0.2, inner_activation="hard_sigmoid"))
    model.add(layers.Dense(1))
    model.add(layers.Activation("sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model, fed(TOKENS)


def early_text_cnn(keras):
    """Convolutions over words by the names of their arguments."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(5, 4, input_length=4))
    model.add(
        layers.Convolution1D(nb_filter=3, filter_length=2, border_mode="valid", activation="relu", subsample_length=1)
    )
    model.add(layers.GlobalMaxPooling1D())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    return model, fed(TOKENS)


def early_perceptron(keras):
    """Widths and initial weights by their first names."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(output_dim=4, init="uniform", activation="relu", input_dim=4))
    model.add(layers.Dropout(p=0.2))
    model.add(layers.Dense(output_dim=4, init="uniform", activation="relu", W_constraint="nonneg"))
    model.add(layers.Dense(output_dim=1, init="uniform", activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model, fed(ROWS)


def early_gates(keras):
    """Layers that only Keras 1 had."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.MaxoutDense(4, nb_feature=2, input_dim=4))
    model.add(layers.Highway(activation="relu"))
    model.add(layers.Dense(2))
    return model, fed(ROWS)


def early_branches(keras):
    """Two sequences that a layer merges into the beginning of a third."""
    layers = keras.layers
    left = keras.models.Sequential([layers.Dense(3, input_dim=4, name="left")])
    right = keras.models.Sequential([layers.Dense(3, input_dim=4, name="right")])
    model = keras.models.Sequential()
    model.add(layers.Merge([left, right], mode="concat"))
    model.add(layers.Dense(2, activation="softmax"))
    return model, OrderedDict([("left", ROWS), ("right", ROWS * 0.5)])


def early_matrix_factorization(keras):
    """Two tables of vectors, merged by their product."""
    layers = keras.layers
    user, item = named_input(keras, "user", TOKENS[:, :1]), named_input(keras, "item", TOKENS[:, :1])
    vectors = [layers.Embedding(5, 3, input_length=1, W_regularizer="l2")(tensor) for tensor in (user, item)]
    output = layers.Flatten()(layers.merge(vectors, mode="dot", dot_axes=2))
    inputs = OrderedDict([("user", TOKENS[:, :1]), ("item", TOKENS[:, 1:2])])
    return keras.models.Model(input=[user, item], output=output), inputs


def early_sequences(keras):
    """A vector repeated for each step of what is said next."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(4, input_shape=SEQUENCES.shape[1:], inner_activation="hard_sigmoid", inner_init="orthogonal"))
    model.add(layers.RepeatVector(3))
    model.add(layers.GRU(4, return_sequences=True, consume_less="cpu", inner_activation="hard_sigmoid"))
    model.add(layers.TimeDistributed(layers.Dense(2)))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    return model, fed(SEQUENCES)


def early_gated_convolutions(keras):
    """Convolutions with holes as a class of their own, multiplied by gates."""
    layers = keras.layers
    source = layers.Input(shape=SEQUENCES.shape[1:], name="first")
    halves = [
        layers.AtrousConvolution1D(4, 2, atrous_rate=2, border_mode="same", activation=activation)(source)
        for activation in ("tanh", "sigmoid")
    ]
    tensor = layers.Convolution1D(3, 1, border_mode="same")(layers.merge(halves, mode="mul"))
    output = layers.Flatten()(layers.merge([source, tensor], mode="sum"))
    return keras.models.Model(input=source, output=layers.Dense(2)(output)), fed(SEQUENCES)


EARLY_NETWORKS = tuple(
    in_any_keras(build)
    for build in (
        early_lenet,
        early_vgg,
        early_inception,
        early_resnet,
        early_autoencoder,
        early_sentiment,
        early_text_cnn,
        early_perceptron,
        early_gates,
        early_branches,
        early_matrix_factorization,
        early_sequences,
        early_gated_convolutions,
    )
)
