"""Files that name a Python and nothing else: ``runtime.txt`` of platforms, ``.python-version`` of pyenv."""

from __future__ import annotations

from collections.abc import Iterator

from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.statements import python_statement


def read_python_file(file: ProjectFile) -> Iterator[Statement]:
    """The Python of the first line that names one; of an environment that pyenv names, nothing."""
    for number, line in enumerate(file.text.split("\n"), start=1):
        version = line.partition("#")[0].strip().removeprefix("python").lstrip("-")
        if version[:1].isdigit():
            yield python_statement(version, Place(file.path, number))
            return
