"""The command line: parse, call, render, exit code."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from envlock import __version__
from envlock.cli.from_model import FromModel
from envlock.cli.inspect import Inspect
from envlock.cli.interface import Command
from envlock.cli.progress import choose_reporter
from envlock.errors import ArtifactError, EnvlockError

COMMANDS: tuple[Command, ...] = (FromModel(), Inspect())

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command.run(arguments, choose_reporter(quiet=arguments.quiet, verbose=arguments.verbose))
    except EnvlockError as error:
        return _fail(error, arguments)
    except KeyboardInterrupt:
        sys.stderr.write("envlock: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; Python would complain about it once more at exit.
        sys.stderr.close()
        return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="envlock",
        description="From a saved TensorFlow or Keras model to an environment in which it loads.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"envlock {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = commands.add_parser(
            command.name, help=command.summary, description=command.summary, allow_abbrev=False
        )
        command.configure(subparser)
        subparser.add_argument("--json", action="store_true", help="print one JSON document with a schema")
        subparser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes")
        subparser.add_argument("-v", "--verbose", action="store_true", help="say each step with its time")
        subparser.set_defaults(command=command)
    return parser


def _fail(error: EnvlockError, arguments: Namespace) -> int:
    from envlock.cli.rendering import render_error

    path = getattr(arguments, "path", None) if isinstance(error, ArtifactError) else None
    if arguments.json:
        from envlock.cli.documents import error_document, write_document

        write_document(error_document(error, path=path))
    sys.stderr.write(render_error(error, path=path))
    return error.exit_code
