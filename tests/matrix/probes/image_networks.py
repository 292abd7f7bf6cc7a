"""Networks on images and films as people build them, by the recipes of the papers and of the tutorials that carry them."""

from __future__ import print_function

from collections import OrderedDict

from chain_subjects import FILMS, ROWS
from layer_subjects import layer_classes, make_model, named_input, on, through
from model_subjects import fed
from running_keras import wave

PHOTOGRAPHS = wave((2, 8, 8, 3), 1)
SHAPE = PHOTOGRAPHS.shape[1:]


# --- classifiers -------------------------------------------------------------------------------------------------


def lenet(keras):
    """Two convolutions with pooling by average, and three dense layers."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(3, (3, 3), activation="tanh", padding="same", input_shape=SHAPE))
    model.add(layers.AveragePooling2D((2, 2), strides=(2, 2)))
    model.add(layers.Conv2D(4, (3, 3), activation="tanh"))
    model.add(layers.AveragePooling2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(6, activation="tanh"))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
    return model, fed(PHOTOGRAPHS)


def digits(keras):
    """The convolutional classifier of the first tutorials, compiled with objects."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(4, kernel_size=(3, 3), activation="relu", input_shape=SHAPE))
    model.add(layers.Conv2D(4, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(
        loss=keras.losses.categorical_crossentropy, optimizer=keras.optimizers.Adadelta(), metrics=["accuracy"]
    )
    return model, fed(PHOTOGRAPHS)


@on(PHOTOGRAPHS)
def vgg(keras, tensor):
    """Blocks of convolutions of one size, by the names of the paper."""
    layers = keras.layers
    for block, (filters, depth) in enumerate(((2, 2), (4, 2), (4, 3)), 1):
        for place in range(1, depth + 1):
            name = "block%d_conv%d" % (block, place)
            tensor = layers.Conv2D(filters, (3, 3), activation="relu", padding="same", name=name)(tensor)
        tensor = layers.MaxPooling2D((2, 2), strides=(2, 2), name="block%d_pool" % block)(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    tensor = layers.Dense(4, activation="relu", name="fc1")(tensor)
    return layers.Dense(3, activation="softmax", name="predictions")(tensor)


@on(PHOTOGRAPHS)
def resnet_v1(keras, tensor):
    """Bottlenecks with a convolution or nothing beside them."""
    layers = keras.layers

    def normalized(tensor, filters, size, stage, strides=(1, 1)):
        tensor = layers.Conv2D(filters, size, strides=strides, padding="same", name="res" + stage)(tensor)
        return layers.BatchNormalization(axis=3, name="bn" + stage)(tensor)

    tensor = layers.ZeroPadding2D((3, 3))(tensor)
    tensor = layers.Conv2D(4, (7, 7), strides=(2, 2), name="conv1")(tensor)
    tensor = layers.Activation("relu")(layers.BatchNormalization(axis=3, name="bn_conv1")(tensor))
    for stage in ("2a", "2b"):
        beside = normalized(tensor, 6, (1, 1), stage + "_branch1") if stage == "2a" else tensor
        tensor = layers.Activation("relu")(normalized(tensor, 2, (1, 1), stage + "_branch2a"))
        tensor = layers.Activation("relu")(normalized(tensor, 2, (3, 3), stage + "_branch2b"))
        tensor = normalized(tensor, 6, (1, 1), stage + "_branch2c")
        tensor = layers.Activation("relu")(layers.add([tensor, beside]))
    tensor = layers.AveragePooling2D((2, 2), name="avg_pool")(tensor)
    return layers.Dense(3, activation="softmax", name="fc")(layers.Flatten()(tensor))


@on(PHOTOGRAPHS)
def resnet_v2(keras, tensor):
    """Normalisation before the convolutions, which are regularised and initialised by objects."""
    layers = keras.layers

    def convolution(filters, size):
        return layers.Conv2D(
            filters,
            kernel_size=size,
            padding="same",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.l2(1e-4),
        )

    tensor = convolution(4, 3)(tensor)
    for _ in range(2):
        inner = through(tensor, layers.BatchNormalization(), layers.Activation("relu"), convolution(2, 1))
        inner = through(inner, layers.BatchNormalization(), layers.Activation("relu"), convolution(2, 3))
        inner = through(inner, layers.BatchNormalization(), layers.Activation("relu"), convolution(4, 1))
        tensor = layers.Add()([tensor, inner])
    tensor = through(tensor, layers.BatchNormalization(), layers.Activation("relu"), layers.GlobalAveragePooling2D())
    return layers.Dense(3, activation="softmax", kernel_initializer="he_normal")(tensor)


@on(PHOTOGRAPHS)
def inception(keras, tensor):
    """Four branches side by side, normalised without a scale."""
    layers = keras.layers

    def convolution(tensor, filters, rows, columns):
        tensor = layers.Conv2D(filters, (rows, columns), padding="same", use_bias=False)(tensor)
        return layers.Activation("relu")(layers.BatchNormalization(axis=3, scale=False)(tensor))

    for block in range(2):
        narrow = convolution(tensor, 2, 1, 1)
        middle = convolution(convolution(tensor, 2, 1, 1), 2, 3, 3)
        wide = convolution(convolution(convolution(tensor, 2, 1, 1), 2, 1, 5), 2, 5, 1)
        pooled = convolution(layers.AveragePooling2D((3, 3), strides=(1, 1), padding="same")(tensor), 2, 1, 1)
        tensor = layers.concatenate([narrow, middle, wide, pooled], axis=3, name="mixed%d" % block)
    tensor = layers.GlobalAveragePooling2D(name="avg_pool")(tensor)
    return layers.Dense(3, activation="softmax", name="predictions")(tensor)


@on(PHOTOGRAPHS)
def densenet(keras, tensor):
    """Every layer sees the outputs of all before it."""
    layers = keras.layers
    for block in range(2):
        for _ in range(2):
            grown = through(
                tensor,
                layers.BatchNormalization(epsilon=1.001e-5),
                layers.Activation("relu"),
                layers.Conv2D(4, 1, use_bias=False),
                layers.BatchNormalization(epsilon=1.001e-5),
                layers.Activation("relu"),
                layers.Conv2D(2, 3, padding="same", use_bias=False),
            )
            tensor = layers.Concatenate(axis=-1)([tensor, grown])
        tensor = layers.Conv2D(4, 1, use_bias=False, name="conv_block%d_transition" % block)(tensor)
        tensor = layers.AveragePooling2D(2, strides=2)(tensor)
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(tensor))


@on(PHOTOGRAPHS)
def mobilenet(keras, tensor):
    """Convolutions of each channel, with an activation that is cut off, and a head that is a convolution."""
    layers = keras.layers
    for block, strides in enumerate(((2, 2), (1, 1)), 1):
        tensor = through(
            tensor,
            layers.ZeroPadding2D(((0, 1), (0, 1)), name="conv_pad_%d" % block),
            layers.DepthwiseConv2D((3, 3), depth_multiplier=1, strides=strides, use_bias=False),
            layers.BatchNormalization(axis=-1),
            layers.ReLU(6.0, name="conv_dw_%d_relu" % block),
            layers.Conv2D(4, (1, 1), padding="same", use_bias=False, strides=(1, 1)),
            layers.BatchNormalization(axis=-1),
            layers.ReLU(6.0),
        )
    tensor = layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(tensor))
    tensor = layers.Conv2D(3, (1, 1), padding="same", name="conv_preds")(layers.Dropout(1e-3)(tensor))
    return layers.Activation("softmax")(layers.Reshape((3,), name="reshape_2")(tensor))


@on(PHOTOGRAPHS)
def mobilenet_v2(keras, tensor):
    """Inverted residuals, which end without an activation."""
    layers = keras.layers
    for block in range(2):
        inner = through(
            tensor,
            layers.Conv2D(6, kernel_size=1, padding="same", use_bias=False, name="block_%d_expand" % block),
            layers.BatchNormalization(epsilon=1e-3, momentum=0.999),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(kernel_size=3, padding="same", use_bias=False),
            layers.BatchNormalization(epsilon=1e-3, momentum=0.999),
            layers.ReLU(6.0),
            layers.Conv2D(3, kernel_size=1, padding="same", use_bias=False, name="block_%d_project" % block),
            layers.BatchNormalization(epsilon=1e-3, momentum=0.999),
        )
        tensor = layers.Add(name="block_%d_add" % block)([tensor, inner])
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(tensor))


