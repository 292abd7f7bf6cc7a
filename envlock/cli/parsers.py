"""What a parser is made of, for what describes it or decides in its place."""

from __future__ import annotations

from argparse import Action, ArgumentParser, _HelpAction, _SubParsersAction, _VersionAction
from collections.abc import Iterator


def all_parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """*parser* and those of all its commands, in the order of the overview."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for subparser in action.choices.values():
                yield from all_parsers(subparser)


def long_options(parser: ArgumentParser) -> Iterator[tuple[str, Action]]:
    """The options of *parser* that have a value, by their long names without the dashes."""
    for action in parser._actions:
        if not isinstance(action, (_HelpAction, _VersionAction)):
            for option in action.option_strings:
                if option.startswith("--"):
                    yield option[2:], action
