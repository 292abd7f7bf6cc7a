"""Classes and functions of a person's own: what models refer to and no Keras brings."""

import keras


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


CUSTOM_OBJECTS = {
    "Scale": Scale,
    "Bounded": Bounded,
    "squeeze_activation": squeeze_activation,
    "squared_loss": squared_loss,
    "double_metric": double_metric,
    "Perceptron": Perceptron,
    "NamedModel": NamedModel,
}