@on(PHOTOGRAPHS)
def squeezenet(keras, tensor):
    """Modules that squeeze and expand, whose names hold slashes."""
    layers = keras.layers
    for fire in ("fire2", "fire3"):
        squeezed = layers.Conv2D(2, (1, 1), padding="valid", name=fire + "/squeeze1x1")(tensor)
        squeezed = layers.Activation("relu", name=fire + "/relu_squeeze1x1")(squeezed)
        left = layers.Conv2D(3, (1, 1), padding="valid", name=fire + "/expand1x1")(squeezed)
        right = layers.Conv2D(3, (3, 3), padding="same", name=fire + "/expand3x3")(squeezed)
        tensor = layers.concatenate([left, right], axis=3, name=fire + "/concat")
    tensor = layers.Conv2D(3, (1, 1), padding="valid", name="conv10")(layers.Dropout(0.5, name="drop9")(tensor))
    return layers.Activation("softmax", name="loss")(layers.GlobalAveragePooling2D()(tensor))


@on(PHOTOGRAPHS)
def xception(keras, tensor):
    """Separable convolutions beside a convolution with strides."""
    layers = keras.layers
    beside = layers.Conv2D(4, (1, 1), strides=(2, 2), padding="same", use_bias=False)(tensor)
    tensor = through(
        tensor,
        layers.SeparableConv2D(4, (3, 3), padding="same", use_bias=False, name="block2_sepconv1"),
        layers.BatchNormalization(name="block2_sepconv1_bn"),
        layers.Activation("relu", name="block2_sepconv2_act"),
        layers.SeparableConv2D(4, (3, 3), padding="same", use_bias=False, name="block2_sepconv2"),
        layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same"),
    )
    tensor = layers.add([tensor, layers.BatchNormalization()(beside)])
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(tensor))


