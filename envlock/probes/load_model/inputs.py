"""Specifications -> arrays, made the same way every time.

A recipe says how: ``batch`` and ``size`` of free axes, the ``numbers`` and the ``text``, ``features`` of records in
that text, and for each input, in order, the ``sizes`` of the tables that it is looked up in.
"""

import hashlib

from findings import NoInputError
from outputs import as_array
from specifications import flatten, map_structure
from texts import MAKERS

LARGEST_INPUT = 50 * 1000 * 1000

# Lengths that convolutions, sequences and image networks take.
FREE_SIZES = (8, 32, 64, 128, 224, 3, 1)

# `varied` tells models apart, and `plain` is legal for floats, for indices into any table, and for masks.
NUMBERS = ("varied", "plain")


def recipes_for(specifications, text):
    """From the likeliest to the last that is worth a try."""
    items = flatten(specifications)
    has_free_axes = any(item.shape is not None and None in item.shape[1:] for item in items)
    free_sizes = FREE_SIZES if has_free_axes else FREE_SIZES[:1]
    kinds = NUMBERS if any(item.dtype != "string" for item in items) else NUMBERS[:1]
    for batch, size in [(1, size) for size in free_sizes] + [(2, FREE_SIZES[0])]:
        for numbers in kinds:
            yield {
                "batch": batch,
                "size": size,
                "numbers": numbers,
                "text": text,
                "features": {},
                "sizes": [item.size for item in items],
            }


def make_arrays(specifications, recipe):
    places = dict((id(item), place) for place, item in enumerate(flatten(specifications)))
    sizes = recipe["sizes"]
    return map_structure(
        lambda item: make_array(item, recipe, sizes[places[id(item)]] if len(sizes) == len(places) else None),
        specifications,
    )


def make_array(item, recipe, table_size):
    import numpy
    import tensorflow as tf

    if item.dtype in ("resource", "variant"):
        raise NoInputError("input %s is a %s" % (item.name, item.dtype))
    shape = (recipe["batch"],) if item.shape is None else item.shape
    shape = tuple(fill(axis, place, recipe) for place, axis in enumerate(shape))
    count = int(numpy.prod(shape, dtype="int64"))
    if count > LARGEST_INPUT:
        raise NoInputError("input %s has %d elements" % (item.name, count))
    if item.dtype == "string":
        text = MAKERS[recipe["text"]](recipe["features"])
        # Not numpy.full: it strips zero bytes from the end of a text.
        array = numpy.array([text] * count, dtype=object).reshape(shape)
    else:
        dtype = tf.as_dtype(item.dtype)
        array = make_numbers(count, dtype.is_integer, recipe["numbers"], table_size).reshape(shape)
        array = array.astype(dtype.as_numpy_dtype)
    if item.kind == "ragged":
        return tf.RaggedTensor.from_tensor(array)
    return tf.sparse.from_dense(array) if item.kind == "sparse" else array


def fill(axis, place, recipe):
    if axis is not None:
        return axis
    return recipe["size"] if place else recipe["batch"]


def make_numbers(count, is_integer, kind, table_size):
    """Zeros and ones in turn where they are to be plain; else whole numbers below the table's size, or fractions."""
    import numpy

    places = numpy.arange(count)
    if kind == "plain":
        return places % min(2, table_size or 2)
    steps = places * 37 % 101
    if table_size:
        return steps % table_size
    return steps if is_integer else (steps + 1) / 102.0


def describe_inputs(arrays):
    return [describe_input(array) for array in flatten(arrays)]


def describe_input(value):
    array = as_array(value)
    is_text = array.dtype.kind == "O"
    data = b"\0".join(array.reshape(-1).tolist()) if is_text else array.tobytes()
    return {
        "dtype": "string" if is_text else array.dtype.name,
        "shape": list(array.shape),
        "digest": hashlib.sha256(data).hexdigest(),
    }
