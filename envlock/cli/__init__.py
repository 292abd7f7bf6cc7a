"""The command line: parse, call, render, exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from argparse import ArgumentParser, HelpFormatter, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from errno import EBADF
from functools import partial
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from envlock.cli.interface import Command, CommandGroup, Level
from envlock.cli.progress import choose_reporter
from envlock.errors import ArtifactError, EnvlockError, UsageError
from envlock.version import __version__

if TYPE_CHECKING:
    from types import FrameType

    from envlock.cli.configuration import Followed


def _make(module: str, maker: str) -> Command | CommandGroup:
    command: Command | CommandGroup = getattr(import_module(f"envlock.cli.{module}"), maker)()
    return command


COMMANDS: Mapping[str, Callable[[], Command | CommandGroup]] = {
    "from-model": partial(_make, "from_model", "FromModel"),
    "inspect": partial(_make, "inspect", "Inspect"),
    "explain": partial(_make, "explain", "Explain"),
    "verify": partial(_make, "verify", "Verify"),
    "stamp": partial(_make, "stamp", "Stamp"),
    "diagnose": partial(_make, "diagnose", "Diagnose"),
    "docker": partial(_make, "docker", "Docker"),
    "from-project": partial(_make, "from_project", "FromProject"),
    "fetch": partial(_make, "fetch", "Fetch"),
    "interpreters": partial(_make, "interpreters", "Interpreters"),
    "db": partial(_make, "database", "database_commands"),
    "completion": partial(_make, "completion", "CompletionCommand"),
}
"""How each command is had by its name: one must not wait for what the others import."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; without *argv*, what was typed, as all that the process is for.

    After an interruption, and after SIGTERM and SIGHUP, it is 128 and the number of the signal, as shells expect it.
    """
    words = sys.argv[1:] if argv is None else argv
    if sys.stderr is None:
        # So Python starts where the descriptor is closed: there is nobody to tell.
        sys.stderr = StringIO()
    output = _StandardOutput(sys.stdout)
    try:
        with (
            _rare_garbage_collection(is_whole_process=argv is None),
            _ending_signals_raised(),
            redirect_stdout(cast("TextIO", output)),
        ):
            try:
                return _run(words)
            finally:
                output.flush()
    except _OutputError as error:
        return _fail_to_print(error, output)
    except KeyboardInterrupt as interruption:
        _complain("envlock: interrupted\n")
        return 128 + getattr(interruption, "signal_number", signal.SIGINT)


def _run(words: Sequence[str]) -> int:
    try:
        arguments = _parser(words).parse_args(words, Namespace(words=tuple(words)))
    except _WrongCallError as error:
        return _refuse(error, is_json="--json" in words)
    command: Command = arguments.command
    followed: Sequence[Followed] = ()
    try:
        followed = arguments.open_options.settle(arguments, os.environ)
        reporter = choose_reporter(quiet=arguments.quiet, verbose=arguments.verbose)
        if arguments.verbose:
            for place in followed:
                reporter.note(str(place))
        return command.run(arguments, reporter)
    except EnvlockError as error:
        exit_code = _fail(error, arguments)
        if isinstance(error, UsageError) and not arguments.verbose:
            # Not all that contradicts itself was typed.
            _complain("".join(f"envlock: {place}\n" for place in followed if place.options))
        return exit_code
    except _OutputError:
        raise
    except Exception as error:  # noqa: BLE001 - the last net: whatever it is, nobody is shown a traceback unasked
        if arguments.verbose:
            from traceback import format_exc

            _complain(format_exc())
        return _fail(InternalError(error), arguments)


# --- arguments -----------------------------------------------------------------------------------------------


class _WrongCallError(UsageError):
    """The parser cannot make sense of the arguments."""

    def __init__(self, message: str, *, usage: str, program: str) -> None:
        super().__init__(message, hint=f"{program} --help explains the arguments")
        self.usage, self.program = usage, program


class _Parser(ArgumentParser):
    """Raises where its parent would end the process: what is printed depends on the other arguments."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_any_formatter, **options)

    def format_help(self) -> str:
        self.formatter_class = HelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        self.formatter_class = HelpFormatter
        return super().format_usage()

    def error(self, message: str) -> NoReturn:
        raise _WrongCallError(message, usage=self.format_usage(), program=self.prog)


def _any_formatter(prog: str) -> HelpFormatter:
    """For the checks of arguments as they are added. Only what is printed needs the width of the terminal.

    Finding that out takes an import that is longer than all of the parsing.
    """
    return HelpFormatter(prog, width=1000)


def whole_parser() -> ArgumentParser:
    """The parser of all commands with all their arguments, for what describes them."""
    return _make_parser(COMMANDS, lambda _: True)


def _parser(words: Sequence[str]) -> ArgumentParser:
    # Where the first word names a command, nothing will be said of the others. A command that no word names stands in
    # the overview alone, which must not wait for what its arguments are made of.
    asked = [name for name in words[:1] if name in COMMANDS]
    return _make_parser(asked or COMMANDS, words.__contains__)


