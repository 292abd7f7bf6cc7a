from __future__ import annotations

import base64
import json
import marshal
import sys
from contextlib import suppress
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock.errors import ArtifactError
from envlock.formats.marshal import CodeLines, read_code_lines
from envlock.knowledge.bytecode import code_formats

BYTECODE: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent.parent / "assets" / "bytecode" / "bytecode.json").read_text(encoding="utf-8")
)
COMPILED = [
    pytest.param(line, base64.b64decode(code), id=f"{line} {source!r}")
    for line, codes in BYTECODE.items()
    for source, code in codes.items()
]
SAMPLES = [data for parameters in COMPILED for data in parameters.values[1:]]
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def read(data: bytes) -> CodeLines:
    return read_code_lines(data, code_formats(), where="lambda")


def code_of(line: str, source: str) -> bytes:
    return base64.b64decode(BYTECODE[line][source])


@pytest.mark.parametrize(("line", "data"), COMPILED)
def test_the_python_that_wrote_the_code_is_among_its_writers_and_readers(line: str, data: bytes) -> None:
    lines = read(data)

    assert line in lines.writers
    assert line in lines.readers


@pytest.mark.parametrize(
    ("line", "source", "writers", "readers"),
    [
        ("2.7", "lambda x: x", "2.7", "2.7"),
        ("3.6", "lambda x: x * 2.0 + 1.0", "3.6 3.7", "3.6 3.7"),
        ("3.7", "lambda x: K.mean(x, axis=1)", "3.6 3.7", "3.6 3.7"),
        ("3.8", "lambda x: x * 2.0 + 1.0", "3.8 3.9", "3.8 3.9 3.10"),
        ("3.8", "lambda x: 1 if x in (1, 2) else 2", "3.8", "3.8"),
        ("3.9", "lambda x: 1 if x in (1, 2) else 2", "3.9", "3.9"),
        ("3.9", "lambda x: x if x is not None else 0", "3.9", "3.9"),
        ("3.10", "lambda x: x * 2.0 + 1.0", "3.10", "3.8 3.9 3.10"),
        ("3.11", "lambda x: x * 2.0 + 1.0", "3.11 3.12", "3.11 3.12"),
        ("3.11", "lambda x: K.mean(x, axis=1)", "3.11", "3.11"),
        ("3.12", "lambda x: K.mean(x, axis=1)", "3.12", "3.12"),
        ("3.13", "lambda x: x", "3.13", "3.13"),
    ],
)
def test_lines_are_told_apart_as_far_as_their_code_differs(line: str, source: str, writers: str, readers: str) -> None:
    lines = read(code_of(line, source))

    assert (lines.writers, lines.readers) == (tuple(writers.split()), tuple(readers.split()))


@pytest.mark.parametrize("line", BYTECODE)
@pytest.mark.parametrize(
    ("source", "lookups"),
    [
        ("lambda x: x", ()),
        ("lambda x: K.mean(x, axis=1)", ("K.mean",)),
        ("lambda *args, **kwargs: f(*args, **kwargs)", ("f",)),
        (
            "lambda x: scale(tf.nn.l2_normalize(K.sum(x, 1)) * np.pi, [FACTORS[len(v)] for v in x])",
            ("FACTORS", "K.sum", "len", "np.pi", "scale", "tf.nn.l2_normalize"),
        ),
    ],
)
def test_global_names_are_told_with_the_attributes_that_follow(
    line: str, source: str, lookups: tuple[str, ...]
) -> None:
    assert read(code_of(line, source)).lookups == lookups


@pytest.mark.skipif(RUNNING not in BYTECODE, reason=f"the layout of Python {RUNNING} is not known")
def test_names_are_told_beyond_those_that_one_byte_can_number() -> None:
    dotted = [f"n{number}.attribute" for number in range(600)]

    code = compile(f"lambda: ({', '.join(dotted)})", "", "eval").co_consts[0]

    assert read(marshal.dumps(code)).lookups == tuple(sorted(dotted))


