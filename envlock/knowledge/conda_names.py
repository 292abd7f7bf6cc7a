"""What the packages of conda are called on the package index."""

from __future__ import annotations

import re
from functools import cache

from envlock.knowledge.datafiles import read_toml


def distribution_of_conda(name: str) -> str | None:
    """The distribution for a package of conda, in lower case; ``None`` for what is no distribution of Python."""
    table = read_toml("conda_names.toml")
    if _native().fullmatch(name):
        return None
    return next((row["distribution"] for row in table["renamed"] if name in row["names"]), name)


@cache
def _native() -> re.Pattern[str]:
    rows = read_toml("conda_names.toml")["native"]
    return re.compile("|".join(pattern for row in rows for pattern in row["names"]))