@on(PHOTOGRAPHS)
def efficientnet(keras, tensor):
    """Inverted residuals with squeeze and excitation, swish, and whole examples dropped."""
    layers = keras.layers
    inner = through(
        tensor,
        layers.Conv2D(6, 1, padding="same", use_bias=False),
        layers.BatchNormalization(axis=3),
        layers.Activation("swish"),
        layers.DepthwiseConv2D(3, strides=1, padding="same", use_bias=False),
        layers.BatchNormalization(axis=3),
        layers.Activation("swish"),
    )
    excited = layers.GlobalAveragePooling2D(name="block1_se_squeeze")(inner)
    excited = layers.Reshape((1, 1, 6), name="block1_se_reshape")(excited)
    excited = layers.Conv2D(1, 1, padding="same", activation="swish", name="block1_se_reduce")(excited)
    excited = layers.Conv2D(6, 1, padding="same", activation="sigmoid", name="block1_se_expand")(excited)
    inner = layers.multiply([inner, excited], name="block1_se_excite")
    inner = layers.BatchNormalization(axis=3)(layers.Conv2D(3, 1, padding="same", use_bias=False)(inner))
    tensor = layers.add([layers.Dropout(0.2, noise_shape=(None, 1, 1, 1), name="block1_drop")(inner), tensor])
    return layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(tensor)))


@on(PHOTOGRAPHS)
def convnext(keras, tensor):
    """Wide depthwise convolutions, normalisation by layer and gelu."""
    layers = keras.layers
    inner = through(
        tensor,
        layers.Conv2D(3, kernel_size=7, padding="same", groups=3),
        layers.LayerNormalization(epsilon=1e-6),
        layers.Dense(12),
        layers.Activation("gelu"),
        layers.Dense(3),
    )
    tensor = layers.Add()([tensor, inner])
    return layers.Dense(3)(layers.LayerNormalization(epsilon=1e-6)(layers.GlobalAveragePooling2D()(tensor)))


