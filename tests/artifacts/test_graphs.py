from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.artifacts.frozen_graph import GraphDefReader
from envlock.artifacts.interface import ArtifactReader
from envlock.artifacts.message_kinds import MessageKind, describe_message, message_kind
from envlock.artifacts.meta_graph_file import MetaGraphReader
from envlock.artifacts.source import LocalSource, StreamSource
from envlock.errors import ArtifactError, DamagedFileError, EnvlockError, LimitExceededError, TruncatedFileError
from envlock.provenance import Code, Evidence, Finding, Operation, Provenance, Signature, TensorSpec
from tests.artifacts.records import record_of
from tests.formats.wire_encoding import entry, message, varint

TESTS = Path(__file__).parent.parent
ASSETS = TESTS / "assets" / "graphs"
REAL_ARTIFACTS = Path(os.environ.get("ENVLOCK_REAL_ARTIFACTS", TESTS.parent.parent / "shared" / "artifacts" / "real"))
GRAPHS = [*(f"{line}/frozen" for line in ("1.12", "1.15", "2.3", "2.16")), "2.16/function", "1.15/contrib"]
META_GRAPHS = [f"{line}/model.meta" for line in ("1.12", "1.15", "2.3", "2.16")]
BINARIES = [*(f"{name}.pb" for name in GRAPHS), *META_GRAPHS]
TEXTS = [*(f"{name}.pbtxt" for name in (*GRAPHS, *META_GRAPHS))]
READERS: tuple[ArtifactReader, ...] = (GraphDefReader(), MetaGraphReader())


def read(data: bytes, name: str = "frozen.pb") -> Provenance:
    source = StreamSource(BytesIO(data), name)
    reader = next(reader for reader in READERS if reader.recognises(source, data[:4096]))
    return reader.read(source)


def read_asset(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(record_of(read((ASSETS / name).read_bytes(), name))))
    return record


def node(name: str, operation: str, *inputs: str, **attributes: bytes) -> bytes:
    reads = [(3, item) for item in inputs]
    return message((1, name), (2, operation), *reads, *((5, entry(key, value)) for key, value in attributes.items()))


def graph(*nodes: bytes, producer: int | None = None) -> bytes:
    versions = [] if producer is None else [(4, message((1, producer)))]
    return message(*((1, item) for item in nodes), *versions)


FLOAT = message((6, 1))
SCALAR = message((7, b""))

# --- what is read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BINARIES)
def test_a_real_graph_is_read_whole(name: str) -> None:
    expected = json.loads((TESTS / "golden" / "graphs" / f"{name.replace('/', '-')}.json").read_text(encoding="utf-8"))

    assert read_asset(name) == expected


@pytest.mark.parametrize(("binary", "text"), list(zip(BINARIES, TEXTS, strict=True)))
def test_the_text_of_a_graph_says_what_its_binary_form_says(binary: str, text: str) -> None:
    assert read_asset(text) | {"size": 0} == read_asset(binary) | {"size": 0}


def test_the_ends_of_a_graph_are_its_placeholders_and_the_nodes_that_nobody_reads() -> None:
    shape = message((7, message((2, message((1, -1))), (2, message((1, 3))))))
    provenance = read(
        graph(
            node("x", "Placeholder", dtype=FLOAT, shape=shape),
            node("default", "Const"),
            node("keep", "PlaceholderWithDefault", "default", dtype=message((6, 10)), shape=SCALAR),
            node("split", "Split", "x"),
            node("y", "Add", "split:1", "keep"),
            node("ordered", "Identity", "^x"),
            node("init", "NoOp", "^ordered"),
            producer=27,
        )
    )

    assert provenance.inputs == (
        TensorSpec(name="x", dtype="float32", shape=(None, 3)),
        TensorSpec(name="keep", dtype="bool", shape=()),
    )
    assert provenance.evidence == (
        Evidence(fact="graph-producer", value="27", location="graph_def.versions.producer"),
        Evidence(fact="graph-output", value="y", location="graph_def, node y"),
    )


@pytest.mark.parametrize(
    ("operation", "producer", "shape"),
    [
        ("Placeholder", None, None),
        ("Placeholder", 21, None),
        ("Placeholder", 22, ()),
        ("PlaceholderV2", 21, ()),
        ("PlaceholderWithDefault", 21, ()),
    ],
)
def test_an_empty_shape_is_unknown_where_tensorflow_takes_it_so(
    operation: str, producer: int | None, shape: tuple[int, ...] | None
) -> None:
    provenance = read(graph(node("x", operation, dtype=FLOAT, shape=SCALAR), producer=producer))

    assert provenance.inputs == (TensorSpec(name="x", dtype="float32", shape=shape),)


