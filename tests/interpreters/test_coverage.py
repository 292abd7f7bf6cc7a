"""Which TensorFlow an interpreter serves, and which Pythons are missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envlock.interpreters import Interpreter, Survey
from envlock.interpreters.coverage import cover, tensorflow_by_python
from envlock.target import LINUX_X86_64, MACOS_ARM64, PLATFORMS
from tests.interpreters.answers import interpreter

PYTHON_3_7 = interpreter("/opt/python3.7", "3.7.16")


def survey(*interpreters: Interpreter) -> Survey:
    return Survey(interpreters=interpreters, skipped=())


@pytest.mark.parametrize(
    ("system", "machine", "first", "last"),
    [
        ("linux", "x86_64", "1.13", "2.11"),
        ("linux", "aarch64", "2.10", "2.11"),
        ("darwin", "x86_64", "1.13", "2.11"),
        ("windows", "amd64", "1.13", "2.11"),
    ],
)
def test_an_interpreter_serves_what_has_wheels_for_its_own_platform(
    system: str, machine: str, first: str, last: str
) -> None:
    (covered,) = cover(survey(replace(PYTHON_3_7, system=system, machine=machine)), LINUX_X86_64).interpreters

    assert (covered.tensorflow[0], covered.tensorflow[-1]) == (first, last)


@pytest.mark.parametrize("changes", [{"machine": "riscv64"}, {"line": "3.0"}])
def test_an_interpreter_without_any_wheel_serves_nothing(changes: dict[str, str]) -> None:
    (covered,) = cover(survey(replace(PYTHON_3_7, **changes)), LINUX_X86_64).interpreters  # type: ignore[arg-type]

    assert covered.tensorflow == ()


def test_a_python_is_missing_where_tensorflow_has_wheels_for_it_and_it_is_not_here() -> None:
    missing = {item.line: item for item in cover(survey(PYTHON_3_7), LINUX_X86_64).missing}

    assert missing.keys() == tensorflow_by_python(LINUX_X86_64).keys() - {"3.7"}
    assert missing["3.8"].tensorflow == tensorflow_by_python(LINUX_X86_64)["3.8"]
    assert missing["3.8"].unserved == ("2.12", "2.13")
    assert missing["3.8"].command == "uv python install 3.8"


def test_the_newest_python_that_is_missing_comes_first() -> None:
    lines = [item.line for item in cover(survey(), LINUX_X86_64).missing]

    assert lines.index("3.10") < lines.index("3.9") < lines.index("2.7")


def test_nothing_is_missing_where_no_tensorflow_has_wheels() -> None:
    assert cover(survey(PYTHON_3_7), None).missing == ()


def test_every_platform_has_pythons_that_serve() -> None:
    assert all(tensorflow_by_python(platform) for platform in PLATFORMS)
    assert "3.7" not in tensorflow_by_python(MACOS_ARM64)