@on(PHOTOGRAPHS)
def squeeze_and_excitation(keras, tensor):
    """Channels weighted by what they hold on the whole."""
    layers = keras.layers
    tensor = layers.Conv2D(4, 3, padding="same", kernel_initializer="he_uniform")(tensor)
    excited = layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(tensor))
    excited = layers.Dense(2, activation="relu", kernel_initializer="he_normal", use_bias=False)(excited)
    excited = layers.Dense(4, activation="sigmoid", kernel_initializer="he_normal", use_bias=False)(excited)
    return layers.Dense(3)(layers.Flatten()(layers.multiply([tensor, excited])))


@on(PHOTOGRAPHS)
def non_local(keras, tensor):
    """Every place looks at all others."""
    layers = keras.layers
    theta = layers.Reshape((-1, 2))(layers.Conv2D(2, (1, 1), padding="same", use_bias=False)(tensor))
    phi = layers.Reshape((-1, 2))(layers.Conv2D(2, (1, 1), padding="same", use_bias=False)(tensor))
    weights = layers.Activation("softmax")(layers.dot([theta, phi], axes=2))
    values = layers.Reshape((-1, 2))(layers.Conv2D(2, (1, 1), padding="same", use_bias=False)(tensor))
    seen = layers.Reshape((8, 8, 2))(layers.dot([weights, values], axes=[2, 1]))
    return layers.add([tensor, layers.Conv2D(3, (1, 1), padding="same")(seen)])


# --- from image to image -----------------------------------------------------------------------------------------


@on(PHOTOGRAPHS)
def unet(keras, tensor):
    """Down by pooling and up by transposed convolutions, with a bridge at each size."""
    layers = keras.layers

    def twice(tensor, filters):
        tensor = layers.Conv2D(filters, (3, 3), activation="relu", padding="same")(tensor)
        return layers.Conv2D(filters, (3, 3), activation="relu", padding="same")(tensor)

    bridges = []
    for filters in (2, 4):
        bridges.append(twice(tensor, filters))
        tensor = layers.MaxPooling2D(pool_size=(2, 2))(bridges[-1])
    tensor = twice(tensor, 4)
    for filters in (4, 2):
        up = layers.Conv2DTranspose(filters, (2, 2), strides=(2, 2), padding="same")(tensor)
        tensor = twice(layers.concatenate([up, bridges.pop()], axis=3), filters)
    return layers.Conv2D(1, (1, 1), activation="sigmoid")(tensor)


@on(PHOTOGRAPHS)
def unet_upsampled(keras, tensor):
    """Up by repetition, with dropout and normalisation."""
    layers = keras.layers
    down = through(tensor, layers.Conv2D(2, 3, padding="same", kernel_initializer="he_normal"))
    down = layers.Activation("relu")(layers.BatchNormalization()(down))
    deep = through(
        layers.MaxPooling2D()(down), layers.Conv2D(4, 3, activation="relu", padding="same"), layers.Dropout(0.5)
    )
    up = layers.Conv2D(2, 2, activation="relu", padding="same")(layers.UpSampling2D(size=(2, 2))(deep))
    merged = layers.concatenate([down, up], axis=3)
    return layers.Conv2D(2, 1, activation="softmax")(layers.Conv2D(2, 3, activation="relu", padding="same")(merged))


