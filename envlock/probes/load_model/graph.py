"""Graphs without signatures: their ends are what is fed and fetched."""

from findings import NoInputError
from running_tensorflow import IMPORT, import_tensorflow, is_version_2, new_session, version_1_of
from specifications import specification_of
from ways import Way

VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
NO_VALUES = "the graph has variables, and their values are in no file beside it"


def ways(tf, request):
    prefix = version_1_of(tf)
    imports, line = graph_line(tf, request["path"])
    wanted = [str(name) for name in request.get("outputs", [])]
    if is_version_2(tf):

        def wrapped(names):
            yield line
            yield "imported = %s.wrap_function(lambda: %s.import_graph_def(graph_def, name=''), [])" % (prefix, prefix)
            inputs, outputs = ends_of_graph(names["imported"].graph, wanted)
            yield "model = imported.prune(%r, %r)" % (sorted(inputs), sorted(outputs))

        yield Way("%s.wrap_function" % prefix, imports, wrapped, lambda names: wrap_function(names, wanted))

    def in_session(names):
        return [line, new_session(prefix), how]

    how = "%s.import_graph_def(graph_def, name='')" % prefix
    yield Way(how, imports, in_session, lambda names: wrap_session(names["session"], wanted))


def graph_line(tf, path):
    """Imports, and the line that reads the graph: as text where its first bytes are those of text."""
    message = version_1_of(tf) + ".GraphDef"
    with open(path, "rb") as stream:
        first = stream.read(1)
    # A message begins with the tag of a field, such as a line break for the first; text with the name of one.
    if first.isalpha() or first == b"#":
        imports = [IMPORT, "from google.protobuf import text_format"]
        return imports, "graph_def = text_format.Parse(open(path).read(), %s())" % message
    return [IMPORT], "graph_def = %s.FromString(open(path, 'rb').read())" % message


def wrap_function(names, wanted):
    if has_variables(names["imported"].graph):
        return Uncallable(NO_VALUES)
    inputs, outputs = ends_of_graph(names["imported"].graph, wanted)
    return GraphFunction(names["model"], [inputs[name] for name in sorted(inputs)], sorted(outputs))


def wrap_session(session, wanted):
    if has_variables(session.graph):
        return Uncallable(NO_VALUES)
    return SessionModel(session, *ends_of_graph(session.graph, wanted))


def has_variables(graph):
    return any(operation.type in VARIABLES for operation in graph.get_operations())


def ends_of_graph(graph, wanted=()):
    """Tensors to feed and to fetch, by name: the results of the *wanted* nodes, else what no node reads."""
    operations = graph.get_operations()
    inputs = [tensor for operation in operations if operation.type == "Placeholder" for tensor in operation.outputs]
    if wanted:
        outputs = [tensor for operation in operations if operation.name in wanted for tensor in operation.outputs]
    else:
        read = set(tensor.name for operation in operations for tensor in operation.inputs)
        outputs = [tensor for operation in operations for tensor in operation.outputs if tensor.name not in read]
    return by_name(inputs), by_name(outputs)


def by_name(tensors):
    return dict((str(tensor.name), tensor) for tensor in tensors)


class Uncallable(object):
    def __init__(self, reason):
        self._reason = reason

    def specifications(self, known):
        raise NoInputError(self._reason)


class SessionModel(object):
    """Feeds and fetches tensors of a session, each by a name of its own."""

    def __init__(self, session, inputs, outputs, reason="the graph has no output"):
        self._session = session
        self._inputs = inputs
        self._outputs = outputs
        self._reason = reason

    def specifications(self, known):
        if not self._outputs:
            raise NoInputError(self._reason)
        return dict((name, specification_of(tensor)) for name, tensor in self._inputs.items())

    def declared(self):
        return [specification_of(self._outputs[name]) for name in sorted(self._outputs)]

    def ways(self, arrays):
        feed = dict((self._inputs[name], array) for name, array in arrays.items())
        yield lambda: self._session.run(self._outputs, feed)


class GraphFunction(object):
    """A part of a graph as a function of TensorFlow 2."""

    def __init__(self, function, inputs, output_names):
        self._function = function
        self._inputs = inputs
        self._output_names = output_names

    def specifications(self, known):
        return [specification_of(tensor) for tensor in self._inputs]

    def declared(self):
        return [specification_of(tensor) for tensor in self._function.outputs]

    def ways(self, arrays):
        tf = import_tensorflow()
        # Names stay as a session gives them, so that the numbers of both can be compared.
        yield lambda: dict(zip(self._output_names, self._function(*[tf.constant(array) for array in arrays])))
