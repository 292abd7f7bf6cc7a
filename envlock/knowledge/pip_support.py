"""Since when pip reads what a lock is made of, and which Pythons are left to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits


def least_pip_for(releases: Iterable[Iterable[str]]) -> Version:
    """The first pip that takes a file of each of *releases*, given as file names, and checks its hash.

    Which of the files fit the machine is not asked: they are those that a target may install.
    """
    hashes = Version(read_toml("pip.toml")["hashes"]["pip"])
    return max((min(map(_least_pip_for_file, names)) for names in releases), default=hashes)


def _least_pip_for_file(name: str) -> Version:
    # …-platform.whl, where platform is a set of tags joined by dots: any of them will do
    tags = name.removesuffix(".whl").rpartition("-")[2].split(".") if name.endswith(".whl") else ["any"]
    return min(map(_least_pip_for_tag, tags))


@cache
def _least_pip_for_tag(tag: str) -> Version:
    table = read_toml("pip.toml")
    row = next((row for row in table["platform"] if re.fullmatch(row["platform_tag"], tag)), table["hashes"])
    return Version(row["pip"])


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPython:
    """What serves a Python that uv and the virtualenv beside it do not serve any more."""

    virtualenv: str
    """The last one that makes environments of it, ``name==version``."""

    run_by: str
    """The oldest Python line that runs this virtualenv; not the one that environments are made of."""


def can_be_served(python: str) -> bool:
    """Whether an environment of a Python line, such as ``3.7``, can be made and filled by anything that is known."""
    return admits(read_toml("pip.toml")["uv"]["python"], python) or find_old_python(python) is not None


def find_old_python(python: str) -> OldPython | None:
    """What serves a Python line, such as ``2.7``; ``None`` where uv and the virtualenv of today do."""
    for row in read_toml("pip.toml")["old_python"]:
        if admits(row["python"], python):
            return OldPython(virtualenv=f"virtualenv=={row['virtualenv']}", run_by=row["run_by"])
    return None
