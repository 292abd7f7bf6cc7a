"""A traceback is found in whatever it was wrapped in on its way."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable

import pytest

from envlock.diagnosis.traceback_text import LARGEST_TRACEBACK, Frame, parse_traceback, read_traceback

PLAIN = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    model = load_model("model.h5")
  File "/usr/lib/python3.7/site-packages/tensorflow_core/python/keras/saving/hdf5_format.py", line 166, in load_model_from_hdf5
    model_config = json.loads(model_config.decode('utf-8'))
AttributeError: 'str' object has no attribute 'decode'
"""
ERROR = "AttributeError: 'str' object has no attribute 'decode'"
FILE = "/usr/lib/python3.7/site-packages/tensorflow_core/python/keras/saving/hdf5_format.py"
FRAMES = (Frame("train.py", 3, "<module>"), Frame(FILE, 166, "load_model_from_hdf5"))


def each_line(change: Callable[[str], str]) -> bytes:
    return "".join(f"{change(line)}\n" for line in PLAIN.splitlines()).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN.encode(), id="plain"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), id="line ends of Windows"),
        pytest.param(PLAIN.encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode("utf-16"), id="UTF-16 of PowerShell"),
        pytest.param(b"\xfe\xff" + PLAIN.encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(PLAIN.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(each_line(lambda line: f"> {line}"), id="quoted mail"),
        pytest.param(each_line(lambda line: f">> {line}"), id="quoted twice"),
        pytest.param(each_line(lambda line: f"2021-05-04T12:00:00.1234567Z {line}"), id="log of a CI system"),
        pytest.param(each_line(lambda line: f"\x1b[31m{line}\x1b[0m"), id="colours of a terminal"),
        pytest.param(each_line(lambda line: f"[0;31m{line}[0m"), id="colours without the escape character"),
        pytest.param(
            each_line(lambda line: line.replace("<", "&lt;").replace("'", "&#39;")), id="source of a web page"
        ),
        pytest.param(each_line(lambda line: f"│ {line:<150} │"), id="box"),
        pytest.param(b">>> load_model('model.h5')\n" + PLAIN.encode() + b">>> \n", id="prompts"),
        pytest.param(b"\xff\x80 caf\xe9\n" + PLAIN.encode() + b"\x80", id="another encoding around it"),
    ],
)
def test_its_error_frames_and_origin_are_found(content: bytes) -> None:
    found = read_traceback(io.BytesIO(content))

    assert (found.error, found.frames, found.python) == (ERROR, FRAMES, "3.7")
    assert found.origin == {"tensorflow": ("1.15", "2.0", "2.1")}


IPYTHON_7 = f"""\
---------------------------------------------------------------------------
AttributeError                            Traceback (most recent call last)
<ipython-input-3-e0a7> in <module>()
----> 1 load_model("model.h5")

{FILE} in load_model_from_hdf5(filepath, custom_objects, compile)
    165       raise ValueError('No model found in config file.')
--> 166     model_config = json.loads(model_config.decode('utf-8'))
    167     model = model_config_lib.model_from_config(model_config)

{ERROR}
"""
IPYTHON_8 = f"""\
Cell In[3], line 1
----> 1 load_model("model.h5")

File {FILE}:166, in load_model_from_hdf5(filepath, custom_objects, compile)
    164 if model_config is None:
--> 166     model_config = json.loads(model_config.decode('utf-8'))

{ERROR}
"""
RICH = f"""\
╭──────────────────── Traceback (most recent call last) ────────────────────╮
│ {FILE}:166 in load_model_from_hdf5                                        │
│ ❱ 166     model_config = json.loads(model_config.decode('utf-8'))         │
╰───────────────────────────────────────────────────────────────────────────╯
{ERROR}
"""


def notebook(text: str) -> str:
    output = {"output_type": "error", "ename": "AttributeError", "traceback": [text.replace("File", "\x1b[0mFile")]}
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown"}, {"outputs": [output, {"text": ["4\n"]}]}]})


