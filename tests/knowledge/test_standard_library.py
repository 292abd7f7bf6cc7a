"""What a Python brings by itself."""

from __future__ import annotations

import sys

import pytest

from envlock.knowledge.standard_library import is_in_standard_library


@pytest.mark.parametrize(
    ("module", "python", "is_there"),
    [
        ("json", "2.7", True),
        ("os.path", "3.13", True),
        ("cPickle", "2.7", True),
        ("cPickle", "3.6", False),
        ("dataclasses", "3.6", False),
        ("dataclasses", "3.7", True),
        ("distutils.core", "3.11", True),
        ("distutils.core", "3.12", False),
        ("winreg", "3.8", True),
        ("tomllib", "3.10", False),
        ("tomllib", "3.14", True),
        ("pathlib", "3.5", True),
        ("numpy", "3.11", False),
    ],
)
def test_a_module_is_in_the_standard_library_of_a_python(module: str, python: str, is_there: bool) -> None:
    assert is_in_standard_library(module, python) is is_there


def test_all_that_this_python_declares_is_there() -> None:
    line = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert [name for name in sys.stdlib_module_names if not is_in_standard_library(name, line)] == []
