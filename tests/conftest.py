"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from envlock.interpreters import SEARCH_VARIABLE, Interpreter, find_interpreters, survey_interpreters

REQUIRE_VARIABLE = "ENVLOCK_REQUIRE_INTERPRETERS"
"""Set to 1 where a missing interpreter is to fail the tests that need it, instead of skipping them."""


@cache
def _interpreters_at_hand() -> dict[str, Interpreter]:
    """The newest interpreter of each line."""
    return {interpreter.line: interpreter for interpreter in reversed(find_interpreters())}


@pytest.fixture
def require_interpreter() -> Callable[[str], Interpreter]:
    """Gives the interpreter of a line, or ends the test."""

    def require(line: str) -> Interpreter:
        interpreter = _interpreters_at_hand().get(line)
        if interpreter is None and os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"Python {line} is not on this machine, and {REQUIRE_VARIABLE} is set")
        if interpreter is None:
            pytest.skip(f"Python {line} is not on this machine")
        return interpreter

    return require


@pytest.fixture
def own_interpreter(monkeypatch: pytest.MonkeyPatch) -> Interpreter:
    """The interpreter that runs the tests, or the one that its virtual environment is based on."""
    with monkeypatch.context() as patch:
        patch.setenv(SEARCH_VARIABLE, sys.executable)
        (interpreter,) = survey_interpreters().interpreters
    return interpreter


@pytest.fixture
def write_program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes an executable shell script under a name relative to the test's folder."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write