@pytest.mark.parametrize(
    "text", [IPYTHON_7, IPYTHON_8, RICH, notebook(IPYTHON_7), notebook(IPYTHON_8)], ids=lambda text: text[:12]
)
def test_the_listings_of_ipython_and_rich_are_read(text: str) -> None:
    found = parse_traceback(text)

    assert (found.error, found.python) == (ERROR, "3.7")
    assert Frame(FILE, 166, "load_model_from_hdf5") in found.frames
    assert found.origin == {"tensorflow": ("1.15", "2.0", "2.1")}


@pytest.mark.parametrize(
    ("path", "function", "line", "origin"),
    [
        ("keras/engine/saving.py", "load_model", 419, {"keras": ("2.2",)}),
        ("keras/saving/hdf5_format.py", "load_model_from_hdf5", 200, {"keras": ("2.6", "2.7", "2.8", "2.9", "2.10")}),
        ("keras/src/saving/serialization_lib.py", "deserialize_keras_object", 777, {"keras": ("3.15",)}),
        ("tf_keras/src/optimizers/adam.py", "build", 150, {}),
        ("torch/serialization.py", "load", 1, {}),
        ("keras/src/saving/saving_api.py", "load_model", 99_999, {}),
    ],
)
def test_a_frame_tells_the_releases_that_have_that_function_there(
    path: str, function: str, line: int, origin: dict[str, tuple[str, ...]]
) -> None:
    found = parse_traceback(f'  File "C:\\conda\\Lib\\site-packages\\{path}", line {line}, in {function}\n')

    assert found.origin == origin


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ValueError: Unknown layer: Scale", "ValueError: Unknown layer: Scale"),
        (
            "tensorflow.python.framework.errors_impl.NotFoundError: x",
            "tensorflow.python.framework.errors_impl.NotFoundError: x",
        ),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("Illegal instruction (core dumped)", "Illegal instruction (core dumped)"),
        ("Fatal Python error: Aborted", "Fatal Python error: Aborted"),
        ("    raise ValueError(message)", ""),
        ("it says an Error: no idea", ""),
        ("ValueError: \x07\u202eevil", "ValueError: \\x07\\u202eevil"),
        ("", ""),
    ],
)
def test_the_line_of_the_error_is_told_from_others(line: str, error: str) -> None:
    assert parse_traceback(f"some output\n{line}\nmore of it\n").error == error


def test_the_last_of_several_errors_counts() -> None:
    chained = "KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nValueError: b\n"

    assert parse_traceback(chained).error == "ValueError: b"


def test_of_a_long_log_the_end_counts() -> None:
    line = "epoch 1: ValueError: at the start\n".encode("utf-16-le")
    content = b"\xff\xfe" + line * (5 * LARGEST_TRACEBACK // len(line)) + PLAIN.encode("utf-16-le")

    found = read_traceback(io.BytesIO(content))

    assert (found.error, found.frames) == (ERROR, FRAMES)
    assert len(found.text) <= LARGEST_TRACEBACK // 2


@pytest.mark.parametrize(
    "text",
    ['{"cells": [', '{"cells": 3}', '{"cells": [{"outputs": [3, {"text": [4]}]}]}', "[" * 5000 + '"cells"'],
    ids=["cut off", "no list", "no text", "deep"],
)
def test_what_only_looks_like_a_notebook_is_taken_as_text(text: str) -> None:
    assert parse_traceback(text).error == ""


@pytest.mark.parametrize(
    "piece",
    [
        " \t",
        "> ",
        "Error",
        "a.",
        f"{'x' * 400}.py in ",
        "\x1b[",
        '  File "',
        "-",
        "[0;",
        "In [",
        "/python",
        ">>>\n",
        "&lt;",
    ],
)
def test_hostile_text_takes_time_by_its_length(piece: str) -> None:
    def measure(size: int) -> float:
        text = piece * (size // len(piece))
        started = time.process_time()
        parse_traceback(text)
        return time.process_time() - started

    # Eight times the text may take eight times as long, and not sixty-four.
    assert measure(800_000) < 24 * max(measure(100_000), 0.005)
