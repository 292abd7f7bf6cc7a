"""Write architectures without weights: usage make_architectures.py FOLDER LABEL (keras | tensorflow).

Runs in an environment with the Keras in question, down to Keras 2.0 on Python 3.6.
"""

import io
import os
import sys

folder, label, library = sys.argv[1:]
if library == "keras":
    import keras
else:
    from tensorflow import keras


def functional():
    entry = keras.layers.Input(shape=(4,), name="entry")
    hidden = keras.layers.Dense(3, activation="relu", name="hidden")(entry)
    again = keras.layers.Dense(3, name="again", kernel_regularizer=keras.regularizers.l2(0.5))(hidden)
    joined = keras.layers.Concatenate(name="joined")([hidden, again])
    return keras.models.Model(entry, joined)


def sequential():
    first = {"input_shape": (8, 8, 1)} if label[:6] < "keras3" or library == "tensorflow" else {}
    entry = [] if first else [keras.layers.Input(shape=(8, 8, 1))]
    return keras.models.Sequential(
        entry + [keras.layers.Conv2D(2, (3, 3), name="convolution", **first), keras.layers.Flatten(name="flat")]
    )


for name, model in (("functional", functional()), ("sequential", sequential())):
    for form in ("json", "yaml"):
        try:
            text = getattr(model, "to_" + form)()
        except Exception as error:  # to_yaml needs PyYAML, and was taken out in TensorFlow 2.6
            print(label, name, form, "not written:", error)
            continue
        with io.open(os.path.join(folder, "%s-%s.%s" % (label, name, form)), "w", encoding="utf-8") as stream:
            stream.write(text if isinstance(text, type(u"")) else text.decode("utf-8"))
