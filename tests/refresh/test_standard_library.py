"""Which modules come with each Python, from what the interpreters say."""

from __future__ import annotations

import sys
from pathlib import Path

import standard_library


def test_modules_of_other_systems_count_for_the_lines_that_declare_none() -> None:
    answers = [
        {"line": "3.8", "found": ["os"], "declared": []},
        {"line": "3.9", "found": ["graphlib", "os"], "declared": []},
        {"line": "3.10", "found": ["graphlib", "os"], "declared": ["graphlib", "os", "winreg"]},
        {"line": "3.11", "found": ["os", "tomllib"], "declared": ["os", "tomllib", "winreg"]},
    ]

    assert standard_library.modules_by_line(answers) == [
        {"os", "winreg"},
        {"graphlib", "os", "winreg"},
        {"graphlib", "os", "winreg"},
        {"os", "tomllib", "winreg"},
    ]


def test_an_interpreter_tells_its_line_and_its_modules() -> None:
    answer = standard_library.ask(Path(sys.executable))

    assert answer["line"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert {"json", "sys", "math"} <= {*answer["found"]}
    assert answer["declared"] == sorted(sys.stdlib_module_names)
