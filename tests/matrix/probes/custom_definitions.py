"""Classes and functions of a person's own: what models refer to and no Keras brings."""

import keras
import tensorflow as tf


class Scale(keras.layers.Layer):
    """Multiplies by a factor that is learnt."""

    def __init__(self, factor=2.0, **options):
        super(Scale, self).__init__(**options)
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(name="gain", shape=(int(shape[-1]),), initializer="ones")
        super(Scale, self).build(shape)

    def call(self, inputs):
        return inputs * self.gain * self.factor

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return dict(super(Scale, self).get_config(), factor=self.factor)


class Bounded(keras.constraints.Constraint):
    """Keeps weights small."""

    def __call__(self, weights):
        return weights * 0.5

    def get_config(self):
        return {}


def squeeze_activation(inputs):
    return inputs * 0.5 + 1.0


def squared_loss(truth, prediction):
    return (truth - prediction) ** 2


def double_metric(truth, prediction):
    return (truth - prediction) * 2.0


class Perceptron(keras.models.Model):
    """A model that says in code what it computes."""

    def __init__(self, units=3, **options):
        super(Perceptron, self).__init__(**options)
        self.units = units
        self.hidden = keras.layers.Dense(units, activation="relu", name="hidden")
        self.head = keras.layers.Dense(2, name="head")

    def call(self, inputs):
        return self.head(self.hidden(inputs))

    def get_config(self):
        return {"units": self.units}


class NamedModel(keras.models.Model):
    """A functional model of a class of its own."""


def register(name):
    """Register what the class or function is called, where this Keras has a register."""
    for module in ("saving", "utils"):
        found = getattr(getattr(keras, module, None), "register_keras_serializable", None)
        if found is not None:
            return found(package="Own", name=name)
    raise AttributeError("this Keras has no register of classes")


def make_registered():
    """The class ``Shift``, which is registered as ``Own>Shift``."""

    @register("Shift")
    class Shift(Scale):
        """Scale under a registered name."""

    return Shift


# --- layers of networks ------------------------------------------------------------------------------------------


class ContextAttention(keras.layers.Layer):
    """Steps weighted by how near they are to a vector that is learnt."""

    def build(self, input_shape):
        width = int(input_shape[-1])
        self.W = self.add_weight(name="att_weight", shape=(width, width), initializer="normal")
        self.b = self.add_weight(name="att_bias", shape=(width,), initializer="zeros")
        self.u = self.add_weight(name="att_vector", shape=(width, 1), initializer="normal")
        super(ContextAttention, self).build(input_shape)

    def call(self, x):
        units = tf.tanh(tf.tensordot(x, self.W, [[2], [0]]) + self.b)
        weights = tf.nn.softmax(tf.tensordot(units, self.u, [[2], [0]]), 1)
        return tf.reduce_sum(x * weights, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


class AdditiveScores(keras.layers.Layer):
    """A context for one query, by layers that are attributes."""

    def __init__(self, units, **kwargs):
        super(AdditiveScores, self).__init__(**kwargs)
        self.units = units
        self.W1 = keras.layers.Dense(units)
        self.W2 = keras.layers.Dense(units)
        self.V = keras.layers.Dense(1)

    def call(self, inputs):
        query, values = inputs
        score = self.V(tf.tanh(self.W1(tf.expand_dims(query, 1)) + self.W2(values)))
        return tf.reduce_sum(tf.nn.softmax(score, 1) * values, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        config = super(AdditiveScores, self).get_config()
        config.update({"units": self.units})
        return config


class TransformerBlock(keras.layers.Layer):
    """Attention and a small model, each with dropout and normalisation."""

    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super(TransformerBlock, self).__init__(**kwargs)
        self.arguments = {"embed_dim": embed_dim, "num_heads": num_heads, "ff_dim": ff_dim, "rate": rate}
        self.att = keras.layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.models.Sequential(
            [keras.layers.Dense(ff_dim, activation="relu"), keras.layers.Dense(embed_dim)]
        )
        self.layernorm1 = keras.layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = keras.layers.LayerNormalization(epsilon=1e-6)
        self.dropout = keras.layers.Dropout(rate)

    def call(self, inputs):
        attended = self.layernorm1(inputs + self.dropout(self.att(inputs, inputs)))
        return self.layernorm2(attended + self.dropout(self.ffn(attended)))

    def get_config(self):
        return dict(super(TransformerBlock, self).get_config(), **self.arguments)


class TokenAndPositionEmbedding(keras.layers.Layer):
    """A vector for each word and one for its place."""

    def __init__(self, maxlen, vocab_size, embed_dim, **kwargs):
        super(TokenAndPositionEmbedding, self).__init__(**kwargs)
        self.arguments = {"maxlen": maxlen, "vocab_size": vocab_size, "embed_dim": embed_dim}
        self.token_emb = keras.layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.pos_emb = keras.layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x):
        positions = tf.range(0, tf.shape(x)[-1], 1)
        return self.token_emb(x) + self.pos_emb(positions)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape) + (self.arguments["embed_dim"],)

    def get_config(self):
        return dict(super(TokenAndPositionEmbedding, self).get_config(), **self.arguments)


