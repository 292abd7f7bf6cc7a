"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.interpreters import SEARCH_VARIABLE, Interpreter, find_interpreters, survey_interpreters
from envlock.pipeline.from_model import from_model
from envlock.pipeline.request import Request
from envlock.target import LINUX_X86_64
from envlock.writers import WRITERS
from tests.stand_ins import Notes, StandIn
from tests.world import World, make_world

# How long an example takes is no property of it: the machine may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

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
def request_to(tmp_path: Path) -> Any:
    """A request for a lock alone, of one candidate unless something else is wished."""

    def make(*resolvers: StandIn, **fields: Any) -> Request:
        usual: dict[str, Any] = {
            "artifact": Path(__file__).parent / "assets" / "example" / "model.h5",
            "platform": LINUX_X86_64,
            "resolvers": resolvers,
            "writer": WRITERS[0],
            "lock_path": tmp_path / "requirements.txt",
            "environment_path": None,
            "wishes": Wishes(tensorflow=SpecifierSet("==2.4.*"), prefer="saver"),
        }
        return Request(**(usual | fields))

    return make


@pytest.fixture
def locked(request_to: Any) -> Request:
    """A request whose lock is there, with an older pip than the newest."""
    request: Request = request_to(StandIn(releases={"pip": ["23.1"]}))
    from_model(request, Notes())
    return replace(request, resolvers=(StandIn(),))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_interpreter: Interpreter) -> World:
    """The main job with stand-ins for all that takes minutes."""
    folder = tmp_path / "project"
    folder.mkdir()
    return make_world(folder, monkeypatch, own_interpreter)


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
