"""What the command line leaves open: ``ENVLOCK_*`` variables decide it, then a file, then the defaults.

A file may have come with a folder of somebody else. It decides no more than `FROM_FILES` names, and no path outside of
its own folder.
"""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, ArgumentTypeError, Namespace, _AppendAction
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from envlock.cli.configuration_file import ConfigurationError, Entry, find_file
from envlock.cli.interface import Level
from envlock.cli.parsers import long_options

FROM_FILES = frozenset(
    {
        "conda",
        "copy",
        "deep",
        "dest",
        "devcontainer",
        "device",
        "engine",
        "format",
        "html",
        "json",
        "loader",
        "lock-only",
        "no-fetch",
        "no-loader",
        "no-model",
        "no-verify",
        "output",
        "prefer",
        "python-platform",
        "python-version",
        "quiet",
        "recursive",
        "requirement",
        "serve",
        "tensorflow",
        "venv",
        "verbose",
        "verify-again",
    }
)
"""The options that a file may decide: none has code run, names what is installed, or replaces what a person made."""

FILE_VARIABLE = "ENVLOCK_CONFIG"
"""Names the file in place of the search; an empty file stands for none."""

_TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

_TOML_TYPES = {
    bool: "a boolean",
    dict: "a table",
    float: "a float",
    int: "an integer",
    list: "an array",
    str: "a string",
}


class _Decision(NamedTuple):
    """The value of an option, and the words that give it that on the command line."""

    value: object
    words: tuple[str, ...] = ()


class Followed(NamedTuple):
    """A variable or a file that was followed."""

    place: str
    options: tuple[str, ...]
    """What it decided: nothing where something stronger did, or it speaks of other commands."""

    def __str__(self) -> str:
        return f"{self.place} decides {', '.join(self.options) or 'nothing here'}"


class OpenOptions:
    """The options of one command, which have no value until it is known who decides it."""

    def __init__(
        self, parser: ArgumentParser, command: Sequence[Level], all_names: Callable[[], Collection[str]]
    ) -> None:
        """Take the defaults off the options of *parser*; *all_names* tells the options of all commands."""
        self._command, self._all_names = command, all_names
        self._options = dict(long_options(parser))
        self._defaults = {action: action.default for action in self._options.values()}
        self._exclusive = [set(group._group_actions) for group in parser._mutually_exclusive_groups]
        for action in self._defaults:
            action.default = SUPPRESS

    def settle(self, arguments: Namespace, environment: Mapping[str, str]) -> list[Followed]:
        """Give all options that *arguments* lack their values, and tell the places that were followed.

        The words of *arguments* become those that would have said all of it.

        Raises:
            ConfigurationError: A variable or the file cannot be followed; the options have their defaults then.
        """
        decided = {action for action in self._defaults if hasattr(arguments, action.dest)}
        for action in self._defaults.keys() - decided:
            setattr(arguments, action.dest, self._defaults[action])
        active = set(decided)
        followed: list[Followed] = []
        added: list[str] = []
        for place, decisions in (*self._from_variables(environment), *self._from_file(environment)):
            excluded = {mate for group in self._exclusive if group & active for mate in group}
            free = {action: item for action, item in decisions.items() if action not in decided | excluded}
            for action, (value, words) in free.items():
                setattr(arguments, action.dest, value)
                added.extend(words)
            decided.update(free)
            active.update(action for action, item in free.items() if item.words)
            self._refuse_contradiction(active, place)
            followed.append(Followed(place, tuple(map(_long_name, free))))
        depth = len(self._command)
        arguments.words = (*arguments.words[:depth], *added, *arguments.words[depth:])
        return followed

    def _refuse_contradiction(self, active: Iterable[Action], place: str) -> None:
        for group in self._exclusive:
            both = sorted(_long_name(action) for action in group.intersection(active))
            if len(both) > 1:
                raise ConfigurationError(place, f"{' and '.join(both)} exclude each other")

    def _from_variables(self, environment: Mapping[str, str]) -> Iterator[tuple[str, dict[Action, _Decision]]]:
        for name, action in self._options.items():
            variable = next(filter(environment.get, _variables(self._command, name)), None)
            if variable is not None:
                yield variable, {action: self._of_variable(action, variable, environment[variable])}

    def _of_variable(self, action: Action, variable: str, text: str) -> _Decision:
        if action.nargs == 0:
            if text.lower() not in _TRUTHS:
                raise ConfigurationError(variable, f"expected 1 or 0, found {text!r}")
            return self._switched(action, is_on=_TRUTHS[text.lower()])
        return _decide(action, _split(text, variable) if _takes_several(action) else [text], variable)

    def _from_file(self, environment: Mapping[str, str]) -> Iterator[tuple[str, dict[Action, _Decision]]]:
        file = find_file(environment.get(FILE_VARIABLE))
        if file is None:
            return
        decisions = {}
        for entry in file.entries(self._command):
            if entry.key in self._options:
                action = self._options[entry.key]
                decisions[action] = self._of_entry(action, entry, file.path.parent)
            elif not (entry.is_general and entry.key in self._all_names()):
                raise ConfigurationError(entry.place, "no such option", hint=self._advice(entry.key))
        yield str(file.path), decisions

    def _of_entry(self, action: Action, entry: Entry, folder: Path) -> _Decision:
        if entry.key not in FROM_FILES:
            variable = next(_variables(self._command, entry.key))
            raise ConfigurationError(
                entry.place,
                "a file cannot decide this, since its folder may be somebody else's",
                hint=f"pass --{entry.key}, or set {variable}",
            )
        if action.nargs == 0:
            return self._switched(action, is_on=_checked(entry.value, bool, entry.place))
        if _takes_several(action):
            texts = [_checked(text, str, entry.place) for text in _checked(entry.value, list, entry.place)]
        else:
            texts = [_checked(entry.value, str, entry.place)]
        return _decide(action, texts, entry.place, folder=folder)

    def _switched(self, action: Action, *, is_on: bool) -> _Decision:
        return _Decision(action.const, (_long_name(action),)) if is_on else _Decision(self._defaults[action])

    def _advice(self, key: str) -> str:
        from difflib import get_close_matches

        alike = get_close_matches(key, self._options, n=1)
        command = " ".join(level.name for level in self._command)
        return (
            f"did you mean {alike[0]}?" if alike else f"keys are the long options that envlock {command} --help lists"
        )


