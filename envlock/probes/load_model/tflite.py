"""TensorFlow Lite models."""

from findings import NoInputError
from running_tensorflow import IMPORT
from specifications import Specification
from ways import assignment


def ways(tf, request):
    module = "tf.lite" if hasattr(tf, "lite") else "tf.contrib.lite"
    yield assignment("%s.Interpreter(model_path=path)" % module, [IMPORT], LiteModel)


class LiteModel(object):
    def __init__(self, interpreter):
        interpreter.allocate_tensors()
        self._interpreter = interpreter

    def specifications(self, known):
        found = [specification_of(item) for item in self._interpreter.get_input_details()]
        if not found:
            raise NoInputError("the model takes no input")
        return found

    def declared(self):
        return [specification_of(item) for item in self._interpreter.get_output_details()]

    def ways(self, arrays):
        yield lambda: self._run(arrays)

    def _run(self, arrays):
        details = self._interpreter.get_input_details()
        for item, array in zip(details, arrays):
            if tuple(item["shape"]) != array.shape:
                self._interpreter.resize_tensor_input(item["index"], array.shape)
        self._interpreter.allocate_tensors()
        for item, array in zip(details, arrays):
            self._interpreter.set_tensor(item["index"], array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(item["index"]) for item in self._interpreter.get_output_details()]


def specification_of(item):
    # Releases before 2.2 tell no free axis.
    shape = item.get("shape_signature")
    if shape is None or len(shape) == 0:
        shape = item["shape"]
    return Specification(item["name"], item["dtype"].__name__.rstrip("_"), shape)
