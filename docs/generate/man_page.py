"""Rewrite ``docs/man/envlock.1``: the manual page, its commands and options from the parser.

python docs/generate/man_page.py
"""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from envlock.cli import whole_parser
from envlock.cli.parsers import all_parsers

PAGE = Path(__file__).parents[1] / "man" / "envlock.1"

_COMMON = frozenset({"help", "json", "quiet", "verbose"})
"""Options of all commands, which are told once."""

_HEAD = r"""
.\" Written by docs/generate/man_page.py.
.TH ENVLOCK 1 "" envlock "User Commands"
.nh
.SH NAME
envlock \- from a saved TensorFlow or Keras model to an environment in which it loads
.SH SYNOPSIS
.B envlock
.I COMMAND
.RI [ OPTION ]...
.RI [ ARGUMENT ]...
.SH DESCRIPTION
envlock reads a saved TensorFlow or Keras model without importing TensorFlow, finds the releases that load it, locks
every distribution that they need with its hashes, makes a virtual environment from that lock, and proves it by loading
the model there.
Nothing that envlock did not make is overwritten.
.SH COMMANDS
""".lstrip()

_COMMON_HEADING = """\
.SH COMMON OPTIONS
Every command takes these.
"""

_TAIL = r"""
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Asked, and answered no: nothing loads the model, no environment could be made, a lock is stale, numbers differ.
.TP
.B 2
Wrong usage, unreadable or damaged input, no network, no space.
.TP
.B 128+\fIn\fP
Ended by signal \fIn\fP; what was half made is removed.
.SH ENVIRONMENT
.TP
.BI ENVLOCK_ OPTION
The value of an option for all commands that have it, such as
.B ENVLOCK_ENGINE=offline
for
.BR "\-\-engine offline" .
.TP
.BI ENVLOCK_ COMMAND _ OPTION
The value of an option for one command, such as
.BR ENVLOCK_FROM_MODEL_VENV=env .
.TP
.B ENVLOCK_CONFIG
The file with options, in place of the search for one.
.TP
.B ENVLOCK_PYTHONS
Paths of interpreters or of folders with some, separated as in
.BR PATH ,
in place of the search for Pythons.
.TP
.B NO_COLOR
Nothing is coloured where it is set.
.SH FILES
.TP
.BR envlock.toml ", " pyproject.toml
Options of the project, the latter in
.BR [tool.envlock] .
The nearest of them from the working directory upwards counts, not above the home folder or a repository.
The command line comes first, then variables, then the file.
A file cannot decide what runs code, names what is installed, or reaches out of its folder.
.SH EXAMPLES
.TP
Make an environment for a model:
.B envlock from\-model model.h5
.TP
Say what wrote it, and which releases load it:
.B envlock explain model.h5
.TP
Find out why it does not load:
.B envlock diagnose model.h5 \-\-venv .venv \-\-run
.TP
Check a lock in a pipeline:
.B envlock from\-model model.h5 \-\-check
.SH SEE ALSO
.BR uv (1),
.BR pip (1),
.BR virtualenv (1)
""".lstrip()


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """The page, commands in the order of the overview."""
    commands = [parser for parser in all_parsers(whole_parser()) if parser.get_default("command") is not None]
    parts = [_HEAD, *("".join(_command(parser)) for parser in commands)]
    common = [action for action in commands[0]._actions if action.dest in _COMMON]
    return "".join([*parts, _COMMON_HEADING, *map(_argument, common), _TAIL])


def _command(parser: ArgumentParser) -> Iterator[str]:
    positionals = [action for action in parser._actions if not action.option_strings]
    synopsis = " ".join([rf"\fB{_escaped(parser.prog)}\fP", "[OPTION]...", *map(_placeholder, positionals)])
    yield f".SS {synopsis}\n{_escaped(parser.description or '')}\n"
    for group in parser._action_groups:
        own = [action for action in group._group_actions if action.dest not in _COMMON]
        if own and group.title not in {"options", "positional arguments"}:
            yield f".PP\n.I {_escaped(group.title or '')}\n"
        yield from map(_argument, own)


def _placeholder(action: Action) -> str:
    several = "..." if action.nargs in {"+", "*"} else ""
    shown = rf"\fI{_escaped(str(action.metavar))}\fP{several}"
    return f"[{shown}]" if action.nargs in {"?", "*"} else shown


def _argument(action: Action) -> str:
    # The help is formatted as argparse would: it may hold %(default)s and %%.
    explained = (action.help or "") % vars(action)
    return f".TP\n{_heading(action)}\n{_escaped(explained)}\n"


def _heading(action: Action) -> str:
    if not action.option_strings:
        return _placeholder(action)
    names = ", ".join(rf"\fB{_escaped(option)}\fP" for option in action.option_strings)
    if action.nargs == 0:
        return names
    choices = ",".join(map(str, action.choices or []))
    value = rf"\fI{_escaped(str(action.metavar or f'{{{choices}}}'))}\fP"
    return f"{names} [{value}]" if action.nargs == "?" else f"{names} {value}"


def _escaped(text: str) -> str:
    r"""*text* as roff reads it: no ``-`` becomes a typographic hyphen, and no line is taken for a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    main()