def _long_name(action: Action) -> str:
    return next(option for option in action.option_strings if option.startswith("--"))


def _variables(command: Sequence[Level], option: str) -> Iterator[str]:
    """The names of variables that decide *option*, first the one for *command* alone, last the one for all."""
    for count in range(len(command), -1, -1):
        words = ["ENVLOCK", *(level.name for level in command[:count]), option]
        yield "_".join(words).upper().replace("-", "_")


def _split(text: str, variable: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigurationError(variable, f"{text!r} cannot be split into words: {error}") from error


def _takes_several(action: Action) -> bool:
    return isinstance(action, _AppendAction)


def _decide(action: Action, texts: Sequence[str], place: str, *, folder: Path | None = None) -> _Decision:
    """What *texts* mean to *action*; paths are taken from *folder*, which they may not leave, where there is one."""
    values = [_converted(action, text, place) for text in texts]
    if folder is not None:
        values = [_below(value, folder, place) if isinstance(value, Path) else value for value in values]
    shown = (value if isinstance(value, Path) else text for value, text in zip(values, texts, strict=True))
    words = tuple(f"{_long_name(action)}={item}" for item in shown)
    return _Decision(values if _takes_several(action) else values[0], words)


def _converted(action: Action, text: str, place: str) -> object:
    """*text* as argparse would have it."""
    if "\0" in text:
        # No command line and no variable holds one, and no path does.
        raise ConfigurationError(place, "holds a null character")
    try:
        value = action.type(text) if callable(action.type) else text
    except ArgumentTypeError as error:
        raise ConfigurationError(place, str(error)) from error
    except (TypeError, ValueError) as error:
        raise ConfigurationError(place, f"invalid value: {text!r}") from error
    if action.choices is not None and value not in action.choices:
        raise ConfigurationError(place, f"{text!r} is none of {', '.join(map(str, action.choices))}")
    return value


def _below(path: Path, folder: Path, place: str) -> Path:
    whole = folder / path
    if not whole.resolve().is_relative_to(folder.resolve()):
        raise ConfigurationError(place, f"{path} does not lie in the folder of the file")
    return whole


def _checked(value: object, kind: type, place: str) -> Any:
    if type(value) is kind:
        return value
    found = _TOML_TYPES.get(type(value), "a date or time")
    hint = "write it in quotes" if kind is str and isinstance(value, (int, float)) else ""
    raise ConfigurationError(place, f"expected {_TOML_TYPES[kind]}, found {found}", hint=hint)
