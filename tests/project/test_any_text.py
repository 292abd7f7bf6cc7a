"""Whatever a file holds, reading it gives statements or says that it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envlock.project import read_project
from tests.project.projects import write_project

NAMES = [
    *(
        "requirements.txt",
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "Pipfile",
        "Pipfile.lock",
        "poetry.lock",
        "uv.lock",
    ),
    *("environment.yml", "Dockerfile", "runtime.txt", ".python-version", "tox.ini", ".travis.yml", "train.py"),
    *("train.ipynb", ".github/workflows/a.yml"),
]

WORDS = st.sampled_from(
    [
        *(
            "tensorflow",
            "==",
            ">=2.*",
            "^",
            "~=",
            "1.12",
            "[",
            "]",
            "{",
            "}",
            '"',
            "'",
            "\n",
            "\n  ",
            "- ",
            ": ",
            "=",
            "#",
            "\\\n",
        ),
        *(
            "dependencies",
            "install_requires",
            "setup(",
            ")",
            ",",
            "import ",
            "from ",
            "print ",
            "[project]",
            "[packages]",
            "[[package]]",
        ),
        *(
            "name",
            "version",
            "python",
            "-r ",
            "-c requirements.txt",
            "--hash=",
            " @ git+https://",
            "#egg=x",
            "FROM ",
            ":",
            "RUN pip install ",
        ),
        *(
            "tf.",
            "lambda",
            "*",
            "\0",
            "\ufeff",
            "\u202e",
            "if ",
            "def f():",
            "for ",
            "=",
            "${A}",
            "ARG A=",
            "&a ",
            "*a",
            "<<: ",
            "|",
            ">",
        ),
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map("".join))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(
    [
        *("cells", "worksheets", "metadata", "cell_type", "source", "input", "kernelspec", "language_info", "name"),
        *("version", "code", "default", "develop", "_meta", "requires", "python_version", "markers", "extras"),
        *("dependencies", "pip"),
    ]
)
DOCUMENTS = st.recursive(
    VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=15
)


def read(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        read_project(write_project(Path(folder), {name: content}))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(text=TEXTS)
def test_any_text_is_read_or_named(name: str, text: str) -> None:
    read(name, text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", ["train.ipynb", "Pipfile.lock", "environment.yml"])
@settings(max_examples=60)
@given(document=DOCUMENTS)
def test_any_document_is_read_or_named(name: str, document: object) -> None:
    read(name, json.dumps(document).encode())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_named(name: str, content: bytes) -> None:
    read(name, content)