def segnet(keras):
    """An encoder and a decoder in one sequence, and a class for each place."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.ZeroPadding2D(padding=(1, 1), input_shape=SHAPE))
    model.add(layers.Conv2D(3, (3, 3), padding="valid"))
    model.add(layers.BatchNormalization())
    model.add(layers.Activation("relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.UpSampling2D(size=(2, 2)))
    model.add(layers.ZeroPadding2D(padding=(1, 1)))
    model.add(layers.Conv2D(2, (3, 3), padding="valid"))
    model.add(layers.BatchNormalization())
    model.add(layers.Reshape((64, 2)))
    model.add(layers.Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adadelta")
    return model, fed(PHOTOGRAPHS)


@on(PHOTOGRAPHS)
def fully_convolutional(keras, tensor):
    """Scores at two sizes, the coarse ones enlarged and cropped before they are added."""
    layers = keras.layers
    fine = layers.MaxPooling2D((2, 2))(layers.Conv2D(4, (3, 3), activation="relu", padding="same")(tensor))
    coarse = layers.MaxPooling2D((2, 2))(layers.Conv2D(4, (3, 3), activation="relu", padding="same")(fine))
    coarse = layers.Conv2D(2, (1, 1), kernel_initializer="he_normal")(coarse)
    up = layers.Conv2DTranspose(2, kernel_size=(4, 4), strides=(2, 2), use_bias=False)(coarse)
    up = layers.Cropping2D(((1, 1), (1, 1)))(up)
    merged = layers.add([layers.Conv2D(2, (1, 1))(fine), up])
    return layers.Conv2DTranspose(2, (4, 4), strides=(2, 2), padding="same", activation="softmax")(merged)


@on(PHOTOGRAPHS)
def atrous_pyramid(keras, tensor):
    """Convolutions with holes of several sizes, and bilinear enlargement."""
    layers = keras.layers
    tensor = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(tensor)
    branches = [
        layers.Conv2D(2, 3, dilation_rate=rate, padding="same", use_bias=False, name="aspp_%d" % rate)(tensor)
        for rate in (1, 2, 3)
    ]
    tensor = layers.Activation("relu")(layers.BatchNormalization()(layers.Concatenate()(branches)))
    tensor = layers.Conv2D(2, (1, 1), padding="same")(layers.Dropout(0.5)(tensor))
    return layers.UpSampling2D(size=(2, 2), interpolation="bilinear")(tensor)


@on(PHOTOGRAPHS)
def autoencoder_convolutional(keras, tensor):
    """The input again, through a bottleneck."""
    layers = keras.layers
    tensor = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(tensor)
    encoded = layers.MaxPooling2D((2, 2), padding="same", name="encoded")(tensor)
    tensor = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(encoded)
    return layers.Conv2D(3, (3, 3), activation="sigmoid", padding="same")(layers.UpSampling2D((2, 2))(tensor))


# --- two networks against each other -----------------------------------------------------------------------------


def generator(keras):
    """From noise to an image."""
    layers = keras.layers
    model = keras.models.Sequential(name="generator")
    model.add(layers.Dense(2 * 2 * 4, activation="relu", input_dim=4))
    model.add(layers.Reshape((2, 2, 4)))
    model.add(layers.UpSampling2D())
    model.add(layers.Conv2D(4, kernel_size=3, padding="same"))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.Activation("relu"))
    model.add(layers.Conv2DTranspose(3, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"))
    return model, fed(ROWS)


def discriminator(keras):
    """From an image to whether it is real; trained for a step."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv2D(2, kernel_size=3, strides=2, input_shape=SHAPE, padding="same"))
    model.add(layers.LeakyReLU(alpha=0.2))
    model.add(layers.Dropout(0.25))
    model.add(layers.ZeroPadding2D(padding=((0, 1), (0, 1))))
    model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.LeakyReLU(alpha=0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.0002, 0.5), metrics=["accuracy"])
    model.train_on_batch(PHOTOGRAPHS, wave((2, 1), 1) > 0)
    return model, fed(PHOTOGRAPHS)


def adversarial(keras):
    """Both as layers of a third model, the second of them frozen after it was compiled."""
    judge, _ = discriminator(keras)
    judge.trainable = False
    source = named_input(keras, "first", ROWS)
    model = make_model(keras, source, judge(generator(keras)[0](source)))
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.0002, 0.5))
    return model, fed(ROWS)


def image_to_image_discriminator(keras):
    """Two images side by side, judged patch by patch."""
    layers = keras.layers
    images = [named_input(keras, name, PHOTOGRAPHS) for name in ("input_image", "target_image")]
    tensor = layers.Concatenate(axis=-1)(images)
    tensor = layers.LeakyReLU()(layers.Conv2D(2, 4, strides=2, padding="same", use_bias=False)(tensor))
    tensor = through(tensor, layers.ZeroPadding2D(), layers.Conv2D(2, 4, use_bias=False), layers.BatchNormalization())
    output = layers.Conv2D(1, 4, strides=1, padding="same")(layers.LeakyReLU()(tensor))
    inputs = OrderedDict([("input_image", PHOTOGRAPHS), ("target_image", PHOTOGRAPHS[::-1] * 0.5)])
    return make_model(keras, images, output), inputs


