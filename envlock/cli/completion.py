"""``envlock completion``: the script that lets a shell complete commands, options, choices and files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, NamedTuple

from envlock.reporter import Reporter

if TYPE_CHECKING:
    from envlock.cli.documents import Document

_SHELLS = ("bash", "zsh", "fish")

_FILES = {"FILE", "PATH", "EXE"}
_FOLDERS = {"DIR"}
_EITHER = {"VENV"}
"""What arguments that name something on disk are called in the help."""


class Completion(NamedTuple):
    """What a shell needs to complete calls of envlock."""

    shell: str
    script: str


class CompletionCommand:
    """Prints the script, made from the parser as it is."""

    name = "completion"
    summary = "Print the script that completes commands, options and files in a shell."

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command to *parser*."""
        parser.add_argument(
            "shell", metavar="SHELL", choices=_SHELLS, help=f"{', '.join(_SHELLS[:-1])} or {_SHELLS[-1]}"
        )

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print the script."""
        del reporter
        from envlock.cli.output import print_result

        print_result(_complete(arguments.shell), arguments, render=lambda result: result.script, document=_document)
        return 0


def _complete(shell: str) -> Completion:
    import shtab

    from envlock.cli import whole_parser
    from envlock.cli.parsers import all_parsers

    parser = whole_parser()
    for member in all_parsers(parser):
        for action in member._actions:
            if action.metavar in _FILES | _EITHER:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar in _FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return Completion(shell, shtab.complete(parser, shell))


def _document(completion: Completion) -> Document:
    """``envlock/completion/1``."""
    return {"schema": "envlock/completion/1", **completion._asdict()}