def test_a_graph_of_functions_alone_is_read() -> None:
    function = message((1, message((1, "double"))), (3, node("b", "Mul", T=FLOAT)))

    provenance = read(message((2, message((1, function)))))

    assert provenance.operations == (
        Operation(
            name="Mul",
            attributes=frozenset({"T"}),
            nodes=1,
            is_uncalled=True,
            uncalled_attributes=frozenset({"T"}),
        ),
    )


def function(name: str, *nodes: bytes) -> tuple[int, bytes]:
    """A function, as a field of a library."""
    return 1, message((1, message((1, name))), *((3, item) for item in nodes))


def value(name: str) -> bytes:
    """The value of an attribute that is a function."""
    return message((10, message((1, name), (2, entry("T", FLOAT)))))


def values(*names: str) -> bytes:
    """The value of an attribute that is a list of functions."""
    return message((1, message(*((9, message((1, name))) for name in names))))


@pytest.mark.parametrize(
    ("nodes", "called"),
    [
        pytest.param([node("a", "NoOp")], ["NoOp"], id="not at all"),
        pytest.param([node("a", "first")], ["Mul", "Tanh"], id="as an operation"),
        pytest.param([node("a", "If", then_branch=value("second"))], ["If", "Tanh"], id="as an attribute"),
        pytest.param([node("a", "Case", branches=values("other", "third"))], ["Case", "Relu"], id="in a list"),
        pytest.param([node("a", "NoOp", _api=value("second"))], ["NoOp", "Tanh"], id="as an attribute of the runtime"),
        pytest.param([node("a", "If", branch=value("absent"))], ["If"], id="one that is not there"),
        pytest.param([node("a", "loop")], ["Abs"], id="itself"),
        pytest.param([node("a", "Const", _gradient_op_type=message((2, "first")))], ["Const"], id="by text"),
    ],
)
def test_what_stands_in_functions_is_called_where_the_graph_or_what_it_calls_calls_them(
    nodes: list[bytes], called: list[str]
) -> None:
    library = message(
        function("first", node("x", "Mul"), node("y", "PartitionedCall", f=value("second"))),
        function("second", node("x", "Tanh")),
        function("third", node("x", "Relu")),
        function("loop", node("x", "Abs"), node("y", "loop")),
        (2, message((1, "second"), (2, "third"))),  # the gradient of the one is the other
    )
    found = read(graph(*nodes) + message((2, library))).operations

    assert [item.name for item in found if not item.is_uncalled and item.name != "PartitionedCall"] == called


def test_an_attribute_that_uncalled_functions_alone_set_is_told_from_the_others() -> None:
    library = message(
        function("called", node("x", "MatMul", T=FLOAT, a=FLOAT)), function("uncalled", node("x", "MatMul", b=FLOAT))
    )

    assert read(graph(node("x", "called")) + message((2, library))).operations == (
        Operation(name="MatMul", attributes=frozenset({"T", "a", "b"}), nodes=2, uncalled_attributes=frozenset({"b"})),
    )


def test_a_graph_with_more_kinds_of_nodes_than_any_has_is_refused() -> None:
    nodes = (node("x", "Case", branches=values(f"{number:x}")) for number in range(100_001))

    with pytest.raises(LimitExceededError, match="number of different kinds of nodes"):
        read(graph(*nodes))


def test_operations_that_run_python_or_touch_files_are_code() -> None:
    provenance = read(graph(node("a", "ReadFile"), node("b\x1b[2J", "EagerPyFunc")))

    assert provenance.code == (
        Code(kind="python-operation", name="EagerPyFunc", location="graph_def, node b\\x1b[2J"),
        Code(kind="file-operation", name="ReadFile", location="graph_def, node a"),
    )


def test_a_graph_with_variables_is_not_frozen() -> None:
    assert read(graph(node("a", "VariableV2"), node("b", "VarHandleOp"))).findings == (
        Finding(
            reference="not-frozen",
            severity="warning",
            message="the graph has 2 variables, and their values are not in this file",
            hint="keep the checkpoint that belongs to it at hand, or freeze the graph where it was made",
        ),
    )


def test_a_meta_graph_gives_its_version_and_signatures_too() -> None:
    signature = message((1, entry("x", message((2, 1)))))
    info = message((4, "train"), (5, "1.4.0"), (6, "v1.4.0-0-gd752244"))
    provenance = read(message((1, info), (2, graph(node("x", "Placeholder"))), (5, entry("call", signature))))

    assert provenance.recorded("tensorflow-version") == "1.4.0"
    assert provenance.tags == (frozenset({"train"}),)
    assert provenance.signatures == (
        Signature(name="call", inputs=(TensorSpec(name="x", dtype="float32", shape=None),), outputs=()),
    )