class PositionalEncoding(keras.layers.Layer):
    """Waves added to the steps."""

    def call(self, inputs):
        steps, width = int(inputs.shape[1]), int(inputs.shape[2])
        places = tf.reshape(tf.cast(tf.range(steps), "float32"), (steps, 1))
        rates = tf.pow(10000.0, -tf.cast(tf.range(width), "float32") / width)
        return inputs + tf.sin(places * rates)

    def compute_output_shape(self, input_shape):
        return input_shape


class Sampling(keras.layers.Layer):
    """A draw around the mean in training, the mean itself otherwise; adds the divergence to the loss."""

    def call(self, inputs, training=None):
        mean, log_variance = inputs
        self.add_loss(-0.5 * tf.reduce_mean(1.0 + log_variance - tf.square(mean) - tf.exp(log_variance)))
        if not training:
            return mean
        return mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class CrossLayer(keras.layers.Layer):
    """The first features times a number that is learnt from the last."""

    def build(self, input_shape):
        width = int(input_shape[0][-1])
        self.kernel = self.add_weight(name="kernel", shape=(width, 1), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        super(CrossLayer, self).build(input_shape)

    def call(self, inputs):
        first, last = inputs
        return first * tf.matmul(last, self.kernel) + self.bias + last

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class FactorizationMachine(keras.layers.Layer):
    """The products of all pairs of features, each weighted by two vectors."""

    def __init__(self, output_dim=3, kernel_regularizer=None, **kwargs):
        super(FactorizationMachine, self).__init__(**kwargs)
        self.output_dim = output_dim
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        shape = (int(input_shape[-1]), self.output_dim)
        self.v = self.add_weight(
            name="v", shape=shape, initializer="glorot_uniform", regularizer=self.kernel_regularizer
        )
        super(FactorizationMachine, self).build(input_shape)

    def call(self, inputs):
        pairs = tf.square(tf.matmul(inputs, self.v)) - tf.matmul(tf.square(inputs), tf.square(self.v))
        return 0.5 * tf.expand_dims(tf.reduce_sum(pairs, axis=1), -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1)

    def get_config(self):
        config = super(FactorizationMachine, self).get_config()
        config["output_dim"] = self.output_dim
        config["kernel_regularizer"] = keras.regularizers.serialize(self.kernel_regularizer)
        return config


class Transitions(keras.layers.Layer):
    """Scores of tags after what the tags beside them say."""

    def build(self, input_shape):
        tags = int(input_shape[-1])
        self.chain = self.add_weight(name="chain_kernel", shape=(tags, tags), initializer="glorot_uniform")
        self.supports_masking = True
        super(Transitions, self).build(input_shape)

    def call(self, inputs, mask=None):
        before = tf.tensordot(tf.nn.softmax(inputs), self.chain, [[2], [0]])
        return inputs + tf.concat([before[:, :1] * 0.0, before[:, :-1]], 1)

    def compute_output_shape(self, input_shape):
        return input_shape


class Length(keras.layers.Layer):
    """How long each vector is."""

    def call(self, inputs, **kwargs):
        return tf.sqrt(tf.reduce_sum(tf.square(inputs), axis=-1) + 1e-7)

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


class CenterLoss(keras.layers.Layer):
    """Distance of features from what is learnt as the middle of their class."""

    def build(self, input_shape):
        shape = (int(input_shape[1][-1]), int(input_shape[0][-1]))
        self.centers = self.add_weight(name="centers", shape=shape, initializer="uniform", trainable=False)
        super(CenterLoss, self).build(input_shape)

    def call(self, inputs):
        features, label = inputs
        return tf.expand_dims(tf.reduce_sum(tf.square(features - tf.matmul(label, self.centers)), axis=1), -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)


class SpectralDense(keras.layers.Dense):
    """A dense layer that is divided by a norm, which a weight beside its kernel keeps."""

    def build(self, input_shape):
        super(SpectralDense, self).build(input_shape)
        self.u = self.add_weight(name="sn_u", shape=(1, self.units), initializer="normal", trainable=False)

    def call(self, inputs):
        return super(SpectralDense, self).call(inputs) / (1.0 + tf.reduce_sum(tf.square(self.u)))


class PixelShuffle(keras.layers.Layer):
    """Channels become places."""

    def __init__(self, block_size, **kwargs):
        super(PixelShuffle, self).__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        examples, rows, columns, channels = input_shape
        return (examples, rows * self.block_size, columns * self.block_size, channels // self.block_size**2)

    def get_config(self):
        config = {"block_size": self.block_size}
        base_config = super(PixelShuffle, self).get_config()
        return dict(list(base_config.items()) + list(config.items()))


class ResidualUnit(keras.layers.Layer):
    """A convolution with its normalisation, and one that goes past them."""

    def __init__(self, filters, strides=1, activation="relu", **kwargs):
        super(ResidualUnit, self).__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.activation = keras.activations.get(activation)
        # Attributes: Keras 2.3 does not look for weights in lists.
        self.main = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)
        self.normalized = keras.layers.BatchNormalization()
        self.skip = keras.layers.Conv2D(filters, 1, strides=strides, padding="same", use_bias=False)

    def call(self, inputs):
        return self.activation(self.normalized(self.main(inputs)) + self.skip(inputs))

    def compute_output_shape(self, input_shape):
        return self.skip.compute_output_shape(input_shape)

    def get_config(self):
        config = super(ResidualUnit, self).get_config()
        config.update(filters=self.filters, strides=self.strides)
        config["activation"] = keras.activations.serialize(self.activation)
        return config


class MinimalCell(keras.layers.Layer):
    """A cell without gates."""

    def __init__(self, units, **kwargs):
        self.units = units
        self.state_size = units
        super(MinimalCell, self).__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(int(input_shape[-1]), self.units), initializer="uniform")
        self.recurrent = self.add_weight(name="recurrent", shape=(self.units, self.units), initializer="uniform")
        self.built = True

    def call(self, inputs, states):
        output = tf.tanh(tf.matmul(inputs, self.kernel) + tf.matmul(states[0], self.recurrent))
        return output, [output]

    def get_config(self):
        return dict(super(MinimalCell, self).get_config(), units=self.units)