@pytest.mark.skipif(RUNNING not in BYTECODE, reason=f"the layout of Python {RUNNING} is not known")
@pytest.mark.parametrize(
    ("source", "lookups"),
    [
        pytest.param(
            "def f(x):\n  global n\n  n = first\n  return n * second", ("first", "second"), id="assigned-before"
        ),
        pytest.param("def f(x):\n  global n\n  n += 1\n  return n", ("n",), id="assigned-after"),
        pytest.param("def f(x):\n  import n\n  return n.a(x)", (), id="imported-within"),
        pytest.param("def f(x, n=1):\n  def g():\n    return n\n  return g", (), id="of-the-function-around"),
        pytest.param(
            "def f(x):\n  class A(Base):\n    a = n.b\n    c = a\n  return A",
            ("Base", "__name__", "n.b"),
            id="in-a-class",
        ),
    ],
)
def test_what_a_function_has_assigned_itself_is_not_told(source: str, lookups: tuple[str, ...]) -> None:
    code = next(item for item in compile(source, "", "exec").co_consts if isinstance(item, CodeType))

    assert read(marshal.dumps(code)).lookups == lookups


@pytest.mark.skipif(RUNNING not in BYTECODE, reason=f"the layout of Python {RUNNING} is not known")
def test_a_name_longer_than_any_is_not_copied_for_each_lookup() -> None:
    code = compile("lambda: long.attribute", "", "eval").co_consts[0]

    assert read(marshal.dumps(code.replace(co_names=("x" * 100_000, "attribute")))).lookups == ()


@pytest.mark.skipif(RUNNING not in BYTECODE, reason=f"the layout of Python {RUNNING} is not known")
@pytest.mark.parametrize("name", ["x; import os", "class", "\uff4f\uff50\uff45\uff4e", "a\nb", "\u202ea", "1"])
def test_names_that_no_source_can_have_are_left_out(name: str) -> None:
    code = compile("lambda: first(second.third)", "", "eval").co_consts[0]

    changed = code.replace(co_names=("first", name, "class"))

    assert read(marshal.dumps(changed)).lookups == ("first",)


@pytest.mark.skipif(RUNNING not in BYTECODE, reason=f"the layout of Python {RUNNING} is not known")
def test_code_of_the_running_python_is_recognised() -> None:
    def function(model: object, *names: str, limit: int = 3) -> object:
        with open(names[0], "rb") as stream:  # noqa: PTH123
            for name in names[:limit]:
                try:
                    yield [stream.read(len(name)) for _ in range(3) if model is not None]
                except OSError as error:
                    raise ValueError(name) from error

    assert RUNNING in read(marshal.dumps(function.__code__)).writers


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "lambda: is no marshalled code of any known Python"),
        (b"N", "lambda: is no marshalled code of any known Python"),
        (b"c" + b"\xff" * 100, "lambda: is no marshalled code of any known Python"),
        (b"(\x01\x00\x00\x00" * 100, "lambda: depth of values 61 is over the limit of 60"),
        (b"(\xff\xff\xff\x7f", "lambda: is no marshalled code of any known Python"),
    ],
    ids=["empty", "no code", "negative counts", "deep", "huge tuple"],
)
def test_other_data_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        read(data)

    assert str(caught.value) == message


@pytest.mark.parametrize("line", BYTECODE)
def test_code_cut_at_any_byte_is_refused(line: str) -> None:
    data = code_of(line, "lambda x: (lambda z: z + x)(1)")

    for end in range(len(data)):
        with pytest.raises(ArtifactError):
            read(data[:end])


@given(st.sampled_from(SAMPLES), st.data())
def test_changed_code_gives_lines_or_an_artifact_error(data: bytes, draw: st.DataObject) -> None:
    position = draw.draw(st.integers(0, len(data) - 1))
    replacement = draw.draw(st.binary(max_size=4))
    with suppress(ArtifactError):
        read(data[:position] + replacement + data[position + 1 :])
