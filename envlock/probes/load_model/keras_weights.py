"""Weights alone: the person's code builds the model that they belong to."""

import re

from keras_model import KerasModel, import_of
from running_tensorflow import IMPORT, import_tensorflow, is_version_2
from ways import Way

MOST_ROOTS = 4
VARIABLE_OF_OBJECT = re.compile(r"^(?!layer_with_weights-)([A-Za-z_]\w*)/.+/\.ATTRIBUTES/VARIABLE_VALUE$")
"""The first part is the name under which the object was given to `tf.train.Checkpoint`."""

IMPORTABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")

# A checkpoint is read late, and what does not fit is passed over, unless one asks. TensorFlow 1 takes layers without
# variables for objects that do not fit, and before 1.13 there is nothing milder to ask.
CHECKED_BY_1 = (".assert_nontrivial_match()", ".assert_consumed()")
CHECKED = ".assert_existing_objects_matched()"


def ways(module, request):
    """The model that the builder of the *request* returns, with the weights at its path."""
    path, builder = request["path"], request["builder"]
    imports = [import_of(module)] + imports_of(builder)
    if request.get("format") != "checkpoint":
        yield filling_way(imports, builder["object"], "model.load_weights(path)")
        return
    if not is_version_2(import_tensorflow()):
        for checked in CHECKED_BY_1:
            yield filling_way(imports, builder["object"], "model.load_weights(path)" + checked)
        return
    yield filling_way(imports, builder["object"], "model.load_weights(path)" + CHECKED)
    if IMPORT not in imports:
        imports = [IMPORT] + imports
    for root in roots_of(path):
        how = "tf.train.Checkpoint(%s=model).restore(path)%s" % (root, CHECKED)
        yield filling_way(imports, builder["object"], how)


def imports_of(builder):
    """The statements that make the builder known, whatever the file is called that it stands in."""
    module, name = builder["module"], builder["object"]
    if IMPORTABLE.match(module):
        return ["from %s import %s" % (module, name)]
    return ["import importlib", "%s = importlib.import_module(%r).%s" % (name, str(module), name)]


def filling_way(imports, builder, how):
    def lines(names):
        # A class or function makes the model, unless it is one already.
        is_model = hasattr(names[builder], "predict") and not isinstance(names[builder], type)
        yield "model = " + (builder if is_model else builder + "()")
        yield how

    return Way(how, imports, lines, wrap)


def wrap(names):
    model = KerasModel(names["model"])
    if not names["model"].weights:
        raise ValueError("the model that the code builds has no weights yet: give it its input shape, or call it once")
    return model


def roots_of(path):
    """Names under which a checkpoint of objects keeps those that may be the model, the usual one first."""
    tf = import_tensorflow()
    found = [VARIABLE_OF_OBJECT.match(name) for name, shape in tf.train.list_variables(path)]
    # Of a variable that the optimizer has too, the checkpoint may know the optimizer's name alone.
    others = set(match.group(1) for match in found if match) - set(["model", "optimizer"])
    return ["model"] + sorted(others)[:MOST_ROOTS]