def test_a_graph_of_2_gib_is_walked_without_reading_its_tensors(tmp_path: Path) -> None:
    size = 1 << 31
    tensor = varint(8 << 3 | 2) + varint(size)
    value = message((1, "value")) + varint(2 << 3 | 2) + varint(len(tensor) + size) + tensor
    head = message((1, "weights"), (2, "Const")) + varint(5 << 3 | 2) + varint(len(value) + size) + value
    path = tmp_path / "frozen.pb"
    with path.open("wb") as stream:
        stream.write(varint(1 << 3 | 2) + varint(len(head) + size) + head)
        stream.seek(size, os.SEEK_CUR)
        stream.write(graph(node("y", "Identity", "weights"), producer=27))

    provenance = GraphDefReader().read(LocalSource(path))

    assert provenance.recorded("graph-producer") == "27"
    assert provenance.recorded("graph-output") == "y"


# --- what is recognised --------------------------------------------------------------------------------------

_INFO = message((2, message((1, message((1, "Add"))))), (5, "1.4.0"))
_KERAS = message((1, message((2, 1), (3, "root"), (4, "_tf_keras_model"), (5, "{}"))))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (graph(node("a", "NoOp")), MessageKind("GraphDef", is_text=False)),
        (graph(node("", "Addons>Resampler")), MessageKind("GraphDef", is_text=False)),
        (graph(node("a", "Const", value=bytes(9000)))[:4096], MessageKind("GraphDef", is_text=False)),
        (message((2, message((1, message((1, message((1, "f")))))))), MessageKind("GraphDef", is_text=False)),
        (message((1, _INFO), (2, b"")), MessageKind("MetaGraphDef", is_text=False)),
        (message((1, message((5, "unknown")))), MessageKind("MetaGraphDef", is_text=False)),
        (message((2, graph(node("a", "NoOp")))), MessageKind("MetaGraphDef", is_text=False)),
        (message((1, 1), (2, message((1, _INFO)))), MessageKind("SavedModel", is_text=False)),
        (message((1, 1), (2, 5), (3, 7)), MessageKind("FingerprintDef", is_text=False)),
        (_KERAS, MessageKind("Keras SavedMetadata", is_text=False)),
        (message((1, 3)), MessageKind("TF Hub ModuleDef", is_text=False)),
        (message((1, 7), (2, "pytorch"), (3, "1.9")), MessageKind("ONNX ModelProto", is_text=False)),
        (b"# saved by hand\n\nnode {\n", MessageKind("GraphDef", is_text=True)),
        (b"library <", MessageKind("GraphDef", is_text=True)),
        (b"meta_info_def {", MessageKind("MetaGraphDef", is_text=True)),
        (b"saved_model_schema_version: 1", MessageKind("SavedModel", is_text=True)),
        (b'model_checkpoint_path: "model.ckpt-1"', MessageKind("CheckpointState", is_text=True)),
        (b"item {\n  id: 1", MessageKind("StringIntLabelMap", is_text=True)),
        (b'platform: "tensorflow_savedmodel"', MessageKind("model server configuration", is_text=True)),
        (
            message((1, 4), (2, message((1, message((1, "image"), (2, "An input."), (3, message((4, b"")))))))),
            MessageKind("Core ML Model", is_text=False),
        ),
        (
            message((1, 1), (2, message((1, message((1, "image"), (2, "An input."), (3, message((4, b"")))))))),
            MessageKind("Core ML Model", is_text=False),
        ),
        (b"", None),
        (b"node", None),
        (b"node: 1", None),
        (b"\n", None),
        (b"\n\xff\xff\xff\xff", None),
        (b"plain text", None),
        (b"\n" * 4000 + b"\x00", None),
        (b"\n# text\n" * 20 + b"node {", MessageKind("GraphDef", is_text=True)),
        (b"\x89HDF\r\n\x1a\n", None),
        (b"PK\x03\x04", None),
        (message((1, message((1, "a"), (2, "no operation")))), None),
        (message((1, 1)) + b"\x12\x80", None),
    ],
)
def test_the_message_of_a_file_is_told_by_its_structure(head: bytes, kind: MessageKind | None) -> None:
    assert message_kind(head) == kind


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (_KERAS, "Keras metadata, which belongs beside a saved_model.pb"),
        (message((1, 1), (2, 5)), "the fingerprint of a SavedModel, which belongs beside a saved_model.pb"),
        (message((1, 3)), "the mark of a TF Hub module, which belongs beside a saved_model.pb"),
        (b"item {", "a label map, which names the classes of a model"),
        (graph(node("a", "NoOp")), "a GraphDef (a frozen graph)"),
    ],
)
def test_a_message_that_is_no_model_is_named(head: bytes, found: str) -> None:
    kind = message_kind(head)
    assert kind is not None

    assert describe_message(kind)[0] == found


