"""What a model returned, in a form that can be told and compared."""

from specifications import flatten

MOST_NUMBERS = 1000
"""Of one output; more are told in even steps."""

MOST_OUTPUTS = 100
WIDEST = {"f": "float64", "c": "complex128", "i": "int64", "u": "uint64", "b": "int64"}
"""The type of each kind of number that holds all others of it."""


def describe_outputs(outputs, declared):
    """*declared* are the specifications that belong to them; fewer or more are none."""
    names = sorted(outputs) if isinstance(outputs, dict) else None
    flat = flatten(outputs)
    names = names if names and len(names) == len(flat) else [""] * len(flat)
    described = [describe_output(name, value) for name, value in zip(names, flat)]
    if len(declared) == len(flat):
        for item, specification in zip(described, declared):
            item["declared"] = specification.shape
            item["fits"] = specification.admits(item["shape"])
    return described[:MOST_OUTPUTS]


def describe_output(name, value):
    array = as_array(value)
    step = max(1, -(-array.size // MOST_NUMBERS))
    numbers = WIDEST.get(kind_of(array))
    values = real_parts(array.reshape(-1)[::step].astype(numbers)) if numbers else []
    return dict(describe_array(name, array), step=step, values=values)


def describe_array(name, array):
    import numpy

    kind = kind_of(array)
    return {
        "name": str(name),
        "dtype": "string" if kind in "OSU" else array.dtype.name,
        "shape": list(array.shape),
        "finite": bool(numpy.isfinite(array.astype(WIDEST[kind])).all()) if kind in "fc" else None,
    }


def as_array(value):
    """Of the values alone where they are ragged or sparse."""
    import numpy

    return numpy.asarray(getattr(value, "flat_values", getattr(value, "values", value)))


def kind_of(array):
    return "f" if array.dtype.name == "bfloat16" else array.dtype.kind


def real_parts(numbers):
    """As JSON can hold them: a complex number as two."""
    if numbers.dtype.kind == "c":
        numbers = numbers.view("float64")
    return numbers.tolist()
