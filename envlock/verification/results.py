"""What happened when a model was loaded and called, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from envlock.isolation.choice import Isolation
from envlock.own_code.definitions import import_statements
from envlock.verification.files import path_to_load


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a call of the model returned in one place."""

    name: str
    """Key of the output; empty where outputs come in a list."""

    dtype: str
    shape: tuple[int, ...]
    finite: bool | None
    """Whether it holds neither NaN nor infinity; ``None`` for what is not a floating-point number."""

    declared: tuple[int | None, ...] | None = None
    """The shape that the model announces, ``None`` for an axis of any length; ``None`` where it does not say."""

    fits: bool = True
    """Whether *shape* is one of those that were announced."""

    step: int = 1
    """Distance of the *values* in the output, which is read row by row; 1 where all are there."""

    values: tuple[float, ...] = ()
    """At most 1,000 numbers, a complex one as two; none for strings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the inputs of a model were made, so that the same can be made again."""

    batch: int
    """Length of a free first axis."""

    size: int
    """Length of every other free axis."""

    numbers: str
    text: str
    features: Mapping[str, tuple[str, int]]
    """Type and length of the features of a record, where strings are records."""

    sizes: tuple[int | None, ...]
    """Rows of the table that each input is looked up in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What the model was called with in one place."""

    dtype: str
    shape: tuple[int, ...]
    digest: str
    """SHA-256 of the numbers as they lie in memory, or of the strings with a zero byte between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A way to load the model that failed."""

    how: str
    """The Python expression."""

    error: str
    """``Type: message``, at most 2 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedObject:
    """A class or function that the model needs, and where it was found."""

    name: str
    """What the model calls it, such as ``Custom>Scale``."""

    module: str
    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What happened when the model was loaded and called."""

    loads: bool
    predicts: bool | None
    """Whether a call returned; ``None`` where none was made, or no input is sure to be legal: *error* tells why."""

    loader: str
    """The one of the loaders that was asked for which loaded it; empty where none did."""

    how: str
    """The Python expression that loaded it, with ``path`` for the artifact; empty where none did."""

    imports: tuple[str, ...] = ()
    """The statements that it needs, such as ``import tensorflow as tf``."""

    lines: tuple[str, ...] = ()
    """The statements that were run to load it; they know ``path`` and ``custom_objects``, and assign ``model``."""

    left_over: tuple[str, ...] = ()
    """What the artifact holds and the person's model has no place for, name and shape; the first 100."""

    artifact_format: str = ""

    error: str | None
    """``Type: message`` of the last failure, or how the child ended; at most 2 kB."""

    traceback: str
    """Of that failure, or the end of what the child wrote to stderr; at most 8 kB."""

    attempts: tuple[Attempt, ...]
    """Ways that failed before, in the order in which they were tried."""

    code_errors: tuple[str, ...]
    """One line for each module or source file that could not be imported, led by its name."""

    modules: tuple[str, ...] = ()
    """What was imported before, since it registers what the model needs."""

    imported: tuple[ImportedObject, ...]
    """What was passed to the loader as ``custom_objects``, sorted as the request names them."""

    search_path: tuple[str, ...] = ()
    """Folders that these are imported from, beside those of the environment."""

    recipe: Recipe | None = None
    """Another verification that is given it makes the same inputs; ``None`` where no call returned."""

    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...]
    variables: tuple[Output, ...] = ()
    """What a checkpoint without a graph holds, by name and without values; the first 1,000."""

    versions: Mapping[str, str]
    """Of Python and of the packages that the child had imported."""

    seconds: float
    """Wall time of the child."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the child got in addition, since the packages behave differently with them."""

    isolation: Isolation | None = None
    """What divided the child from the rest of the machine while the model was loaded and called."""

    @property
    def is_finite(self) -> bool:
        """Whether no output holds NaN or infinity."""
        return all(output.finite is not False for output in (*self.outputs, *self.variables))

    @property
    def misshapen(self) -> tuple[Output, ...]:
        """Outputs of another shape than the model announces."""
        return tuple(output for output in self.outputs if not output.fits)

    def snippet(self, path: Path) -> tuple[str, ...]:
        """Lines of Python that load the model at *path* as it was loaded here; empty where it was not."""
        if not self.loads:
            return ()
        lines = ["import os"] if self.environment else []
        # Before any import: packages look at their variables once, when they are imported.
        lines += [f"os.environ[{name!r}] = {value!r}" for name, value in sorted(self.environment.items())]
        if self.search_path:
            lines += ["import sys", *(f"sys.path.append({folder!r})" for folder in self.search_path)]
        lines += [*self.imports, *(f"import {module}" for module in self.modules)]
        lines += self._custom_object_lines()
        return (*lines, f"path = {str(path_to_load(path, self.artifact_format))!r}", *self.lines)

    def _custom_object_lines(self) -> list[str]:
        """Lines that import what the loader is passed and assign ``custom_objects``; none where that is nothing."""
        if not self.imported:
            return []
        entries = ", ".join(f"{item.name!r}: {item.attribute}" for item in self.imported)
        statements = (import_statements(item.module, item.attribute) for item in self.imported)
        imports = dict.fromkeys(chain.from_iterable(statements))
        return [*imports, f"custom_objects = {{{entries}}}"]
