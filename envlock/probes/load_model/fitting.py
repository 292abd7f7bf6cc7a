"""Whether weights fit the model that a person's code builds, and have reached it.

No release says the same of variables for which a file has no value, and some say nothing. So all variables are made
useless before, and those that still are so afterwards have got none.
"""

import collections

from outputs import kind_of
from specifications import specification_of

MOST_TOLD = 4
BESIDE_WEIGHTS = ("optimizer", ".OPTIMIZER_SLOT", "save_counter", "seed_generator", "_CHECKPOINTABLE", "OBJECT_CONFIG")
BESIDE_WEIGHTS += ("keras_api", "metrics")
"""How parts of a name begin that stand for other things than weights, such as the state of metrics."""

SUFFIX_OF_OBJECTS = "/.ATTRIBUTES/"
"""Ends the names of variables in a checkpoint of objects, before what tells of which kind each is."""


class MisfitError(ValueError):
    """The code builds another model than the weights are of, whatever the release."""


def describe_weights(model):
    """Name and shape of what `get_weights` gives, in its order: that of `weights` is another until TensorFlow 2.1."""
    shapes = [value.shape for value in model.get_weights()]
    by_layer = [variable for layer in model.layers for variable in layer.weights]
    for variables in (by_layer, model.weights):
        if [shape_of(variable) for variable in variables] == shapes:
            return [(name_of(variable), shape_of(variable)) for variable in variables]
    return [("a variable", shape) for shape in shapes]


def name_of(variable):
    """As checkpoints know it."""
    return str(getattr(variable, "path", None) or variable.name.split(":")[0])


def shape_of(variable):
    return specification_of(variable).shape


# --- what has got no value -----------------------------------------------------------------------------------


def spoil(model):
    """Have every variable of fractions hold no number; whole numbers may be those of a table."""
    model.set_weights([spoilt(value) for value in model.get_weights()])


def spoilt(value):
    import numpy

    return numpy.full_like(value, numpy.nan) if is_fractional(value) else value


def is_spoilt(value):
    import numpy

    return is_fractional(value) and value.size > 0 and bool(numpy.isnan(value.astype("float64")).all())


def is_fractional(value):
    return kind_of(value) in "fc"


def require_values(model, asked):
    """All variables have got values, in the shapes that were *asked*."""
    values = model.get_weights()
    if not values:
        raise ValueError("the model that the code builds has no weights yet: give it its input shape, or call it once")
    # A variable of TensorFlow 1 takes the shape of whatever is restored.
    require([(name, shape, None if is_spoilt(value) else value.shape) for (name, shape), value in zip(asked, values)])


def require_names(model, stored):
    """The names and shapes that are *stored* are those that the model has."""
    require([(name, shape, stored.get(name)) for name, shape in describe_weights(model)])


def require(rows):
    """All have been found: each row has a name, the shape of the model, and that of the weights or None."""
    troubles = [
        "nothing for %s %r" % (name, wanted)
        if found is None
        else "%r for %s, which takes %r" % (found, name, wanted)
        for name, wanted, found in rows
        if found != wanted
    ]
    if troubles:
        raise ValueError("the weights do not fit the model that the code builds, they have " + enumerate_some(troubles))


def enumerate_some(items):
    hidden = len(items) - MOST_TOLD
    return "; ".join(items[:MOST_TOLD]) + ("; and %d more" % hidden if hidden > 0 else "")


# --- why -----------------------------------------------------------------------------------------------------


def find_misfit(model, stored, definite_layers):
    """Why no release puts the arrays that are *stored* into the *model*, by name and shape; None where one may.

    Only shapes are looked at: layouts, names and their order are other in other releases. The code alone decides the
    shapes of *definite_layers*, which are classes, so that these are served first.
    """
    left = collections.Counter(shape for name, shape in stored.items() if is_weight(name))
    definite = [layer for layer in model.layers if type(layer).__name__ in definite_layers]
    lacking = take_arrays(definite, left)
    if not lacking:
        return None
    lacking += take_arrays([layer for layer in model.layers if layer not in definite], left)
    unclaimed = [
        "%s %r" % (name.partition(SUFFIX_OF_OBJECTS)[0], shape)
        for name, shape in sorted(stored.items())
        if is_weight(name) and left[shape]
    ]
    told = "they have no array for " + enumerate_some(lacking)
    return told + (", and the model no place for " + enumerate_some(unclaimed) if unclaimed else "")


def find_left_over(model, stored):
    """What of the arrays that are *stored*, by name and shape, the *model* has no place for, by name where that is sure.

    Loaders pass over them in silence. Scalars are those of training: steps, and what metrics and optimizers count.
    """
    taken = set(name for name, _ in describe_weights(model))
    weights = dict((name, shape) for name, shape in stored.items() if shape and is_weight(name))
    if taken.intersection(weights):
        # Slots of optimizers are called like the variable that they are for, and more.
        slots = tuple(name + "/" for name in taken)
        others = [name for name in sorted(weights) if name not in taken and not name.startswith(slots)]
        return ["%s %r" % (name, weights[name]) for name in others]
    left = collections.Counter(weights.values())
    left.subtract(shape for _, shape in describe_weights(model))
    of_shape = collections.Counter(weights.values())
    named = [
        "%s %r" % (name.partition(SUFFIX_OF_OBJECTS)[0], shape)
        for name, shape in sorted(weights.items())
        if left[shape] == of_shape[shape]
    ]
    others = sorted((shape, count) for shape, count in left.items() if 0 < count < of_shape[shape])
    return named + ["%d more of %r" % (count, shape) for shape, count in others]


def take_arrays(layers, left):
    """Take an array for each variable of *layers* from those that are *left*, by shape; tells for which there is none."""
    lacking = []
    for variable in [variable for layer in layers for variable in layer.weights]:
        shape = shape_of(variable)
        if left[shape]:
            left[shape] -= 1
        else:
            lacking.append("%s %r" % (name_of(variable), shape))
    return lacking


def is_weight(name):
    return not any(part.startswith(BESIDE_WEIGHTS) for part in name.split("/"))
