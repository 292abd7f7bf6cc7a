"""Rewrite ``data/standard_library.json``: the modules that come with each Python.

    python data/refresh/standard_library.py PYTHON [PYTHON ...] [--data DIR] [--allow-fewer]

Each PYTHON is asked for what lies in its own folders; from 3.10 on it also declares the modules of other systems. The
first that declares them did not add any module to its predecessor: what it declares and the predecessor lacks belongs
to other systems, and is taken to be in all before.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from options import script_parser
from spans import spans_by_name
from tables import write_document

GENERATOR = "data/refresh/standard_library.py"
PROBE = Path(__file__).parent / "probes" / "list_standard_library.py"


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pythons", type=Path, nargs="+", metavar="PYTHON", help="an interpreter; one of each line")
    options = parser.parse_args()
    answers = [ask(python) for python in options.pythons]
    answers.sort(key=lambda answer: tuple(map(int, answer["line"].split("."))))
    write_document(
        options.data / "standard_library.json",
        {
            "lines": [answer["line"] for answer in answers],
            "modules": spans_by_name(dict(enumerate(modules_by_line(answers)))),
        },
        generator=GENERATOR,
        source="standard-library-modules",
        tables=("modules",),
        allow_fewer=options.allow_fewer,
    )


def ask(python: Path) -> dict[str, Any]:
    """What *python* says of itself."""
    command = [python, "-S", "-E", PROBE]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - a probe of our own
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def modules_by_line(answers: list[dict[str, Any]]) -> list[set[str]]:
    """The modules of each line, with those of other systems; *answers* are sorted by line."""
    first = next((number for number, answer in enumerate(answers) if answer["declared"]), 0)
    of_other_systems = set(answers[first]["declared"]) - set(answers[max(first - 1, 0)]["found"])
    return [set(answer["found"]) | (set(answer["declared"]) or of_other_systems) for answer in answers]


if __name__ == "__main__":
    main()
