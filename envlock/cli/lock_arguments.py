"""What every command that locks asks for: which environment, with what besides, resolved by whom."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from envlock.cli.arguments import python_line
from envlock.target import DEVICES, PREFERENCES, Device

if TYPE_CHECKING:
    from argparse import _ArgumentGroup

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from envlock.candidates import Wishes
    from envlock.reporter import Reporter
    from envlock.resolution import Resolver


_DEVICE_NAMES: dict[Device, str] = {
    "cpu": "the processor",
    "cuda": "NVIDIA GPUs",
    "tpu": "Cloud TPUs",
    "metal": "GPUs of Macs",
}


def add_upgrade_arguments(group: _ArgumentGroup) -> None:
    """Add what says which pins of the lock that is there are kept."""
    group.add_argument(
        "--upgrade",
        action="store_true",
        help="choose all versions anew (default: keep what the lock there pins, where that has a solution)",
    )
    group.add_argument(
        "--upgrade-package",
        metavar="NAME",
        action="append",
        default=[],
        help="choose the version of this distribution anew; may be given again",
    )


def add_choice_arguments(group: _ArgumentGroup) -> None:
    """Add what narrows the choice of the environment."""
    group.add_argument(
        "--tensorflow",
        metavar="X.Y[.Z]",
        type=_releases,
        help="this release of TensorFlow, or the newest of a line",
    )
    group.add_argument("--python-version", metavar="X.Y", type=python_line, help="this Python only")
    group.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="auto",
        help="auto: nearest to what saved the model on a Python that is here; "
        "saver: what saved it and nothing else; newest: the newest that loads it",
    )


def add_device_argument(group: _ArgumentGroup, devices: Sequence[Device] = DEVICES) -> None:
    """Add which of *devices* the environment is for, the first by default."""
    first, *others = (_DEVICE_NAMES[device] for device in devices)
    group.add_argument(
        "--device",
        choices=devices,
        default=devices[0],
        help=f"what TensorFlow is to compute on: {', '.join([f'{first} (default)', *others])}",
    )


def add_fetch_argument(group: _ArgumentGroup) -> None:
    """Add whether Pythons come from elsewhere."""
    group.add_argument(
        "--no-fetch", action="store_true", help="do not fetch a Python that this machine lacks, take another"
    )


def add_besides_arguments(group: _ArgumentGroup) -> None:
    """Add what is wanted beside what the model needs, and who resolves all of it."""
    from envlock.resolution import ENGINES

    group.add_argument(
        "--with",
        metavar="REQUIREMENT",
        action="append",
        dest="besides",
        default=[],
        help="something you want beside what the model needs, such as pandas; may be given again",
    )
    group.add_argument(
        "--with-requirements",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="the same for each requirement in a file, as pip reads it; may be given again",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="what resolves, and nothing else (default: offline, from what envlock knows, and where that has no "
        "solution uv, over the index; pip-tools runs pip in the Python that is locked for)",
    )


def add_code_arguments(group: _ArgumentGroup) -> None:
    """Add where the person's own definitions are."""
    group.add_argument("--code", metavar="DIR", type=Path, help="folder with your own layers and other definitions")
    group.add_argument(
        "--builder",
        metavar="NAME",
        default="",
        help="for weights alone: the function or class in that folder that makes the model they belong to, as NAME "
        "or MODULE:NAME; it is called without arguments",
    )


class Terms(TypedDict):
    """What every command that locks is told, by the names that it has in a request."""

    resolvers: tuple[Resolver, ...]
    wishes: Wishes
    besides: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...]
    command: tuple[str, ...]


class ModelTerms(Terms):
    """What those are told besides that lock for one model."""

    upgrades: bool
    upgraded: frozenset[str]
    code: Path | None
    builder: str


def read_terms(
    arguments: Namespace, reporter: Reporter, *, besides: Sequence[str] = (), may_ask_index: bool = True
) -> Terms:
    """Read what is wished of the environment, and what else is wanted in it: as options and files say, and *besides*.

    TensorFlow among what is wanted counts as a wish. Without an index, the first engine alone is asked.

    Raises:
        UsageError: A requirement cannot be read, or leaves no choice of TensorFlow; or no environment can be of
            the Python that is asked for.
    """
    from envlock.candidates import Wishes, refuse_impossible_python, split_off_tensorflow
    from envlock.requirements_file import parse_requirement, read_requirements

    refuse_impossible_python(arguments.python_version)
    read = [read_requirements(path) for path in arguments.with_requirements]
    named = map(parse_requirement, (*arguments.besides, *besides))
    tensorflow, others = split_off_tensorflow(chain(named, *(item.requirements for item in read)))
    if tensorflow is not None:
        reporter.note(f"TensorFlow {tensorflow} is among what you want besides: taken as --tensorflow is")
    return Terms(
        resolvers=_resolvers(arguments.engine, may_ask_index=may_ask_index),
        wishes=Wishes(
            prefer=arguments.prefer,
            tensorflow=_both(arguments.tensorflow, tensorflow),
            python=arguments.python_version,
            device=arguments.device,
        ),
        besides=others,
        constraints=tuple(chain(*(item.constraints for item in read))),
        command=tuple(_command(arguments)),
    )


def read_model_terms(
    arguments: Namespace, reporter: Reporter, *, besides: Sequence[str] = (), may_ask_index: bool = True
) -> ModelTerms:
    """Read the same as :func:`read_terms`, and which pins are kept, and where the person's own definitions are.

    Raises:
        UsageError: As there; or what is said of the code contradicts itself.
    """
    from packaging.utils import canonicalize_name

    from envlock.loading import refuse_code_contradictions

    # Before anything takes time.
    refuse_code_contradictions(arguments.code, arguments.builder)
    return ModelTerms(
        **read_terms(arguments, reporter, besides=besides, may_ask_index=may_ask_index),
        upgrades=arguments.upgrade,
        upgraded=frozenset(map(canonicalize_name, arguments.upgrade_package)),
        code=arguments.code,
        builder=arguments.builder,
    )


def _resolvers(engine: str | None, *, may_ask_index: bool) -> tuple[Resolver, ...]:
    """The engine that was named, else those that may be asked."""
    from envlock.resolution import DEFAULT_ENGINES, resolvers_of

    if engine is not None:
        return resolvers_of([engine])
    return resolvers_of(DEFAULT_ENGINES if may_ask_index else DEFAULT_ENGINES[:1])


def _command(arguments: Namespace) -> Iterator[str]:
    """What was called, as it may be told: locks travel, and neither folders of this machine nor secrets do."""
    from envlock.formats.text import without_credentials

    values = chain(*(value if isinstance(value, list) else [value] for value in vars(arguments).values()))
    paths = {value for value in values if isinstance(value, Path)}
    yield "envlock"
    for word in arguments.words:
        # --output=FILE and -oFILE are one word.
        for option, value in (("", word), *re.findall(r"^(--[a-z-]+=|-[a-z])(.+)", word, flags=re.DOTALL)):
            if Path(value) in paths:
                yield f"{option}{Path(value).absolute().name or value}"
                break
        else:
            yield without_credentials(word)


def _both(one: SpecifierSet | None, other: SpecifierSet | None) -> SpecifierSet | None:
    return one & other if one is not None and other is not None else one or other


def _releases(text: str) -> SpecifierSet:
    from packaging.version import InvalidVersion

    from envlock.candidates import releases_named

    try:
        return releases_named(text)
    except InvalidVersion:
        raise ArgumentTypeError(f"{text!r} is not a version") from None
