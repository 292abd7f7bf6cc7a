"""An artifact and what the person passes for it -> Loading: how it is loaded, the same in every environment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from envlock.candidates import modules_to_import
from envlock.errors import UsageError
from envlock.formats.text import printable
from envlock.inspection import Inspection
from envlock.inspection.findings import own_objects
from envlock.knowledge.global_names import Meaning, meaning_of
from envlock.knowledge.loaders import Loader
from envlock.knowledge.releases import line_of
from envlock.loadability import Verdict, VerdictName, judge, names_looked_up
from envlock.own_code.builder import find_builder
from envlock.own_code.definitions import Definition, find_definitions
from envlock.provenance import Provenance
from envlock.reporter import Reporter

_BEST_FIRST: tuple[VerdictName, ...] = ("loads", "needs-code", "unknown", "fails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How an artifact is to be loaded, wherever."""

    inspection: Inspection
    code: Path | None = None
    """Folder of the person's own definitions."""

    builder: str = ""
    """What in there builds the model that weights belong to, as ``NAME`` or ``MODULE:NAME``; empty for none."""

    trusts_code: bool = False
    """Whether code that the artifact holds may be run."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; see :func:`refuse_code_contradictions`."""
        refuse_code_contradictions(self.code, self.builder)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a verification that are the same in every environment."""
        provenance = self.inspection.provenance
        return {
            "artifact_format": provenance.format,
            "inputs": provenance.inputs,
            "tags": sorted(provenance.tags[0]) if provenance.tags else (),
            "custom_objects": [item.name for item in self.inspection.custom if item.kind != "operation"],
            "code": self.code,
            "builder": self.builder,
            "trust": self.trusts_code,
        }

    @property
    def obstacle(self) -> str | None:
        """Why the model cannot be loaded, or must not be, as one clause that says what to pass."""
        provenance = self.inspection.provenance
        if provenance.content == "weights" and not self.builder:
            return "the file holds weights alone: pass your code that builds the model with --code DIR --builder NAME"
        missing = [item.name for item in own_objects(self.inspection.custom)]
        if missing and self.code is None:
            names = ", ".join(map(printable, missing))
            return f"the model needs your definitions of {names}: pass their folder with --code DIR"
        if any(item.needs_trust for item in provenance.code) and not self.trusts_code:
            return "the artifact holds code, which loading would run: pass --trust if you trust where it comes from"
        return None

    def probes_of(self, loaders: Sequence[str]) -> tuple[str, ...]:
        """*loaders* by their names in the probe: where code builds the model, Keras puts the weights into it."""
        if not self.builder:
            return tuple(loaders)
        return tuple(dict.fromkeys("tf.keras" if name == "tensorflow" else name for name in loaders))

    def in_one_process(self, loaders: Sequence[Loader]) -> dict[str, Any]:
        """The arguments of a verification by those of *loaders* that can be tried together with the first."""
        # Variables are those of a process: whoever needs others is not tried in the same one.
        variables = loaders[0].environment
        together = [loader for loader in loaders if loader.environment == variables]
        probes = dict.fromkeys(loader.probe for loader in together)
        return {
            "loaders": self.probes_of([*probes]),
            "names": self.names_for(together),
            "environment": dict(variables),
        }

    def names_for(self, loaders: Iterable[Loader]) -> dict[str, tuple[Meaning, ...]]:
        """What is to be made known to stored functions, by the names of *loaders* in the probe."""
        return {loader.probe: meanings_for(self.inspection.provenance, loader) for loader in loaders}

    def expectations(self, loaders: Collection[Loader], *, preferred: str = "") -> tuple[Verdict, ...]:
        """What is predicted for those of *loaders* that read this kind of artifact, best first.

        Of those for which the same is predicted, the ones that the probe knows as *preferred* come first.
        """
        provenance, saver = self.inspection.provenance, self.inspection.saver
        verdicts = [verdict for verdict in judge(provenance, saver) if verdict.loader in loaders]
        return tuple(
            sorted(verdicts, key=lambda item: (_BEST_FIRST.index(item.verdict), item.loader.probe != preferred))
        )

    def modules_there(self, distributions: Collection[str], tensorflow: tuple[str, Version] | None) -> tuple[str, ...]:
        """The modules that register what the artifact needs, where these *distributions* are installed.

        *tensorflow* is the member of the family that is among them.
        """
        if tensorflow is None:
            return ()
        custom = self.inspection.custom
        brought = sorted({item.distribution for item in custom if item.distribution is not None} & {*distributions})
        return modules_to_import(self.inspection.provenance.operations, custom, brought, line_of(tensorflow[1]))

    def find_definitions(self, reporter: Reporter) -> dict[str, Definition]:
        """Where the person's code defines what the model needs, by name; empty where none was passed.

        Raises:
            UsageError: It lacks one.
        """
        if self.code is None:
            return {}
        names = [item.name for item in own_objects(self.inspection.custom) if item.kind != "operation"]
        definitions = find_definitions(self.code, names)
        missing = [name for name in names if name not in definitions]
        if missing:
            raise UsageError(
                f"--code {self.code}: no Python file defines {', '.join(map(printable, missing))} at its top level",
                hint="pass the folder of the project that the model was trained with",
            )
        for name, definition in definitions.items():
            _note_others(name, definition, reporter)
        return definitions

    def find_builder(self, reporter: Reporter) -> Definition | None:
        """What of the person's code builds the model that weights belong to; ``None`` where it was not named.

        Raises:
            UsageError: There is no such definition, it cannot be called without arguments, or the artifact is no
                weights.
        """
        if self.code is None or not self.builder:
            return None
        content = self.inspection.provenance.content
        if content not in {"weights", "variables"}:
            raise UsageError(
                f"--builder {self.builder}: builds the model that weights belong to, and the artifact is no weights "
                f"but {'an' if content == 'architecture' else 'a'} {content}",
                hint="leave it out",
            )
        definition = find_builder(self.code, self.builder)
        _note_others(definition.name, definition, reporter)
        return definition


def meanings_for(provenance: Provenance, loader: Loader) -> tuple[Meaning, ...]:
    """What the names stand for that stored functions look up, where *loader* brings the model back."""
    return tuple(meaning_of(name, loader) for name in names_looked_up(provenance)) if loader.module is not None else ()


def refuse_code_contradictions(code: Path | None, builder: str) -> None:
    """Make sure that the person's code is a folder, and that there is one to look for a builder in.

    Raises:
        UsageError: It is not, or there is none.
    """
    if code is not None and not code.is_dir():
        raise UsageError(f"--code {code}: not a folder", hint="pass the folder that holds the definitions")
    if builder and code is None:
        raise UsageError(f"--builder {builder} is looked for in your code", hint="pass its folder with --code DIR")


def _note_others(name: str, definition: Definition, reporter: Reporter) -> None:
    if definition.others:
        others = ", ".join(map(str, definition.others))
        reporter.note(f"{printable(name)} of {definition.file} is used; it is also defined in {others}")