class AlwaysDropout(keras.layers.Dropout):
    """Dropout that stays on when the model is used."""

    def call(self, inputs):
        return super(AlwaysDropout, self).call(inputs, training=True)


class GatedLinearUnit(keras.layers.Layer):
    """A dense layer times another, for which both are made when the shape is known."""

    def __init__(self, units, **kwargs):
        super(GatedLinearUnit, self).__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.linear = keras.layers.Dense(self.units, name="linear")
        self.gate = keras.layers.Dense(self.units, activation="sigmoid", name="gate")
        super(GatedLinearUnit, self).build(input_shape)

    def call(self, inputs):
        return self.linear(inputs) * self.gate(inputs)

    def get_config(self):
        return dict(super(GatedLinearUnit, self).get_config(), units=self.units)


# --- functions of networks ---------------------------------------------------------------------------------------


def squash(vectors):
    squared = tf.expand_dims(tf.reduce_sum(tf.square(vectors), axis=-1), -1)
    return vectors * squared / (1.0 + squared) / tf.sqrt(squared + 1e-7)


def margin_loss(y_true, y_pred):
    loss = y_true * tf.square(tf.maximum(0.0, 0.9 - y_pred))
    return tf.reduce_mean(loss + 0.5 * (1 - y_true) * tf.square(tf.maximum(0.0, y_pred - 0.1)))


def elu_plus_one(x):
    return tf.nn.elu(x) + 1.0 + 1e-7


def small_weights(shape, dtype=None, **kwargs):
    return tf.ones(shape, dtype=dtype or "float32") * 0.01


def dice_coefficient(y_true, y_pred, smooth=1.0):
    intersection = tf.reduce_sum(y_true * y_pred)
    return (2.0 * intersection + smooth) / (tf.reduce_sum(y_true) + tf.reduce_sum(y_pred) + smooth)


