"""Families: distributions that provide the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.releases import Release, find_release, python_lines_of, releases_of_line, sort_lines


def family_of(distribution: str) -> str:
    """The name of the family of *distribution*: its own name where it stands alone."""
    for row in read_toml("families.toml")["family"]:
        if distribution in row["members"]:
            name: str = row["name"]
            return name
    return distribution


def members_of(family: str) -> tuple[str, ...]:
    """The distributions of a family; itself where it stands alone."""
    rows = (row["members"] for row in read_toml("families.toml")["family"] if row["name"] == family)
    return tuple(next(rows, [family]))


def member_for_cpu(family: str, version: Version, *, python: str, platform: str) -> Release | None:
    """The smallest member that has a wheel of *version* for a machine without accelerator."""
    for row in read_toml("families.toml")["family"]:
        if row["name"] == family:
            found = (find_release(member, version) for member in row["cpu"])
            fitting = (item for item in found if item is not None and item.supports(python, platform))
            return next(fitting, None)
    return None


@cache
def pythons_with_wheels(family: str, version: Version, platform: str) -> frozenset[str]:
    """The Python lines for which any member of *family* has a wheel of *version* on *platform*."""
    releases = (find_release(member, version) for member in members_of(family))
    return frozenset(line for item in releases if item is not None for line in python_lines_of(item, platform))


@cache
def platforms_by_python(family: str, line: str) -> Mapping[str, frozenset[str]]:
    """The Python lines for which any member has a wheel of a line of *family*, oldest first, and on which platforms."""
    releases = [release for member in members_of(family) for release in releases_of_line(member, line)]
    pythons = {
        (python, platform)
        for release in releases
        for platform in release.wheels
        for python in python_lines_of(release, platform)
    }
    return {
        python: frozenset(platform for one, platform in pythons if one == python)
        for python in sort_lines(python for python, _ in pythons)
    }
