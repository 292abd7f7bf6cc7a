"""Ranges of versions, as the tables write them."""

from __future__ import annotations

from functools import cache


@cache
def admits(specifier: str, version: str) -> bool:
    """Whether a PEP 440 specifier, such as ``>=2.4,<2.6``, admits *version*, pre-releases included."""
    # This import takes longer than most models take to read, and most models ask for no range.
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)