def dice_loss(y_true, y_pred):
    return 1.0 - dice_coefficient(y_true, y_pred)


def focal_loss(gamma=2.0, alpha=0.25):
    def focal_loss_fixed(y_true, y_pred):
        chosen = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
        return -tf.reduce_mean(alpha * tf.pow(1.0 - chosen, gamma) * tf.math.log(chosen + 1e-7))

    return focal_loss_fixed


class OrthogonalRegularizer(keras.regularizers.Regularizer):
    """Penalises columns that are not at right angles."""

    def __init__(self, strength=0.1):
        self.strength = strength

    def __call__(self, weights):
        products = tf.matmul(weights, weights, transpose_a=True)
        return self.strength * tf.reduce_sum(tf.square(products - tf.linalg.diag_part(products)))

    def get_config(self):
        return {"strength": self.strength}


# --- models ------------------------------------------------------------------------------------------------------


class StepModel(keras.models.Model):
    """A functional model with a step of training of its own."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(y - self(x, training=True)))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}


class ResidualNetwork(keras.models.Model):
    """A model in code, made of layers of a class of its own."""

    def __init__(self, classes=3, **kwargs):
        super(ResidualNetwork, self).__init__(**kwargs)
        self.classes = classes
        self.first = ResidualUnit(4)
        self.second = ResidualUnit(4, strides=2)
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.classifier = keras.layers.Dense(classes, activation="softmax")

    def call(self, inputs, training=False):
        return self.classifier(self.pool(self.second(self.first(inputs))))

    def get_config(self):
        return {"classes": self.classes}


# --- what the first releases of Keras have no base for ------------------------------------------------------------

MADE_LATER = []

if hasattr(getattr(keras, "losses", None), "Loss"):

    class ScaledHuber(keras.losses.Loss):
        """A loss with an argument."""

        def __init__(self, threshold=1.0, **kwargs):
            self.threshold = threshold
            super(ScaledHuber, self).__init__(**kwargs)

        def call(self, y_true, y_pred):
            error = tf.abs(y_true - y_pred)
            return tf.where(error < self.threshold, tf.square(error) / 2, self.threshold * (error - self.threshold / 2))

        def get_config(self):
            return dict(super(ScaledHuber, self).get_config(), threshold=self.threshold)

    MADE_LATER.append(ScaledHuber)

if hasattr(keras.metrics, "Metric"):

    class MeanPrediction(keras.metrics.Metric):
        """A metric with a weight that it keeps."""

        def __init__(self, name="mean_prediction", **kwargs):
            super(MeanPrediction, self).__init__(name=name, **kwargs)
            self.total = self.add_weight(name="total", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign(self.total + tf.reduce_mean(tf.cast(y_pred, "float32")))

        def result(self):
            return self.total

    MADE_LATER.append(MeanPrediction)

if hasattr(keras.optimizers, "schedules"):

    class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
        """A rate that grows before it falls."""

        def __init__(self, d_model, warmup_steps=4000):
            super(WarmUp, self).__init__()
            self.d_model, self.warmup_steps = d_model, warmup_steps

        def __call__(self, step):
            step = tf.cast(step, "float32") + 1.0
            return self.d_model**-0.5 * tf.minimum(step**-0.5, step * self.warmup_steps**-1.5)

        def get_config(self):
            return {"d_model": self.d_model, "warmup_steps": self.warmup_steps}

    MADE_LATER.append(WarmUp)


CUSTOM_OBJECTS = {
    made.__name__: made
    for made in [
        Scale,
        Bounded,
        squeeze_activation,
        squared_loss,
        double_metric,
        Perceptron,
        NamedModel,
        ContextAttention,
        AdditiveScores,
        TransformerBlock,
        TokenAndPositionEmbedding,
        PositionalEncoding,
        Sampling,
        CrossLayer,
        FactorizationMachine,
        Transitions,
        Length,
        CenterLoss,
        SpectralDense,
        PixelShuffle,
        ResidualUnit,
        MinimalCell,
        AlwaysDropout,
        GatedLinearUnit,
        squash,
        margin_loss,
        elu_plus_one,
        small_weights,
        dice_coefficient,
        dice_loss,
        focal_loss(),
        OrthogonalRegularizer,
        StepModel,
        ResidualNetwork,
    ]
    + MADE_LATER
}