def _make_parser(names: Iterable[str], is_described: Callable[[str], bool]) -> ArgumentParser:
    parser = _Parser(
        prog="envlock",
        description="From a saved TensorFlow or Keras model to an environment in which it loads.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"envlock {__version__}")
    _add_commands(parser, (COMMANDS[name]() for name in names), is_described, path=(), siblings=tuple(COMMANDS))
    return parser


def _add_commands(
    parser: ArgumentParser,
    commands: Iterable[Command | CommandGroup],
    is_described: Callable[[str], bool],
    *,
    path: tuple[Level, ...],
    siblings: tuple[str, ...],
) -> None:
    """Add *commands*, which stand among *siblings* below *path*, and arguments to those for which *is_described*."""
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        subparser = subparsers.add_parser(
            command.name, help=command.summary, description=command.summary, allow_abbrev=False
        )
        here = (*path, Level(command.name, siblings))
        if isinstance(command, CommandGroup):
            names = tuple(member.name for member in command.commands)
            _add_commands(subparser, command.commands, is_described, path=here, siblings=names)
            continue
        if not is_described(command.name):
            continue
        from envlock.cli.configuration import OpenOptions

        command.configure(subparser)
        subparser.add_argument("--json", action="store_true", help="print one JSON document with a schema")
        subparser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes")
        subparser.add_argument("-v", "--verbose", action="store_true", help="say each step with its time")
        open_options = OpenOptions(subparser, here, all_names=_all_long_names)
        subparser.set_defaults(command=command, open_options=open_options)


def _all_long_names() -> set[str]:
    from envlock.cli.parsers import all_parsers, long_options

    return {name for parser in all_parsers(whole_parser()) for name, _ in long_options(parser)}


# --- errors --------------------------------------------------------------------------------------------------


class InternalError(EnvlockError):
    """A fault of envlock itself."""

    reference = "internal-error"
    hint = "this is a fault of envlock: please report it, with what the same command prints with -v"

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        from envlock.formats.text import one_line

        return one_line(f"internal error: {type(self.error).__name__}: {self.error}")


def _fail(error: EnvlockError, arguments: Namespace) -> int:
    from envlock.cli.rendering import render_error

    path = getattr(arguments, "path", None) if isinstance(error, ArtifactError) else None
    if arguments.json:
        from envlock.cli.documents import error_document, write_document

        write_document(error_document(error, path=path))
    _complain(render_error(error, path=path))
    return error.exit_code


def _refuse(error: _WrongCallError, *, is_json: bool) -> int:
    from envlock.formats.text import printable

    if is_json:
        from envlock.cli.documents import error_document, write_document

        write_document(error_document(error, path=None))
    message = str(error)
    _complain(f"{error.usage}{error.program}: error: {printable(message, limit=len(message))}\n")
    return error.exit_code


def _complain(text: str) -> None:
    """Write to standard error; where that is gone too, only the exit code is left to tell."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


# --- standard output -----------------------------------------------------------------------------------------


class _OutputError(Exception):
    """Standard output takes no more."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


class _StandardOutput:
    """Standard output, whose errors are told apart from those of files."""

    def __init__(self, stream: TextIO | None) -> None:
        # Python has none where its descriptor was closed before it started.
        self._stream = stream

    def write(self, text: str) -> int:
        with _output_errors():
            if self._stream is None:
                raise OSError(EBADF, os.strerror(EBADF))
            return self._stream.write(text)

    def flush(self) -> None:
        if self._stream is not None:
            with _output_errors():
                self._stream.flush()

    def give_up(self) -> None:
        """Drop what is still to be written: Python would complain about it once more at exit."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def _output_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _OutputError(error) from error


def _fail_to_print(error: _OutputError, output: _StandardOutput) -> int:
    output.give_up()
    if isinstance(error.reason, BrokenPipeError):
        # Whoever read it has seen enough, as with `| head`.
        return 0
    _complain(f"envlock: standard output: {error.reason.strerror or error.reason} [cannot-write]\n")
    return 2


# --- garbage collection --------------------------------------------------------------------------------------

_ALLOCATIONS_BETWEEN_COLLECTIONS = 200_000
"""More than what most commands allocate in all: modules, tables and verdicts take half of it."""


@contextmanager
def _rare_garbage_collection(*, is_whole_process: bool) -> Iterator[None]:
    """Within the block, garbage is not looked for among modules and tables while these are being loaded.

    There is none, and going through them over and over takes a tenth of the time of a short command. Where that is the
    whole process, Python does not go through them once more as it ends.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        if is_whole_process:
            gc.freeze()
        gc.set_threshold(*usual)


# --- signals -------------------------------------------------------------------------------------------------


class _Ended(KeyboardInterrupt):
    """A signal asks envlock to end: what is half made is removed on the way out, as after Ctrl-C."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _ending_signals_raised() -> Iterator[None]:
    """Within the block, the first signal that asks to end raises; more of them do not disturb the way out."""
    # What is ignored stays so: nohup wants its command to outlive SIGHUP.
    handled = [number for number in _ENDING_SIGNALS if signal.getsignal(number) == signal.SIG_DFL]

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        _handle(handled, signal.SIG_IGN)
        raise _Ended(number)

    try:
        _handle(handled, end)
        yield
    finally:
        _handle(handled, signal.SIG_DFL)


def _handle(numbers: Iterable[int], handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    # Python refuses it in all threads but the main one; there, whoever calls handles signals.
    with suppress(ValueError):
        for number in numbers:
            signal.signal(number, handler)
