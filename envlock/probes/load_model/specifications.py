"""What a model says of an input or output, and the structures that these come in."""

import re


class Specification(object):
    """Batch axis included, None for a free axis, shape None where the rank is unknown."""

    def __init__(self, name, dtype, shape, kind="dense", size=None):
        self.name = str(name)
        self.dtype = re.sub(r"_ref$", "", str(getattr(dtype, "name", dtype)))
        self.shape = None if shape is None else tuple(None if axis in (None, -1) else int(axis) for axis in shape)
        self.kind = kind
        """``dense``, ``ragged`` or ``sparse``."""
        self.size = size
        """Rows of the table that it is looked up in; None where there is none, or it is unknown."""

    @property
    def is_definite(self):
        """Whether an input made from this cannot be wrong."""
        return self.shape is not None and None not in self.shape[1:] and self.dtype != "string"

    def admits(self, shape):
        """Whether a result of *shape* is one that was declared."""
        if self.shape is None or self.kind != "dense":
            return True
        return len(self.shape) == len(shape) and all(axis in (None, length) for axis, length in zip(self.shape, shape))


def specification_of(tensor, size=None):
    """From a tensor or TensorSpec of any version of TensorFlow or Keras."""
    shape = getattr(tensor, "shape", None)
    if hasattr(shape, "as_list"):
        shape = None if shape.ndims is None else shape.as_list()
    description = type(tensor).__name__ + str(getattr(tensor, "type_spec", ""))
    kind = next((kind for kind in ("ragged", "sparse") if kind in description.lower()), "dense")
    return Specification(getattr(tensor, "name", ""), getattr(tensor, "dtype", "float32"), shape, kind, size)


def map_structure(function, structure):
    if isinstance(structure, dict):
        return dict((key, map_structure(function, structure[key])) for key in structure)
    if isinstance(structure, (list, tuple)):
        return [map_structure(function, item) for item in structure]
    return function(structure)


def flatten(structure):
    """The leaves: of a dictionary in the order of its keys."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]
