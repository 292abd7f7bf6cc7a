"""Outputs of models: as JSON holds them, and whether those of two releases are the same.

Valid from Python 2.7 on; needs NumPy.
"""

import numpy

# Of outputs; half precision is rounded differently by different releases.
TOLERANCE = 1e-4
TOLERANCE_OF_HALVES = 1e-2


def difference(outputs, wanted, subject):
    """What is different from what a model of that subject computed, in one line; ``None`` where nothing is."""
    wanted = [numpy.asarray(values) for values in wanted]
    shapes = [list(numpy.shape(output)) for output in outputs]
    if shapes != [list(value.shape) for value in wanted]:
        return "outputs of shapes %s instead of %s" % (shapes, [list(value.shape) for value in wanted])
    tolerance = TOLERANCE_OF_HALVES if "float16" in subject else TOLERANCE
    for output, value in zip(outputs, wanted):
        if output.dtype.kind in "OSU":
            if listed(output) != value.tolist():
                return "outputs other text"
        elif value.size:
            distance = float(numpy.max(numpy.abs(output.astype("float64") - value)))
            # What is not a number is not within any bound.
            if not distance <= tolerance * (1.0 + float(numpy.max(numpy.abs(value)))):
                return "outputs differ by %.3g" % distance
    return None


def listed(array):
    """Nested lists that JSON can hold; text is decoded."""
    if array.dtype.kind in "OS":
        return numpy.vectorize(lambda text: text.decode("utf-8") if isinstance(text, bytes) else text, otypes=[object])(
            array
        ).tolist()
    return array.tolist()
