"""Which pip-tools resolves for a Python line."""

from __future__ import annotations

from dataclasses import dataclass

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits


@dataclass(frozen=True, slots=True, kw_only=True)
class PipToolsPair:
    """A pip-tools and the pip that it works with."""

    pip_tools: str
    """``name==version``, as is the other."""

    pip: str


def find_pip_tools(python: str) -> PipToolsPair | None:
    """The pair for a Python line, such as ``3.7``; ``None`` where no pip-tools serves."""
    for row in read_toml("pip_tools.toml")["pair"]:
        if admits(row["python"], python):
            return PipToolsPair(pip_tools=f"pip-tools=={row['pip_tools']}", pip=f"pip=={row['pip']}")
    return None
