"""What loaders make of artifacts, beyond the classes and keys that they know: a typed view of ``load_rules.toml``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.loaders import Loader
from envlock.knowledge.specifiers import admits

Lines = Mapping[str, str]
"""Implementation to the specifier of its lines."""


class ObjectPattern(NamedTuple):
    """Objects of a configuration that a rule is about; what is empty says nothing."""

    names: frozenset[str]
    """Classes and functions of Keras."""

    places: frozenset[str]
    """Keys of other objects at which they stand, themselves or in a list."""

    values: Mapping[str, str | bool | tuple[str, ...]]
    """Keys with their value."""

    holding: Mapping[str, str]
    """Keys with what their text has to hold."""

    key_endings: tuple[str, ...]
    """How one of its keys ends."""

    set_keys: frozenset[str]
    """Keys that are there, and not ``null``."""

    unset_keys: frozenset[str]
    """Keys that are not there, or ``null``."""

    structured_keys: frozenset[str]
    """Keys with a list, an object or a long text for a value; one of them is enough."""

    several_keys: frozenset[str]
    """Keys with a short list of more than one plain value; one of them is enough."""

    open_keys: frozenset[str]
    """Keys with a short list that ends in ``null``, such as a shape of unknown width; one of them is enough."""

    call_arguments: frozenset[str]
    """What it was called with; one of them is enough."""

    has_several_inputs: bool
    """Whether only those are meant that were called with more than one tensor at once."""

    modules: frozenset[str]
    """Modules that they name."""

    is_unmarked: bool
    """Whether only those are meant that name no module, and that some Keras brings."""

    is_custom: bool
    """Whether only those are meant that no Keras brings and nobody has registered under a name with a package."""

    is_registered: bool
    """Whether only those are meant that were registered under such a name and name their module as well."""


class LoadRule(NamedTuple):
    """An artifact that the rule speaks of is read by some loaders alone."""

    reference: str
    message: str
    formats: frozenset[str]
    traits: frozenset[str]
    without_traits: frozenset[str]
    saver: Lines | None
    """``None`` where any saver will do."""

    objects: tuple[ObjectPattern, ...]
    """What one object of its configuration has to be like, in any of these ways; empty where it does not matter."""

    beside: tuple[ObjectPattern, ...]
    """What one of its objects has to be like beside that; empty where it does not matter."""

    without: tuple[ObjectPattern, ...]
    """What none of its objects may be like."""

    layers: frozenset[str]
    """Names of layers, without a number at the end, one of which the file has to hold; empty where none has to."""

    has_bytecode: bool
    """Whether it has to hold marshalled code."""

    operations: frozenset[str]
    """Operations one of which its graph has to hold; empty where it does not matter."""

    without_operations: frozenset[str]
    """Operations none of which its graph may hold."""

    readers: Lines | None
    """All who read it; ``None`` where the rule names those who do not."""

    fails_in: Lines
    """Those who do not read it, where the rule does not name all who do."""

    doubtful_in: Lines
    """Those who may or may not read it."""

    def speaks_of(self, artifact_format: str, traits: Collection[str], savers: Collection[Loader]) -> bool:
        """Whether the artifact is one that the rule is about, as far as its container and its saver tell.

        Certainly so, whichever of *savers* wrote it; but it is enough for a doubt that one of them may have.
        """
        if artifact_format not in self.formats or not self.traits.issubset(traits):
            return False
        if not self.without_traits.isdisjoint(traits):
            return False
        if self.saver is None:
            return True
        covered = [_covers(self.saver, saver) for saver in savers]
        is_doubt = self.readers is None and not self.fails_in
        return any(covered) if is_doubt else bool(covered) and all(covered)

    def admits(self, loader: Loader) -> bool:
        """Whether *loader* reads such artifacts, for all that the rule says."""
        if self.readers is not None:
            return _covers(self.readers, loader)
        return not _covers(self.fails_in, loader)

    def doubts(self, loader: Loader) -> bool:
        """Whether *loader* may or may not read them."""
        return _covers(self.doubtful_in, loader)


def _covers(lines: Lines, loader: Loader) -> bool:
    specifier = lines.get(loader.implementation)
    return specifier is not None and admits(specifier, loader.line)


@cache
def load_rules() -> tuple[LoadRule, ...]:
    """The rules of ``data/load_rules.toml``, in the order of the file."""
    return tuple(
        LoadRule(
            reference=row["reference"],
            message=row["message"],
            formats=frozenset(row["formats"]),
            traits=frozenset(row.get("traits", ())),
            without_traits=frozenset(row.get("without_traits", ())),
            saver=row.get("saver"),
            objects=tuple(_pattern(item) for item in row.get("objects", ())),
            beside=tuple(_pattern(item) for item in row.get("beside", ())),
            without=tuple(_pattern(item) for item in row.get("without", ())),
            layers=frozenset(row.get("layers", ())),
            has_bytecode=row.get("bytecode", False),
            operations=frozenset(row.get("operations", ())),
            without_operations=frozenset(row.get("without_operations", ())),
            readers=row.get("readers"),
            fails_in=row.get("fails_in", {}),
            doubtful_in=row.get("doubtful_in", {}),
        )
        for row in read_toml("load_rules.toml")["rule"]
    )


class GraphRules(NamedTuple):
    """What lines of TensorFlow do with graphs of newer ones."""

    ignores_unknown_attributes: str
    """Specifier of those that go on without the attributes that they do not know, whatever these hold."""

    makes_variables: str
    """Specifier of those that make the variables of an object graph themselves, whatever operations made them first."""

    variable_operations: frozenset[str]
    """These operations."""

    rebuilds_layers: Lines
    """Those that make the layers of a SavedModel from their configuration, as far as they know their classes."""

    made_anew: frozenset[str]
    """Classes of Keras that a Sequential model in a SavedModel makes anew from their configuration."""

    passes_over_uncalled: Lines
    """Those that do not look into functions which nothing calls."""

    def rebuilds(self, loader: Loader) -> bool:
        """Whether *loader* makes the layers of a SavedModel from their configuration."""
        return _covers(self.rebuilds_layers, loader)

    def looks_everywhere(self, loader: Loader) -> bool:
        """Whether *loader* looks into functions that nothing calls as well."""
        return not _covers(self.passes_over_uncalled, loader)


@cache
def graph_rules() -> GraphRules:
    """The table ``graphs`` of ``data/load_rules.toml``."""
    table = read_toml("load_rules.toml")["graphs"]
    return GraphRules(
        ignores_unknown_attributes=table["ignores_unknown_attributes"],
        makes_variables=table["makes_variables"],
        variable_operations=frozenset(table["variable_operations"]),
        rebuilds_layers=table["rebuilds_layers"],
        made_anew=frozenset(table["made_anew"]),
        passes_over_uncalled=table["passes_over_uncalled"],
    )


def requirements_of_format(artifact_format: str) -> tuple[str, ...]:
    """What has to be installed to read a format, beside what loaders require themselves."""
    return tuple(read_toml("load_rules.toml")["requirements"].get(artifact_format, ()))


class ModuleRules(NamedTuple):
    """What the modules that configurations name tell."""

    always: Lines
    """Lines that write the module of every initializer, SavedModels left aside."""

    never: Lines
    """Lines that write that of none."""

    operations: str
    """How the modules begin whose classes stand for functions of ``keras.ops``."""

    left_behind: str
    """How the modules begin whose classes are found by their module alone."""

    def fits(self, loader: Loader, *, has_marked: bool, has_unmarked: bool) -> bool:
        """Whether *loader* can have written initializers with modules, or without, or both."""
        if has_marked and _covers(self.never, loader):
            return False
        return not (has_unmarked and _covers(self.always, loader))


@cache
def module_rules() -> ModuleRules:
    """The table ``modules`` of ``data/load_rules.toml``."""
    table = read_toml("load_rules.toml")["modules"]
    return ModuleRules(
        always=table["always"],
        never=table["never"],
        operations=table["operations"],
        left_behind=table["left_behind"],
    )


def _pattern(row: Mapping[str, Any]) -> ObjectPattern:
    return ObjectPattern(
        names=frozenset(row.get("names", ())),
        places=frozenset(row.get("places", ())),
        values={
            key: tuple(value) if isinstance(value, list) else value for key, value in row.get("values", {}).items()
        },
        holding=row.get("holding", {}),
        key_endings=tuple(row.get("key_endings", ())),
        set_keys=frozenset(row.get("set", ())),
        unset_keys=frozenset(row.get("unset", ())),
        structured_keys=frozenset(row.get("structured", ())),
        several_keys=frozenset(row.get("several", ())),
        open_keys=frozenset(row.get("open", ())),
        call_arguments=frozenset(row.get("called_with", ())),
        has_several_inputs=row.get("several_inputs", False),
        modules=frozenset(row.get("modules", ())),
        is_unmarked=row.get("unmarked", False),
        is_custom=row.get("custom", False),
        is_registered=row.get("registered", False),
    )