# --- from what others have trained -------------------------------------------------------------------------------


def base(keras):
    """What stands for a network that somebody else trained."""
    source = named_input(keras, "input_1", PHOTOGRAPHS)
    tensor = through(source, keras.layers.Conv2D(4, 3, name="block1_conv1"), keras.layers.BatchNormalization())
    return keras.models.Model(source, keras.layers.Activation("relu")(tensor), name="base")


@on(PHOTOGRAPHS)
def transfer(keras, tensor):
    """A frozen network, called as in inference, under a new head."""
    frozen = base(keras)
    frozen.trainable = False
    return through(frozen(tensor, training=False), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1))


def transfer_sequential(keras):
    """A frozen network as the first layer of a sequence."""
    layers = keras.layers
    frozen = base(keras)
    for layer in frozen.layers:
        layer.trainable = False
    model = keras.models.Sequential()
    model.add(frozen)
    model.add(layers.Flatten())
    model.add(layers.Dense(4, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["acc"])
    return model, fed(PHOTOGRAPHS)


def transfer_extended(keras):
    """New layers behind the output of the network of another, with its input; the first of its layers are frozen."""
    trained = base(keras)
    for layer in trained.layers[:2]:
        layer.trainable = False
    tensor = keras.layers.GlobalAveragePooling2D()(trained.output)
    output = keras.layers.Dense(2, activation="softmax")(keras.layers.Dense(4, activation="relu")(tensor))
    model = keras.models.Model(inputs=trained.input, outputs=output)
    model.compile(optimizer=keras.optimizers.SGD(0.0001, momentum=0.9), loss="categorical_crossentropy")
    return model, fed(PHOTOGRAPHS)


@on(PHOTOGRAPHS)
def augmented(keras, tensor):
    """Augmentation and scaling within the model, before convolutions."""
    kinds, layers = layer_classes(keras), keras.layers
    augmentation = keras.models.Sequential(
        [
            kinds["RandomFlip"]("horizontal", input_shape=SHAPE),
            kinds["RandomRotation"](0.1),
            kinds["RandomZoom"](0.1),
        ]
    )
    tensor = kinds["Rescaling"](1.0 / 255)(augmentation(tensor))
    tensor = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(tensor))
    return layers.Dense(3)(layers.Flatten()(layers.Dropout(0.2)(tensor)))


@on(PHOTOGRAPHS)
def operations_of_tensorflow(keras, tensor):
    """Functions of TensorFlow between the layers."""
    import tensorflow as tf

    tensor = keras.layers.Conv2D(4, 3)(tf.cast(tensor, tf.float32) / 127.5 - 1.0)
    tensor = tf.nn.relu(tensor)
    return keras.layers.Dense(3)(tf.reduce_mean(tensor, axis=[1, 2]))


# --- boxes, faces and films ---------------------------------------------------------------------------------------


@on(PHOTOGRAPHS)
def darknet(keras, tensor):
    """Boxes at two sizes, from a trunk with padding on one side."""
    layers = keras.layers

    def convolution(tensor, filters, size, strides=(1, 1)):
        tensor = layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding="same" if strides == (1, 1) else "valid",
            use_bias=False,
            kernel_regularizer=keras.regularizers.l2(5e-4),
        )(tensor)
        return layers.LeakyReLU(alpha=0.1)(layers.BatchNormalization()(tensor))

    tensor = convolution(layers.ZeroPadding2D(((1, 0), (1, 0)))(tensor), 4, (3, 3), (2, 2))
    tensor = fine = layers.Add()([tensor, convolution(convolution(tensor, 2, (1, 1)), 4, (3, 3))])
    tensor = coarse = convolution(layers.ZeroPadding2D(((1, 0), (1, 0)))(tensor), 4, (3, 3), (2, 2))
    up = layers.UpSampling2D(2)(convolution(tensor, 2, (1, 1)))
    heads = [layers.Conv2D(6, (1, 1), padding="same")(coarse)]
    heads.append(layers.Conv2D(6, (1, 1), padding="same")(layers.Concatenate()([up, fine])))
    return [layers.Reshape((size, size, 3, 2))(head) for size, head in zip((2, 4), heads)]


