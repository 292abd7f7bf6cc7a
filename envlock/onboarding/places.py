"""Where an environment and its lock go."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from envlock.environment import refuse_foreign_environment
from envlock.errors import OccupiedPathError
from envlock.knowledge.releases import line_of
from envlock.onboarding.order import Order
from envlock.onboarding.settings import Setting
from envlock.reporter import Reporter
from envlock.writers import WRITERS
from envlock.writers.files import refuse_foreign_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where an environment and its lock go."""

    lock: Path
    environment: Path


def choose_places(setting: Setting, order: Order, taken: Collection[Places], reporter: Reporter) -> Places:
    """The usual names for the first environment, unless somebody else's files have them; names by its setting else.

    *taken* are those of the environments that were made before.
    """
    usual = Places(lock=order.folder / "requirements.txt", environment=order.folder / ".venv")
    name = _name(setting, {places.lock for places in taken}, order.folder)
    named = Places(lock=_named_lock(order.folder, name), environment=order.folder / f".venv-{name}")
    if taken:
        return named
    has_lock = _is_free(lambda: refuse_foreign_file(usual.lock, WRITERS), reporter)
    has_environment = not order.makes_environments or _is_free(
        lambda: refuse_foreign_environment(usual.environment, clears=order.clears), reporter
    )
    return Places(
        lock=usual.lock if has_lock else named.lock,
        environment=usual.environment if has_environment else named.environment,
    )


def _name(setting: Setting, taken: Collection[Path], folder: Path) -> str:
    """As short as it can be without being one that is taken, such as ``tensorflow-1.12``."""
    line = f"tensorflow-{setting.line}"
    with_keras = "-".join([line, *(f"{name}-{line_of(version)}" for name, version in setting.keras)])
    names = (line, with_keras, f"{with_keras}-python-{setting.python}")
    return next((name for name in names if _named_lock(folder, name) not in taken), names[-1])


def _named_lock(folder: Path, name: str) -> Path:
    return folder / f"requirements-{name}.txt"


def _is_free(refuse: Callable[[], None], reporter: Reporter) -> bool:
    try:
        refuse()
    except OccupiedPathError as error:
        reporter.note(f"{error}: another name is taken")
        return False
    return True
