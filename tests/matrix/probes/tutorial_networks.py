"""Networks as the tutorials, the galleries of examples and well-known repositories have them: whole, plain and compiled."""

from __future__ import print_function

from collections import OrderedDict

import numpy

from chain_subjects import FILMS, ROWS, SEQUENCES, TOKENS, VOLUMES
from layer_subjects import layer_classes, make_model, named_input, on, through
from model_subjects import fed
from running_keras import wave

DIGITS = wave((2, 8, 8), 1)
GREY = wave((2, 8, 8, 1), 1)
PHOTOGRAPHS = wave((2, 16, 16, 3), 1)
SERIES = wave((2, 8, 2), 1)
LABELS = numpy.array([0, 2])
CHOICES = numpy.array([[0.0], [1.0]], dtype="float32")
WORDS = 5


# --- first steps ---------------------------------------------------------------------------------------------------


def quickstart(keras):
    """The first network of the first page."""
    layers = keras.layers
    model = keras.models.Sequential(
        [
            layers.Flatten(input_shape=DIGITS.shape[1:]),
            layers.Dense(6, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(DIGITS, LABELS, epochs=1, verbose=0)
    return model, fed(DIGITS)


def clothes(keras):
    """Scores without a softmax, of which the loss is told."""
    layers = keras.layers
    model = keras.models.Sequential(
        [layers.Flatten(input_shape=DIGITS.shape[1:]), layers.Dense(6, activation="relu"), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(DIGITS, LABELS, epochs=1, verbose=0)
    return model, fed(DIGITS)


def topics_of_news(keras):
    """Words counted, and activations as layers of their own."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(6, input_shape=ROWS.shape[1:]))
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(3))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model, fed(ROWS)


def prices_of_houses(keras):
    """Two hidden layers with a penalty, and one number."""
    layers, regularizers = keras.layers, keras.regularizers
    model = keras.models.Sequential()
    model.add(layers.Dense(6, activation="relu", kernel_regularizer=regularizers.l2(0.001), input_shape=(4,)))
    model.add(layers.Dense(6, activation="relu", kernel_regularizer=regularizers.l2(0.001)))
    model.add(layers.Dense(1))
    model.compile(optimizer=keras.optimizers.RMSprop(0.001), loss="mse", metrics=["mae", "mse"])
    model.fit(ROWS, CHOICES, epochs=1, verbose=0)
    return model, fed(ROWS)


def fraud(keras):
    """Rare cases among transactions, counted by metrics."""
    layers, metrics = keras.layers, keras.metrics
    model = keras.models.Sequential(
        [
            layers.Dense(6, activation="relu", input_shape=ROWS.shape[1:]),
            layers.BatchNormalization(),
            layers.Dense(6, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2),
        loss="binary_crossentropy",
        metrics=[metrics.FalseNegatives(name="fn"), metrics.Precision(name="precision"), metrics.Recall(name="recall")],
    )
    model.fit(ROWS, CHOICES, epochs=1, verbose=0, class_weight={0: 0.2, 1: 2.0})
    return model, fed(ROWS)


def autoencoder_deep(keras):
    """Dense layers that grow narrower, and wider again."""
    layers = keras.layers
    source = named_input(keras, "first", ROWS)
    encoded = through(source, *(layers.Dense(width, activation="relu") for width in (8, 4, 2)))
    hidden = through(encoded, *(layers.Dense(width, activation="relu") for width in (4, 8)))
    model = make_model(keras, source, layers.Dense(4, activation="sigmoid")(hidden))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit(ROWS, ROWS, epochs=1, verbose=0)
    return model, fed(ROWS)


# --- classes of images ---------------------------------------------------------------------------------------------


def small_objects(keras):
    """Pairs of convolutions, each normalised, with dropout that grows from block to block."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(3, (3, 3), padding="same", input_shape=PHOTOGRAPHS.shape[1:]))
    for block, rate in enumerate((0.2, 0.3, 0.4)):
        if block:
            model.add(layers.Conv2D(3, (3, 3), padding="same", kernel_regularizer=keras.regularizers.l2(1e-4)))
        model.add(layers.Activation("elu"))
        model.add(layers.BatchNormalization())
        model.add(layers.Conv2D(3, (3, 3), padding="same", kernel_regularizer=keras.regularizers.l2(1e-4)))
        model.add(layers.Activation("elu"))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D(pool_size=(2, 2)))
        model.add(layers.Dropout(rate))
    model.add(layers.Flatten())
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(
        loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.RMSprop(0.001), metrics=["accuracy"]
    )
    model.fit(PHOTOGRAPHS, LABELS, epochs=1, verbose=0)
    return model, fed(PHOTOGRAPHS)


def alexnet(keras):
    """Large strides first, pooling that overlaps, and two wide dense layers with dropout."""
    layers = keras.layers
    model = keras.models.Sequential(
        [
            layers.Conv2D(
                filters=4,
                kernel_size=(5, 5),
                strides=(2, 2),
                activation="relu",
                input_shape=PHOTOGRAPHS.shape[1:],
            ),
            layers.BatchNormalization(),
            layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2), padding="same"),
            layers.Conv2D(filters=6, kernel_size=(5, 5), strides=(1, 1), activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.Conv2D(filters=4, kernel_size=(1, 1), strides=(1, 1), activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2)),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    sgd = keras.optimizers.SGD(0.001, momentum=0.9, nesterov=True)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
    model.fit(PHOTOGRAPHS, LABELS, epochs=1, verbose=0)
    return model, fed(PHOTOGRAPHS)


def toy_resnet(keras):
    """Two blocks, each added to what went in."""
    layers = keras.layers
    source = named_input(keras, "img", PHOTOGRAPHS)
    tensor = layers.Conv2D(3, 3, activation="relu")(source)
    tensor = layers.MaxPooling2D(3)(layers.Conv2D(4, 3, activation="relu")(tensor))
    for _ in range(2):
        inner = layers.Conv2D(4, 3, activation="relu", padding="same")(tensor)
        tensor = layers.add([layers.Conv2D(4, 3, activation="relu", padding="same")(inner), tensor])
    tensor = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(tensor))
    tensor = layers.Dropout(0.5)(layers.Dense(6, activation="relu")(tensor))
    model = keras.models.Model(source, layers.Dense(3, activation="softmax")(tensor), name="toy_resnet")
    model.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss="categorical_crossentropy", metrics=["acc"])
    return model, OrderedDict([("img", PHOTOGRAPHS)])


def resnet_basic(keras):
    """Two convolutions in a block, beside nothing or beside a convolution with strides."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(source)))
    for filters, strides in ((4, 1), (6, 2)):
        inner = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(tensor)
        inner = layers.ReLU()(layers.BatchNormalization()(inner))
        inner = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(inner))
        if strides > 1:
            tensor = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(tensor)
            tensor = layers.BatchNormalization()(tensor)
        tensor = layers.ReLU()(layers.Add()([inner, tensor]))
    output = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(tensor))
    model = make_model(keras, source, output)
    sgd = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer=sgd, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(PHOTOGRAPHS, LABELS)
    return model, fed(PHOTOGRAPHS)


def googlenet(keras):
    """Towers side by side, and a second head on the way that helps to learn."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)

    def towers(tensor, name):
        point = layers.Conv2D(2, (1, 1), padding="same", activation="relu")(tensor)
        middle = layers.Conv2D(2, (1, 1), padding="same", activation="relu")(tensor)
        middle = layers.Conv2D(3, (3, 3), padding="same", activation="relu")(middle)
        wide = layers.Conv2D(2, (1, 1), padding="same", activation="relu")(tensor)
        wide = layers.Conv2D(2, (5, 5), padding="same", activation="relu")(wide)
        pooled = layers.MaxPooling2D((3, 3), strides=(1, 1), padding="same")(tensor)
        pooled = layers.Conv2D(2, (1, 1), padding="same", activation="relu")(pooled)
        return layers.concatenate([point, middle, wide, pooled], axis=3, name=name)

    first = towers(layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")(source), "inception_3a")
    beside = layers.Flatten()(layers.AveragePooling2D((5, 5), strides=3)(first))
    beside = layers.Dense(3, activation="softmax", name="auxilliary_output_1")(layers.Dropout(0.7)(beside))
    tensor = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(towers(first, "inception_3b")))
    model = make_model(keras, source, [layers.Dense(3, activation="softmax", name="output")(tensor), beside])
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(loss=["categorical_crossentropy"] * 2, loss_weights=[1, 0.3], optimizer=sgd)
    return model, fed(PHOTOGRAPHS)


def flowers(keras):
    """Pixels scaled by the first layer of a plain convolutional network."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layer_classes(keras)["Rescaling"](1.0 / 255, input_shape=PHOTOGRAPHS.shape[1:]))
    for filters in (2, 4):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(6, activation="relu"))
    model.add(layers.Dense(3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(PHOTOGRAPHS, LABELS, epochs=1, verbose=0)
    return model, fed(PHOTOGRAPHS)


def radiographs(keras):
    """Pairs of separable convolutions and dense blocks, both normalised and thinned out."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(3, 3, activation="relu", padding="same", input_shape=PHOTOGRAPHS.shape[1:]))
    model.add(layers.MaxPool2D())
    for filters in (4, 6):
        model.add(layers.SeparableConv2D(filters, 3, activation="relu", padding="same"))
        model.add(layers.SeparableConv2D(filters, 3, activation="relu", padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPool2D())
    model.add(layers.Dropout(0.2))
    model.add(layers.Flatten())
    for units, rate in ((6, 0.7), (4, 0.5)):
        model.add(layers.Dense(units, activation="relu"))
        model.add(layers.BatchNormalization())
        model.add(layers.Dropout(rate))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


def emotions(keras):
    """Separable convolutions with a penalty, beside a convolution with strides, on grey faces."""
    layers, penalty = keras.layers, keras.regularizers.l2(0.01)
    source = named_input(keras, "first", GREY)
    tensor = layers.Conv2D(4, (3, 3), strides=(1, 1), kernel_regularizer=penalty, use_bias=False)(source)
    tensor = layers.Activation("relu")(layers.BatchNormalization()(tensor))
    beside = layers.Conv2D(6, (1, 1), strides=(2, 2), padding="same", use_bias=False)(tensor)
    beside = layers.BatchNormalization()(beside)
    for place in range(2):
        tensor = layers.SeparableConv2D(6, (3, 3), padding="same", use_bias=False)(tensor)
        tensor = layers.BatchNormalization()(tensor)
        tensor = layers.Activation("relu")(tensor) if place == 0 else tensor
    tensor = layers.add([layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")(tensor), beside])
    tensor = layers.GlobalAveragePooling2D()(layers.Conv2D(3, (3, 3), padding="same")(tensor))
    model = make_model(keras, source, layers.Activation("softmax", name="predictions")(tensor))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model, fed(GREY)


def age_and_gender(keras):
    """One trunk of convolutions, and a head for each question about a face."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = source
    for filters in (3, 4):
        tensor = layers.Conv2D(filters, (3, 3), padding="same", activation="relu")(tensor)
        tensor = layers.MaxPooling2D(pool_size=(2, 2))(layers.BatchNormalization(axis=-1)(tensor))
    tensor = layers.Flatten()(layers.Dropout(0.25)(tensor))
    age = layers.Dense(1, activation="linear", name="age_output")(layers.Dense(6, activation="relu")(tensor))
    gender = layers.Dense(1, activation="sigmoid", name="gender_output")(layers.Dense(6, activation="relu")(tensor))
    model = make_model(keras, source, [age, gender])
    model.compile(
        optimizer=keras.optimizers.Adam(1e-4),
        loss={"age_output": "mse", "gender_output": "binary_crossentropy"},
        loss_weights={"age_output": 4.0, "gender_output": 0.1},
        metrics={"age_output": "mae", "gender_output": "accuracy"},
    )
    model.train_on_batch(PHOTOGRAPHS, [CHOICES, CHOICES])
    return model, fed(PHOTOGRAPHS)


def captcha(keras):
    """A head for each of the characters of an image."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = source
    for filters in (2, 4):
        for _ in range(2):
            tensor = layers.Conv2D(filters, (3, 3), activation="relu", padding="same")(tensor)
        tensor = layers.MaxPooling2D((2, 2))(tensor)
    tensor = layers.Dropout(0.25)(layers.Flatten()(tensor))
    heads = [layers.Dense(3, activation="softmax", name="c%d" % place)(tensor) for place in range(1, 5)]
    model = make_model(keras, source, heads)
    model.compile(loss="categorical_crossentropy", optimizer="adadelta")
    return model, fed(PHOTOGRAPHS)


def transfer_mobilenet(keras):
    """A network of the applications without its head, frozen, under pooling, dropout and one dense layer."""
    layers = keras.layers
    base = keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None)
    base.trainable = False
    model = keras.models.Sequential(
        [base, layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(optimizer=keras.optimizers.RMSprop(0.0001), loss="binary_crossentropy", metrics=["accuracy"])
    return model, fed(wave((2, 32, 32, 3), 1))


def patches(keras):
    """Patches by a convolution, normalised, with attention between them."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = layers.Reshape((16, 4))(layers.Conv2D(4, kernel_size=4, strides=4, padding="valid")(source))
    for _ in range(2):
        inner = layers.LayerNormalization(epsilon=1e-6)(tensor)
        attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(inner, inner)
        tensor = layers.Add()([attended, tensor])
        inner = layers.LayerNormalization(epsilon=1e-6)(tensor)
        inner = layers.Dense(4)(layers.Dropout(0.1)(layers.Dense(8, activation="gelu")(inner)))
        tensor = layers.Add()([inner, tensor])
    tensor = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(tensor))
    model = make_model(keras, source, layers.Dense(3, activation="softmax")(tensor))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


@on(PHOTOGRAPHS)
def mixer(keras, tensor):
    """Dense layers over the patches and over the channels in turn."""
    layers = keras.layers
    tensor = layers.Reshape((16, 4))(layers.Conv2D(4, 4, strides=4)(tensor))
    for _ in range(2):
        inner = layers.Permute((2, 1))(layers.LayerNormalization(epsilon=1e-6)(tensor))
        inner = layers.Dense(16)(layers.Activation("gelu")(layers.Dense(8)(inner)))
        tensor = layers.add([tensor, layers.Permute((2, 1))(inner)])
        inner = layers.LayerNormalization(epsilon=1e-6)(tensor)
        tensor = layers.add([tensor, layers.Dense(4)(layers.Activation("gelu")(layers.Dense(8)(inner)))])
    return layers.Dense(3)(layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(tensor)))


def convolutional_mixer(keras):
    """Patches mixed by depthwise and by pointwise convolutions."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)

    def activated(tensor):
        return layers.BatchNormalization()(layers.Activation("relu")(tensor))

    tensor = activated(layers.Conv2D(4, kernel_size=2, strides=2)(source))
    for _ in range(2):
        inner = layers.DepthwiseConv2D(kernel_size=3, padding="same")(tensor)
        tensor = layers.Add()([activated(inner), tensor])
        tensor = activated(layers.Conv2D(4, kernel_size=1)(tensor))
    model = make_model(keras, source, layers.Dense(3, activation="softmax")(layers.GlobalAvgPool2D()(tensor)))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


def scans(keras):
    """Volumes to one number, learnt at a rate that decays."""
    layers = keras.layers
    source = named_input(keras, "first", VOLUMES)
    tensor = layers.Conv3D(filters=3, kernel_size=3, padding="same", activation="relu")(source)
    tensor = layers.BatchNormalization()(layers.MaxPool3D(pool_size=2)(tensor))
    tensor = layers.Dense(units=6, activation="relu")(layers.GlobalAveragePooling3D()(tensor))
    output = layers.Dense(units=1, activation="sigmoid")(layers.Dropout(0.3)(tensor))
    model = keras.models.Model(source, output, name="3dcnn")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.0001, decay_steps=100000, decay_rate=0.96, staircase=True)
    optimizer = keras.optimizers.Adam(learning_rate=schedule)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["acc"])
    model.train_on_batch(VOLUMES, CHOICES)
    return model, fed(VOLUMES)


# --- from image to image -------------------------------------------------------------------------------------------


def autoencoder_denoising(keras):
    """Down by pooling and up by transposed convolutions with strides."""
    layers = keras.layers
    source = named_input(keras, "first", GREY)
    tensor = source
    for _ in range(2):
        tensor = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(tensor)
        tensor = layers.MaxPooling2D((2, 2), padding="same")(tensor)
    for _ in range(2):
        tensor = layers.Conv2DTranspose(4, (3, 3), strides=2, activation="relu", padding="same")(tensor)
    model = make_model(keras, source, layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(tensor))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit(GREY, GREY, epochs=1, verbose=0)
    return model, fed(GREY)


def pets(keras):
    """Separable convolutions down and transposed ones up, each beside what goes past it."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = layers.Conv2D(3, 3, strides=2, padding="same")(source)
    tensor = beside = layers.Activation("relu")(layers.BatchNormalization()(tensor))
    for filters in (4, 6):
        for _ in range(2):
            tensor = layers.SeparableConv2D(filters, 3, padding="same")(layers.Activation("relu")(tensor))
            tensor = layers.BatchNormalization()(tensor)
        tensor = layers.MaxPooling2D(3, strides=2, padding="same")(tensor)
        tensor = beside = layers.add([tensor, layers.Conv2D(filters, 1, strides=2, padding="same")(beside)])
    for filters in (6, 4, 3):
        for _ in range(2):
            tensor = layers.Conv2DTranspose(filters, 3, padding="same")(layers.Activation("relu")(tensor))
            tensor = layers.BatchNormalization()(tensor)
        tensor = layers.UpSampling2D(2)(tensor)
        tensor = beside = layers.add(
            [tensor, layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(beside))]
        )
    model = make_model(keras, source, layers.Conv2D(3, 3, activation="softmax", padding="same")(tensor))
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy")
    return model, fed(PHOTOGRAPHS)


def unet_with_gates(keras):
    """Bridges that are weighted by what lies below them."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    fine = layers.Conv2D(3, (3, 3), activation="relu", padding="same")(source)
    coarse = layers.Conv2D(6, (3, 3), activation="relu", padding="same")(layers.MaxPooling2D((2, 2))(fine))
    up = layers.Conv2DTranspose(3, (2, 2), strides=(2, 2), padding="same")(coarse)
    gate = layers.add([layers.Conv2D(2, (1, 1), padding="same")(up), layers.Conv2D(2, (1, 1), padding="same")(fine)])
    gate = layers.Conv2D(1, (1, 1), padding="same", activation="sigmoid")(layers.Activation("relu")(gate))
    tensor = layers.concatenate([up, layers.multiply([fine, gate])], axis=-1)
    tensor = layers.Conv2D(3, (3, 3), activation="relu", padding="same")(tensor)
    model = make_model(keras, source, layers.Conv2D(1, (1, 1), activation="sigmoid")(tensor))
    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="binary_crossentropy", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


def unet_of_volumes(keras):
    """The same idea in three dimensions."""
    layers = keras.layers
    source = named_input(keras, "first", VOLUMES)
    fine = layers.Conv3D(2, (3, 3, 3), activation="relu", padding="same")(source)
    coarse = layers.Conv3D(4, (3, 3, 3), activation="relu", padding="same")(
        layers.MaxPooling3D(pool_size=(2, 2, 2))(fine)
    )
    up = layers.Conv3DTranspose(2, (2, 2, 2), strides=(2, 2, 2), padding="same")(coarse)
    tensor = layers.Conv3D(2, (3, 3, 3), activation="relu", padding="same")(layers.concatenate([up, fine], axis=4))
    model = make_model(keras, source, layers.Conv3D(1, (1, 1, 1), activation="sigmoid")(tensor))
    model.compile(optimizer=keras.optimizers.Adam(1e-5), loss="binary_crossentropy")
    return model, fed(VOLUMES)


def larger_images(keras):
    """Three convolutions that sharpen an image that was enlarged before."""
    layers = keras.layers
    model = keras.models.Sequential()
    shape = (None, None, 1)
    model.add(layers.Conv2D(4, (9, 9), kernel_initializer="glorot_uniform", padding="same", input_shape=shape))
    model.add(layers.Activation("relu"))
    model.add(layers.Conv2D(3, (3, 3), activation="relu", padding="same", use_bias=True))
    model.add(layers.Conv2D(1, (5, 5), activation="linear", padding="same", use_bias=True))
    model.compile(optimizer=keras.optimizers.Adam(0.0003), loss="mean_squared_error", metrics=["mean_squared_error"])
    return model, fed(GREY)


def image_to_image_generator(keras):
    """Down and up by small models of their own, with bridges between them."""
    layers = keras.layers

    def initializer():
        return keras.initializers.RandomNormal(0.0, 0.02)

    def downsample(filters, is_normalized):
        model = keras.models.Sequential()
        model.add(
            layers.Conv2D(filters, 4, strides=2, padding="same", kernel_initializer=initializer(), use_bias=False)
        )
        if is_normalized:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU())
        return model

    def upsample(filters):
        model = keras.models.Sequential()
        model.add(
            layers.Conv2DTranspose(
                filters, 4, strides=2, padding="same", kernel_initializer=initializer(), use_bias=False
            )
        )
        model.add(layers.BatchNormalization())
        model.add(layers.Dropout(0.5))
        model.add(layers.ReLU())
        return model

    source = named_input(keras, "first", PHOTOGRAPHS)
    bridges, tensor = [], source
    for filters in (2, 4, 4):
        tensor = downsample(filters, filters > 2)(tensor)
        bridges.append(tensor)
    for filters, bridge in zip((4, 2), bridges[-2::-1]):
        tensor = layers.Concatenate()([upsample(filters)(tensor), bridge])
    output = layers.Conv2DTranspose(
        3, 4, strides=2, padding="same", kernel_initializer=initializer(), activation="tanh"
    )(tensor)
    return make_model(keras, source, output), fed(PHOTOGRAPHS)


def convolutional_generator(keras):
    """Noise to an image by transposed convolutions alone, normalised and leaky."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(2 * 2 * 6, use_bias=False, input_shape=ROWS.shape[1:]))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((2, 2, 6)))
    for filters, strides in ((4, (1, 1)), (3, (2, 2))):
        model.add(layers.Conv2DTranspose(filters, (5, 5), strides=strides, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"))
    return model, fed(ROWS)


def convolutional_discriminator(keras):
    """Convolutions with strides, and one number without a sigmoid."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(3, (5, 5), strides=(2, 2), padding="same", input_shape=GREY.shape[1:]))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Conv2D(4, (5, 5), strides=(2, 2), padding="same"))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model, fed(GREY)


# --- text ----------------------------------------------------------------------------------------------------------


def reviews_by_convolutions(keras):
    """Filters over the words of a review, pooled over all of it."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(WORDS, 4, input_length=4))
    model.add(layers.Dropout(0.2))
    model.add(layers.Conv1D(4, 3, padding="valid", activation="relu", strides=1))
    model.add(layers.GlobalMaxPooling1D())
    model.add(layers.Dense(4))
    model.add(layers.Dropout(0.2))
    model.add(layers.Activation("relu"))
    model.add(layers.Dense(1))
    model.add(layers.Activation("sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(TOKENS, CHOICES, epochs=1, verbose=0)
    return model, fed(TOKENS)


def reviews_by_convolutions_and_lstm(keras):
    """Filters over the words, pooled by pairs, before an LSTM."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(WORDS, 4, input_length=4))
    model.add(layers.Dropout(0.25))
    model.add(layers.Conv1D(4, 2, padding="same", activation="relu", strides=1))
    model.add(layers.MaxPooling1D(pool_size=2))
    model.add(layers.LSTM(4))
    model.add(layers.Dense(1))
    model.add(layers.Activation("sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(TOKENS, CHOICES, epochs=1, verbose=0)
    return model, fed(TOKENS)


def reviews_in_both_directions(keras):
    """Two layers of LSTMs of both directions over words whose padding is masked."""
    layers = keras.layers
    model = keras.models.Sequential(
        [
            layers.Embedding(WORDS, 4, mask_zero=True, input_length=4),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(2)),
            layers.Dense(4, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-4)
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), optimizer=optimizer, metrics=["accuracy"])
    model.fit(TOKENS, CHOICES, epochs=1, verbose=0)
    return model, fed(TOKENS)


def characters(keras):
    """The next of the characters, from those before it."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(6, input_shape=SEQUENCES.shape[1:]))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(0.01))
    return model, fed(SEQUENCES)


def music(keras):
    """Three LSTMs on top of each other, with dropout within them, and normalised dense layers."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(4, input_shape=SERIES.shape[1:], recurrent_dropout=0.3, return_sequences=True))
    model.add(layers.LSTM(4, return_sequences=True, recurrent_dropout=0.3))
    model.add(layers.LSTM(4))
    model.add(layers.BatchNormalization())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(4))
    model.add(layers.Activation("relu"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(3))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop")
    return model, fed(SERIES)


def headlines(keras):
    """Words and numbers, with a head for the words alone."""
    layers = keras.layers
    words, numbers = named_input(keras, "main_input", TOKENS), named_input(keras, "aux_input", ROWS)
    read = layers.LSTM(4)(layers.Embedding(output_dim=4, input_dim=WORDS, input_length=4)(words))
    beside = layers.Dense(1, activation="sigmoid", name="aux_output")(read)
    tensor = layers.concatenate([read, numbers])
    tensor = through(tensor, *(layers.Dense(6, activation="relu") for _ in range(3)))
    model = make_model(
        keras, [words, numbers], [layers.Dense(1, activation="sigmoid", name="main_output")(tensor), beside]
    )
    model.compile(
        optimizer="rmsprop",
        loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
        loss_weights={"main_output": 1.0, "aux_output": 0.2},
    )
    return model, OrderedDict([("main_input", TOKENS), ("aux_input", ROWS)])


def authors_of_messages(keras):
    """Two messages that one LSTM reads, and whether they are of one author."""
    layers = keras.layers
    messages = [named_input(keras, name, SEQUENCES) for name in ("tweet_a", "tweet_b")]
    shared = layers.LSTM(4)
    merged = layers.concatenate([shared(message) for message in messages], axis=-1)
    model = make_model(keras, messages, layers.Dense(1, activation="sigmoid")(merged))
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model, OrderedDict([("tweet_a", SEQUENCES), ("tweet_b", SEQUENCES[::-1] * 0.5)])


def stories_read_by_rnn(keras):
    """A story and a question, each read by a recurrent layer of its own, for one word."""
    layers = keras.layers
    story, question = named_input(keras, "story", TOKENS), named_input(keras, "question", TOKENS)
    read = layers.LSTM(4)(layers.Embedding(WORDS, 4)(story))
    asked = layers.LSTM(4)(layers.Embedding(WORDS, 4)(question))
    model = make_model(
        keras, [story, question], layers.Dense(WORDS, activation="softmax")(layers.concatenate([read, asked]))
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model, OrderedDict([("story", TOKENS), ("question", 3 - TOKENS)])


def translation(keras):
    """Words of one language into those of another, by GRUs of which one begins where the other ends."""
    layers = keras.layers
    source, target = named_input(keras, "source", TOKENS), named_input(keras, "target", TOKENS)
    _, state = layers.GRU(4, return_state=True)(layers.Embedding(WORDS, 4)(source))
    decoded = layers.GRU(4, return_sequences=True)(layers.Embedding(WORDS, 4)(target), initial_state=state)
    output = layers.Dense(WORDS, activation="softmax")(layers.Dropout(0.5)(decoded))
    model = make_model(keras, [source, target], output)
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, OrderedDict([("source", TOKENS), ("target", 3 - TOKENS)])


def skip_gram(keras):
    """Whether two words stand near each other, by the product of their vectors."""
    layers = keras.layers
    target, context = named_input(keras, "target", TOKENS[:, :1]), named_input(keras, "context", TOKENS[:, 1:2])
    embedding = layers.Embedding(WORDS, 4, input_length=1, name="embedding")
    vectors = [layers.Reshape((4, 1))(embedding(word)) for word in (target, context)]
    product = layers.Reshape((1,))(layers.dot(vectors, axes=1))
    model = make_model(keras, [target, context], layers.Dense(1, activation="sigmoid")(product))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop")
    return model, OrderedDict([("target", TOKENS[:, :1]), ("context", TOKENS[:, 1:2])])


def search_by_attention(keras):
    """A query that attends to a text; both have passed one convolution."""
    layers = keras.layers
    query, text = named_input(keras, "query", TOKENS), named_input(keras, "text", TOKENS)
    embedding = layers.Embedding(input_dim=WORDS, output_dim=4)
    convolution = layers.Conv1D(filters=4, kernel_size=2, padding="same")
    encoded = [convolution(embedding(words)) for words in (query, text)]
    attended = layers.Attention()(encoded)
    pooled = [layers.GlobalAveragePooling1D()(tensor) for tensor in (encoded[0], attended)]
    output = layers.Dense(1, activation="sigmoid")(layers.Concatenate()(pooled))
    model = make_model(keras, [query, text], output)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model, OrderedDict([("query", TOKENS), ("text", 3 - TOKENS)])


# --- words about images and films ----------------------------------------------------------------------------------


def vision(keras):
    """What encodes an image: convolutions in one sequence."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(3, (3, 3), activation="relu", padding="same", input_shape=PHOTOGRAPHS.shape[1:]))
    model.add(layers.Conv2D(3, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Flatten())
    return model


def questions_on_images(keras):
    """An image by a model of its own, a question by an LSTM, and the word that answers."""
    layers = keras.layers
    image, question = named_input(keras, "image", PHOTOGRAPHS), named_input(keras, "question", TOKENS)
    asked = layers.LSTM(4)(layers.Embedding(input_dim=WORDS, output_dim=4, input_length=4)(question))
    merged = layers.concatenate([asked, vision(keras)(image)])
    model = make_model(keras, [image, question], layers.Dense(WORDS, activation="softmax")(merged))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model, OrderedDict([("image", PHOTOGRAPHS), ("question", TOKENS)])


def questions_on_films(keras):
    """The same model for each frame of a film, and a model that encodes the question."""
    layers = keras.layers
    films = wave((2, 2) + PHOTOGRAPHS.shape[1:], 1)
    film, question = named_input(keras, "video", films), named_input(keras, "video_question", TOKENS)
    words = named_input(keras, "question", TOKENS)
    encode = make_model(keras, words, layers.LSTM(4)(layers.Embedding(WORDS, 4)(words)))
    seen = layers.LSTM(4)(layers.TimeDistributed(vision(keras))(film))
    output = layers.Dense(WORDS, activation="softmax")(layers.concatenate([seen, encode(question)]))
    return make_model(keras, [film, question], output), OrderedDict([("video", films), ("video_question", TOKENS)])


def captions_by_repetition(keras):
    """The vector of an image beside each of the words so far."""
    layers = keras.layers
    image, words = named_input(keras, "image", ROWS), named_input(keras, "words", TOKENS)
    seen = layers.RepeatVector(4)(layers.Dense(4, activation="relu")(image))
    read = layers.LSTM(4, return_sequences=True)(layers.Embedding(WORDS, 4, input_length=4)(words))
    read = layers.TimeDistributed(layers.Dense(4))(read)
    tensor = layers.Bidirectional(layers.LSTM(4, return_sequences=False))(layers.concatenate([seen, read]))
    model = make_model(keras, [image, words], layers.Activation("softmax")(layers.Dense(WORDS)(tensor)))
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(), metrics=["accuracy"])
    return model, OrderedDict([("image", ROWS), ("words", TOKENS)])


def siamese_images(keras):
    """Two images through one network, and what lies between their vectors."""
    layers = keras.layers
    encode = vision(keras)
    encode.add(layers.Dense(4, activation="sigmoid"))
    images = [named_input(keras, name, PHOTOGRAPHS) for name in ("left", "right")]
    between = layers.subtract([encode(image) for image in images])
    output = layers.Dense(1, activation="sigmoid")(layers.multiply([between, between]))
    model = make_model(keras, images, output)
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.00006))
    return model, OrderedDict([("left", PHOTOGRAPHS), ("right", PHOTOGRAPHS[::-1] * 0.5)])


def lines_of_text(keras):
    """Columns of an image as steps, read in both directions."""
    layers = keras.layers
    source = named_input(keras, "image", PHOTOGRAPHS)
    tensor = source
    for place, filters in enumerate((3, 4), 1):
        tensor = layers.Conv2D(
            filters, (3, 3), activation="relu", kernel_initializer="he_normal", padding="same", name="Conv%d" % place
        )(tensor)
        tensor = layers.MaxPooling2D((2, 2), name="pool%d" % place)(tensor)
    tensor = layers.Reshape(target_shape=(4, 16), name="reshape")(tensor)
    tensor = layers.Dropout(0.2)(layers.Dense(6, activation="relu", name="dense1")(tensor))
    for units in (4, 3):
        tensor = layers.Bidirectional(layers.LSTM(units, return_sequences=True, dropout=0.25))(tensor)
    output = layers.Dense(WORDS, activation="softmax", name="dense2")(tensor)
    return keras.models.Model(source, output, name="ocr_model_v1"), OrderedDict([("image", PHOTOGRAPHS)])


def films_of_gestures(keras):
    """A small network in a wrapper for each frame, with GRUs over what they give."""
    layers = keras.layers
    frame = keras.models.Sequential()
    frame.add(layers.Conv2D(3, (2, 2), padding="same", activation="relu", input_shape=FILMS.shape[2:]))
    frame.add(layers.BatchNormalization(momentum=0.9))
    frame.add(layers.MaxPool2D())
    frame.add(layers.GlobalMaxPool2D())
    model = keras.models.Sequential()
    model.add(layers.TimeDistributed(frame, input_shape=FILMS.shape[1:]))
    model.add(layers.GRU(4))
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["acc"])
    return model, fed(FILMS)


# --- series --------------------------------------------------------------------------------------------------------


def temperatures(keras):
    """GRUs on top of each other, with dropout of both kinds."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(
        layers.GRU(4, dropout=0.1, recurrent_dropout=0.5, return_sequences=True, input_shape=(None, SERIES.shape[-1]))
    )
    model.add(layers.GRU(6, activation="relu", dropout=0.1, recurrent_dropout=0.5))
    model.add(layers.Dense(1))
    model.compile(optimizer=keras.optimizers.RMSprop(), loss="mae")
    model.fit(SERIES, CHOICES, epochs=1, verbose=0)
    return model, fed(SERIES)


def weather(keras):
    """All the steps to come at once, from the last state."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.LSTM(4, return_sequences=False, input_shape=SERIES.shape[1:]))
    model.add(layers.Dense(3 * 2, kernel_initializer="zeros"))
    model.add(layers.Reshape([3, 2]))
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(), metrics=["mean_absolute_error"])
    return model, fed(SERIES)


def wavenet(keras):
    """Causal convolutions whose holes double, twice over."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv1D(4, 2, padding="causal", activation="relu", input_shape=(None, SERIES.shape[-1])))
    for rate in (2, 4, 1, 2, 4):
        model.add(layers.Conv1D(filters=4, kernel_size=2, padding="causal", activation="relu", dilation_rate=rate))
    model.add(layers.Conv1D(filters=2, kernel_size=1))
    model.compile(loss="mse", optimizer="adam")
    return model, fed(SERIES)


def classes_of_series(keras):
    """Convolutions over time, each normalised, and their mean."""
    layers = keras.layers
    source = named_input(keras, "first", SERIES)
    tensor = source
    for _ in range(3):
        tensor = layers.Conv1D(filters=4, kernel_size=3, padding="same")(tensor)
        tensor = layers.ReLU()(layers.BatchNormalization()(tensor))
    output = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(tensor))
    model = make_model(keras, source, output)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    model.fit(SERIES, LABELS, epochs=1, verbose=0)
    return model, fed(SERIES)


def heartbeats(keras):
    """Blocks of convolutions over time, added to what goes past them and pooled."""
    layers = keras.layers
    source = named_input(keras, "first", SERIES)
    tensor = layers.Conv1D(filters=4, kernel_size=3, strides=1, padding="same")(source)
    for _ in range(2):
        inner = layers.Activation("relu")(layers.Conv1D(filters=4, kernel_size=3, padding="same")(tensor))
        inner = layers.Conv1D(filters=4, kernel_size=3, padding="same")(inner)
        tensor = layers.Activation("relu")(layers.Add()([inner, tensor]))
        tensor = layers.MaxPooling1D(pool_size=3, strides=2)(tensor)
    tensor = layers.Dense(4, activation="relu")(layers.Flatten()(tensor))
    model = make_model(keras, source, layers.Dense(3, activation="softmax")(tensor))
    optimizer = keras.optimizers.Adam(0.001, beta_1=0.9, beta_2=0.999)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model, fed(SERIES)


def anomalies_by_lstm(keras):
    """A series through the state of an LSTM and back, with dropout on both ways."""
    layers = keras.layers
    steps, features = SERIES.shape[1:]
    model = keras.models.Sequential()
    model.add(layers.LSTM(units=4, input_shape=(steps, features)))
    model.add(layers.Dropout(rate=0.2))
    model.add(layers.RepeatVector(n=steps))
    model.add(layers.LSTM(units=4, return_sequences=True))
    model.add(layers.Dropout(rate=0.2))
    model.add(layers.TimeDistributed(layers.Dense(units=features)))
    model.compile(loss="mae", optimizer="adam")
    model.fit(SERIES, SERIES, epochs=1, verbose=0)
    return model, fed(SERIES)


def anomalies_by_convolutions(keras):
    """A series through convolutions with strides and back by transposed ones."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(
        layers.Conv1D(
            filters=4, kernel_size=3, padding="same", strides=2, activation="relu", input_shape=SERIES.shape[1:]
        )
    )
    model.add(layers.Dropout(rate=0.2))
    model.add(layers.Conv1D(filters=3, kernel_size=3, padding="same", strides=2, activation="relu"))
    model.add(layers.Conv1DTranspose(filters=3, kernel_size=3, padding="same", strides=2, activation="relu"))
    model.add(layers.Dropout(rate=0.2))
    model.add(layers.Conv1DTranspose(filters=4, kernel_size=3, padding="same", strides=2, activation="relu"))
    model.add(layers.Conv1DTranspose(filters=2, kernel_size=3, padding="same"))
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss="mse")
    return model, fed(SERIES)


# --- control -------------------------------------------------------------------------------------------------------


def frames_of_games(keras):
    """Frames on top of each other to a value for each move."""
    layers = keras.layers
    source = named_input(keras, "first", PHOTOGRAPHS)
    tensor = layers.Conv2D(3, 8, strides=4, activation="relu", padding="same")(source)
    tensor = layers.Conv2D(4, 4, strides=2, activation="relu", padding="same")(tensor)
    tensor = layers.Conv2D(4, 3, strides=1, activation="relu", padding="same")(tensor)
    tensor = layers.Dense(6, activation="relu")(layers.Flatten()(tensor))
    model = make_model(keras, source, layers.Dense(3, activation="linear")(tensor))
    model.compile(optimizer=keras.optimizers.Adam(0.00025, clipnorm=1.0), loss="mse")
    return model, fed(PHOTOGRAPHS)


def policy_of_moves(keras):
    """Odds of the moves, with much dropout before them."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Dense(6, use_bias=False, input_shape=ROWS.shape[1:], kernel_initializer="glorot_uniform"))
    model.add(layers.Dropout(0.6))
    model.add(layers.Activation("relu"))
    model.add(layers.Dense(2, activation="softmax", use_bias=False))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.01))
    return model, fed(ROWS)


def board_game(keras):
    """A board to the odds of the moves and to who will win."""
    layers = keras.layers
    source = named_input(keras, "first", DIGITS)
    tensor = layers.Reshape((8, 8, 1))(source)
    for padding in ("same", "same", "valid"):
        tensor = layers.Conv2D(3, 3, padding=padding, use_bias=False)(tensor)
        tensor = layers.Activation("relu")(layers.BatchNormalization(axis=3)(tensor))
    tensor = layers.Flatten()(tensor)
    for units in (8, 6):
        tensor = layers.Activation("relu")(layers.BatchNormalization(axis=1)(layers.Dense(units)(tensor)))
        tensor = layers.Dropout(0.3)(tensor)
    heads = [
        layers.Dense(5, activation="softmax", name="pi")(tensor),
        layers.Dense(1, activation="tanh", name="v")(tensor),
    ]
    model = make_model(keras, source, heads)
    model.compile(loss=["categorical_crossentropy", "mean_squared_error"], optimizer=keras.optimizers.Adam(0.001))
    return model, fed(DIGITS)


def steering(keras):
    """What a camera sees to the angle of the wheel."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Cropping2D(cropping=((4, 1), (0, 0)), input_shape=PHOTOGRAPHS.shape[1:]))
    model.add(layers.Conv2D(3, (5, 5), strides=(2, 2), activation="elu"))
    model.add(layers.Conv2D(4, (3, 3), activation="elu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Flatten())
    for units in (8, 4):
        model.add(layers.Dense(units, activation="elu"))
    model.add(layers.Dense(1))
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(1e-4))
    return model, fed(PHOTOGRAPHS)


TUTORIAL_NETWORKS = (
    quickstart,
    clothes,
    topics_of_news,
    prices_of_houses,
    fraud,
    autoencoder_deep,
    small_objects,
    alexnet,
    toy_resnet,
    resnet_basic,
    googlenet,
    flowers,
    radiographs,
    emotions,
    age_and_gender,
    captcha,
    transfer_mobilenet,
    patches,
    mixer,
    convolutional_mixer,
    scans,
    autoencoder_denoising,
    pets,
    unet_with_gates,
    unet_of_volumes,
    larger_images,
    image_to_image_generator,
    convolutional_generator,
    convolutional_discriminator,
    reviews_by_convolutions,
    reviews_by_convolutions_and_lstm,
    reviews_in_both_directions,
    characters,
    music,
    headlines,
    authors_of_messages,
    stories_read_by_rnn,
    translation,
    skip_gram,
    search_by_attention,
    questions_on_images,
    questions_on_films,
    captions_by_repetition,
    siamese_images,
    lines_of_text,
    films_of_gestures,
    temperatures,
    weather,
    wavenet,
    classes_of_series,
    heartbeats,
    anomalies_by_lstm,
    anomalies_by_convolutions,
    frames_of_games,
    policy_of_moves,
    board_game,
    steering,
)