@on(PHOTOGRAPHS)
def single_shot_detector(keras, tensor):
    """Classes and boxes of two sizes, each reshaped and put together."""
    layers = keras.layers
    classes, boxes = [], []
    for size in (4, 2):
        tensor = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(tensor))
        scores = layers.Conv2D(6, 3, padding="same", name="classes%d" % size)(tensor)
        classes.append(layers.Reshape((-1, 3))(scores))
        places = layers.Conv2D(8, 3, padding="same", name="boxes%d" % size)(tensor)
        boxes.append(layers.Reshape((-1, 4))(places))
    classes = layers.Activation("softmax")(layers.Concatenate(axis=1)(classes))
    return layers.Concatenate(axis=2, name="predictions")([classes, layers.Concatenate(axis=1)(boxes)])


def films_by_convolutions(keras):
    """Convolutions over space and time."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Conv3D(3, (2, 2, 2), activation="relu", padding="same", input_shape=FILMS.shape[1:]))
    model.add(layers.MaxPooling3D(pool_size=(1, 2, 2)))
    model.add(layers.BatchNormalization())
    model.add(layers.GlobalAveragePooling3D())
    model.add(layers.Dense(3, activation="softmax"))
    return model, fed(FILMS)


def films_by_frames(keras):
    """A network for each frame, then an LSTM."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.TimeDistributed(layers.Conv2D(3, (2, 2), activation="relu"), input_shape=FILMS.shape[1:]))
    model.add(layers.TimeDistributed(layers.MaxPooling2D((2, 2), strides=(1, 1))))
    model.add(layers.TimeDistributed(layers.Flatten()))
    model.add(layers.LSTM(3, return_sequences=False, dropout=0.5))
    model.add(layers.Dense(2, activation="softmax"))
    return model, fed(FILMS)


def films_by_a_shared_model(keras):
    """A whole model for each frame."""
    layers = keras.layers
    source = named_input(keras, "frame", FILMS[:, 0])
    frame = make_model(keras, source, layers.Flatten()(layers.Conv2D(2, 2, activation="relu")(source)))
    films = named_input(keras, "first", FILMS)
    tensor = layers.GRU(3)(layers.TimeDistributed(frame)(films))
    return make_model(keras, films, layers.Dense(2)(tensor)), fed(FILMS)


def next_frame(keras):
    """Convolutional LSTMs, normalised, that end in a film."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(
        layers.ConvLSTM2D(
            filters=2, kernel_size=(3, 3), input_shape=(None,) + FILMS.shape[2:], padding="same", return_sequences=True
        )
    )
    model.add(layers.BatchNormalization())
    model.add(layers.ConvLSTM2D(filters=2, kernel_size=(3, 3), padding="same", return_sequences=True))
    model.add(layers.Conv3D(1, (3, 3, 3), activation="sigmoid", padding="same", data_format="channels_last"))
    model.compile(loss="binary_crossentropy", optimizer="adadelta")
    return model, fed(FILMS)


IMAGE_NETWORKS = (
    lenet,
    digits,
    vgg,
    resnet_v1,
    resnet_v2,
    inception,
    densenet,
    mobilenet,
    mobilenet_v2,
    squeezenet,
    xception,
    efficientnet,
    convnext,
    squeeze_and_excitation,
    non_local,
    unet,
    unet_upsampled,
    segnet,
    fully_convolutional,
    atrous_pyramid,
    autoencoder_convolutional,
    generator,
    discriminator,
    adversarial,
    image_to_image_discriminator,
    transfer,
    transfer_sequential,
    transfer_extended,
    augmented,
    operations_of_tensorflow,
    darknet,
    single_shot_detector,
    films_by_convolutions,
    films_by_frames,
    films_by_a_shared_model,
    next_frame,
)
