"""What every command offers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from typing import NamedTuple, Protocol

from envlock.reporter import Reporter


class Command(Protocol):
    """Parses its own arguments, makes one call into the library, renders, and returns an exit code.

    What it needs of the library is imported when it runs: help must not wait for it.
    """

    name: str
    summary: str
    """One line for the overview of commands."""

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Carry the command out: data to standard output, everything else to *reporter*."""


class CommandGroup(NamedTuple):
    """Commands that stand together under one name, such as ``envlock db show``."""

    name: str
    summary: str
    commands: tuple[Command, ...]


class Level(NamedTuple):
    """One word of the name of a command, such as ``db`` of ``db show``."""

    name: str
    siblings: Collection[str]
    """The names of all commands that can stand there."""