@given(st.binary(max_size=64))
def test_any_head_is_told_or_not_without_an_error(head: bytes) -> None:
    kind = message_kind(head)

    assert kind is None or isinstance(kind, MessageKind)


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        pytest.param(
            graph(node("a", "NoOp")) + message((9, "x")),
            DamagedFileError,
            "frozen.pb at offset 13: a GraphDef has no field 9 of wire type 2",
            id="foreign field",
        ),
        pytest.param(
            graph(node("a", "NoOp"), node("b", "NoOp"))[:-1],
            TruncatedFileError,
            "frozen.pb: expected 9 bytes at offset 13, found 8",
            id="cut short",
        ),
        pytest.param(message((1, _INFO)), DamagedFileError, "frozen.pb: a MetaGraphDef without a graph", id="no graph"),
        pytest.param(
            b"node { name: 'a' op: 'NoOp' } nodes {}",
            DamagedFileError,
            "frozen.pb at offset 30: a GraphDef has no field nodes",
            id="text with a foreign field",
        ),
        pytest.param(
            graph(*[node("p", "Placeholder")] * 10_001),
            LimitExceededError,
            "frozen.pb: number of placeholders 10001 is over the limit of 10000",
            id="countless placeholders",
        ),
    ],
)
def test_a_file_that_is_no_whole_graph_is_refused(data: bytes, kind: type[ArtifactError], problem: str) -> None:
    with pytest.raises(kind) as caught:
        read(data)

    assert str(caught.value) == problem


# --- damage --------------------------------------------------------------------------------------------------


def read_if_recognised(data: bytes) -> None:
    source = StreamSource(BytesIO(data), "damaged.pb")
    for reader in READERS:
        if reader.recognises(source, data[:4096]):
            with suppress(EnvlockError):
                reader.read(source)


@pytest.mark.parametrize("name", ["1.12/frozen.pb", "2.16/function.pb", "1.15/model.meta", "2.16/frozen.pbtxt"])
def test_a_graph_cut_at_any_byte_gives_a_provenance_or_an_envlock_error(name: str) -> None:
    data = (ASSETS / name).read_bytes()

    for end in range(len(data)):
        read_if_recognised(data[:end])


@pytest.mark.parametrize("name", ["1.12/frozen.pb", "2.16/function.pb", "1.15/model.meta", "2.16/frozen.pbtxt"])
def test_a_graph_with_one_byte_changed_gives_a_provenance_or_an_envlock_error(name: str) -> None:
    data = (ASSETS / name).read_bytes()
    chance = random.Random(name)  # noqa: S311

    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] = chance.randrange(256)
        read_if_recognised(bytes(changed))


_NAMES = st.text(max_size=8)


_OPERATIONS = st.sampled_from(["Add", "MatMul", "Identity"])
_ATTRIBUTES = st.sets(st.sampled_from(["T", "N", "transpose_a"]))


@given(
    st.lists(
        st.tuples(_NAMES, _OPERATIONS, st.lists(_NAMES, max_size=3), _ATTRIBUTES, st.booleans()), min_size=1, max_size=9
    )
)
def test_every_node_of_any_graph_is_counted_with_its_attributes(
    nodes: list[tuple[str, str, list[str], set[str], bool]],
) -> None:
    expected: dict[str, tuple[int, frozenset[str]]] = {"NoOp": (1, frozenset())}
    stored = [node("first", "NoOp")]
    for name, operation, inputs, attributes, backwards in nodes:
        count, known = expected.get(operation, (0, frozenset()))
        expected[operation] = count + 1, known | attributes
        fields = [(1, name), (2, operation), *((3, i) for i in inputs), *((5, entry(a, FLOAT)) for a in attributes)]
        stored.append(message(*(reversed(fields) if backwards else fields)))

    found = read(graph(*stored)).operations

    assert {operation.name: (operation.nodes, operation.attributes) for operation in found} == expected


# --- published graphs ----------------------------------------------------------------------------------------

_DL4J = "dl4j-test-resources/src/main/resources/tf_graphs/examples"


@pytest.mark.parametrize(
    ("name", "producer", "inputs"),
    [
        (f"{_DL4J}/cnn2d_layers/channels_last_b1_k2_s2_SAME/frozen_model.pb", None, []),
        (f"{_DL4J}/shape_rank3/frozen_model.pb", None, []),
        ("tensorflow-onnx/tests/models/ae0/frozen.pb", None, ["X"]),
        ("tensorflow-onnx/tests/models/regression/checkpoint/model.meta", "27", ["X", "Y"]),
    ],
)
def test_published_graphs_are_read(name: str, producer: str | None, inputs: list[str]) -> None:
    if not (REAL_ARTIFACTS / name).is_file():
        pytest.skip("the published artifacts are not here: set ENVLOCK_REAL_ARTIFACTS to their folder")

    provenance = read((REAL_ARTIFACTS / name).read_bytes())

    assert provenance.recorded("graph-producer") == producer
    assert [spec.name for spec in provenance.inputs] == inputs
    assert provenance.code == ()
