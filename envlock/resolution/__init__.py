"""Resolvers: what is asked for to every distribution with its hashes."""

from collections.abc import Iterable
from importlib import import_module

from envlock.resolution.interface import (
    ConflictError,
    Pin,
    PinnedFile,
    Resolution,
    Resolver,
    UnservedTargetError,
)

# Imported when they are asked for: the command line lists their names before it knows what is wanted.
_RESOLVERS = (
    ("offline", "envlock.resolution.offline", "OfflineResolver"),
    ("uv", "envlock.resolution.uv", "UvResolver"),
    ("pip-tools", "envlock.resolution.pip_tools", "PipToolsResolver"),
)

ENGINES: tuple[str, ...] = tuple(name for name, *_ in _RESOLVERS)
"""Names of all resolvers."""

DEFAULT_ENGINES = ("offline", "uv")
"""Names of those that are asked, in that order, unless one is named."""


def resolvers_of(names: Iterable[str] = DEFAULT_ENGINES) -> tuple[Resolver, ...]:
    """The resolvers of these names, in the order of :data:`ENGINES`."""
    wanted = frozenset(names)
    return tuple(getattr(import_module(module), kind)() for name, module, kind in _RESOLVERS if name in wanted)


__all__ = [
    "DEFAULT_ENGINES",
    "ENGINES",
    "ConflictError",
    "Pin",
    "PinnedFile",
    "Resolution",
    "Resolver",
    "UnservedTargetError",
    "resolvers_of",
]
