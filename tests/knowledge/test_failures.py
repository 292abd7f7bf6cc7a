"""Errors are recognised by their text, and environments by what is installed in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.knowledge.consistency import find_problems
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.failures import all_failures, failure, failures_of, needle_of, recognise
from tests.table_copies import use_copy_of_tables

CASES = Path(__file__).parents[1] / "cases" / "tracebacks"
"""Excerpts of public reports: ``<failure>.<report>.txt``, their address in the first line; ``none`` is of no failure."""


def read_case(path: Path) -> str:
    address, text = path.read_text(encoding="utf-8").split("\n", 1)
    assert address.startswith("# https://")
    return text


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_a_report_is_recognised_for_what_it_is(path: Path) -> None:
    expected = path.name.partition(".")[0]

    found = [recognition.failure.id for recognition in recognise(read_case(path))]

    assert found[:1] == ([] if expected == "none" else [expected])


def test_what_an_error_names_is_told() -> None:
    text = "ValueError: You are trying to load a weight file containing 10 layers into a model with 9 layers.\n"

    (recognition,) = recognise(text)

    assert recognition.failure is failure("layer-count")
    assert recognition.line == text.strip()
    assert recognition.groups == {"found": "10", "expected": "9"}


def test_a_name_that_a_lambda_layer_of_keras_3_lacks_is_told() -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "training.py", line 9, in <lambda>\n'
        "NameError: Exception encountered when calling Lambda.call().\n\n"
        "name 'SCALE' is not defined\n\n"
        "Arguments received by Lambda.call():\n"
    )

    (recognition,) = recognise(text)

    assert recognition.failure is failure("lambda-globals")
    assert recognition.groups == {"name": "SCALE"}


def test_what_a_text_names_cannot_act_on_a_terminal() -> None:
    (recognition,) = recognise(
        "Unable to open file: File not found: filepath=\x1b[2J\u202e.keras. Please ensure the file is an accessible `.keras` zip file."
    )

    assert recognition.line.isprintable()
    assert recognition.groups == {"path": "\\x1b[2J\\u202e.keras"}


def test_the_cause_comes_before_what_many_causes_have_in_common_and_before_notices() -> None:
    text = """\
Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open shared object file
ImportError: /env/tensorflow_text/python/ops/_x.so: undefined symbol: _ZN10tensorflow6StatusE
"""

    assert [(item.failure.id, item.failure.rank) for item in recognise(text)] == [
        ("text-for-another-tensorflow", "cause"),
        ("addon-for-another-tensorflow", "general"),
        ("cuda-library-missing", "notice"),
    ]


def test_an_error_that_is_anybodys_needs_frames_that_fit_where_it_has_any() -> None:
    error = "AttributeError: 'str' object has no attribute 'decode'"
    frame = 'Traceback (most recent call last):\n  File "/env/{}/x.py", line 1, in f\n    y()\n'

    assert [item.failure.id for item in recognise(error)] == ["h5py-returns-str"]
    assert [item.failure.id for item in recognise(frame.format("keras") + error)] == ["h5py-returns-str"]
    assert recognise(frame.format("jwt") + error) == ()


@pytest.mark.parametrize("text", ["", "\n", "\0", "\ud800", "x" * 100_000, "'" * 100_000])
def test_a_text_without_an_error_tells_nothing(text: str) -> None:
    assert recognise(text) == ()


def test_an_error_far_behind_is_found_and_one_before_the_end_of_what_is_read_is_not() -> None:
    error = "TypeError: Descriptors cannot not be created directly.\n"

    assert len(recognise("epoch\n" * 600_000 + error)) == 1
    assert recognise(error + "epoch\n" * 800_000) == ()


PATTERNS = sorted({pattern for row in read_toml("failures.toml")["failure"] for pattern in row["error"]})


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        pytest.param(
            r"Unknown layer: '?(?P<layer>\w+)\b", "Unknown layer: ", id="an optional character is not certain"
        ),
        pytest.param(r"eof = \d{1,20}, base = \d", ", base = ", id="a repeated class is left out"),
        pytest.param(r"model\.to_yaml\(\)", "model.to_yaml()", id="escaped characters are plain"),
        pytest.param(r"(ab(cd)|[ef()])ghi", "ghi", id="groups inside groups are left out"),
    ],
)
def test_the_needle_is_the_longest_text_that_is_certain(pattern: str, needle: str) -> None:
    assert needle_of(pattern) == needle


def hostile_texts(size: int) -> dict[str, str]:
    """Texts that lead every pattern as far as it goes, and no further, some hundred thousand times."""
    needles = [needle_of(pattern) for pattern in PATTERNS]
    return {
        "needles on one line": ("".join(needles) * (size // len("".join(needles)) + 1))[:size],
        "needles on lines": ("\n".join(needles) * (size // len("\n".join(needles)) + 1))[:size],
        "one word": "a" * size,
        "digits": "1" * size,
        "openings": "'({[" * (size // 4),
    }


@pytest.mark.parametrize("name", sorted(hostile_texts(1)))
def test_a_hostile_text_costs_no_more_than_its_length(name: str) -> None:
    """Four times the text may take four times as long; a quadratic search would take sixteen times."""
    short, long = (seconds_for(hostile_texts(size)[name]) for size in (250_000, 1_000_000))

    assert long < 8 * short + 0.05


def seconds_for(text: str) -> float:
    """Processor time, the least of three."""
    recognise("")
    taken = []
    for _ in range(3):
        started = time.process_time()
        recognise(text)
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.parametrize(
    ("installed", "python", "conflicts"),
    [
        pytest.param({"tensorflow-cpu": "2.15.1", "keras": "2.15.0", "numpy": "1.26.4", "protobuf": "4.25.3"}, "3.11", [], id="what goes together"),
        pytest.param({"tensorflow-cpu": "2.3.4", "h5py": "3.1.0", "numpy": "1.18.5", "protobuf": "3.20.3"}, "3.8", ["h5py-returns-str"], id="h5py 3 under TensorFlow 2.3"),
        pytest.param({"tensorflow-gpu": "2.10.1", "keras": "2.10.0", "numpy": "2.0.2"}, "3.10", ["numpy-2"], id="numpy 2 under TensorFlow 2.10"),
        pytest.param({"tensorflow": "2.6.0", "keras": "2.15.0", "protobuf": "4.24.4", "numpy": "1.24.4"}, "3.9", ["protobuf-descriptors", "numpy-aliases", "keras-newer-than-tensorflow"], id="today's releases under TensorFlow 2.6"),
        pytest.param({"tensorflow": "2.15.1", "keras": "3.6.0"}, "3.11", ["keras-3-beside-tensorflow-2.15"], id="Keras 3 beside TensorFlow 2.15"),
        pytest.param({"keras": "3.6.0"}, "3.11", ["keras-without-backend"], id="Keras alone"),
        pytest.param({"tensorflow-hub": "0.16.1", "tensorflow": "2.18.1"}, "3.12", ["pkg-resources"], id="a hub without setuptools"),
        pytest.param({}, "3.11", [], id="nothing"),
    ],
)  # fmt: skip
def test_releases_that_do_not_go_together_are_told(
    installed: dict[str, str], python: str, conflicts: list[str]
) -> None:
    versions = {name: Version(version) for name, version in installed.items()}

    assert [item.id for item in failures_of(versions, python) if item.is_conflict] == conflicts


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        pytest.param(
            "'_ARRAY_API not found'",
            "'_ARRAY_.+found'",
            "numpy-2: '_ARRAY_.+found': matches any number of nearly any character",
            id="a pattern without an end",
        ),
        pytest.param(
            "'_ARRAY_API not found'",
            r"'(_ARRAY|_API)\w+'",
            r"numpy-2: '(_ARRAY|_API)\\w+': there is no text by which to look for it",
            id="a pattern that begins anywhere",
        ),
        pytest.param(
            'stage = "import"', 'stage = "thinking"', "{first}: thinking is none of install, import, file, load, call, device", id="a stage that there is none of"
        ),
        pytest.param('value = "numpy<2"', 'value = "numpy<0.1"', "numpy-2: no release satisfies numpy<0.1", id="a fix that cannot be had"),
        pytest.param('numpy = ">=2"', 'numpy = "two"', "numpy-2: numpy two is no requirement", id="a condition that is none"),
        pytest.param('id = "numpy-aliases"', 'id = "numpy-2"', "numpy-2 stands there twice", id="two of one name"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_right_is_found(tmp_path: Path, before: str, after: str, problem: str) -> None:
    first = next(item.id for item in all_failures() if item.stage == "import")
    with use_copy_of_tables(tmp_path / "data") as folder:
        table = folder / "failures.toml"
        text = table.read_text(encoding="utf-8")
        assert before in text
        table.write_text(text.replace(before, after, 1), encoding="utf-8")

        told = [item.message for item in find_problems() if item.table == "failures.toml"]

    assert problem.format(first=first) in told
