"""Evidence to the window of releases that can have written an artifact.

Takes a Provenance, gives a :class:`Saver`: what was recorded, and every line that is consistent with all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from envlock.knowledge.keras_schema import SchemaLine
from envlock.knowledge.load_rules import module_rules
from envlock.knowledge.loaders import (
    Loader,
    bundled_keras_lines,
    first_line_from_producer,
    keras_loaders,
    lines_of_producer,
    tensorflow_loaders,
)
from envlock.knowledge.releases import latest_of_line, line_of, lines_of, sort_lines
from envlock.provenance import ConfigObject, ObjectKind, Provenance


class Saver(NamedTuple):
    """What can have written an artifact."""

    recorded_tensorflow: str | None
    """The version label in the artifact, as it stands there."""

    recorded_keras: str | None
    loaders: tuple[Loader, ...]
    """Lines of implementations that can have written it, as far as the database knows them, oldest first."""

    likely: frozenset[str]
    """Names of those among *loaders* that write what was recorded as they are installed, with nothing switched."""

    tensorflow_lines: tuple[str, ...]
    """Every TensorFlow line that can have written it, oldest first; empty where nothing is known."""

    keras_lines: tuple[str, ...]
    """Every Keras line that can have written it, under its implementation's own numbers; empty where unknown."""

    implementation: str | None
    """``tf.keras``, ``tf-keras`` or ``keras`` where it is certain, ``None`` where it is not or no Keras wrote it."""

    python_lines: tuple[str, ...]
    """Every Python line that can have written it, oldest first; empty where nothing is known."""

    days: tuple[str, ...]
    """Upload days of the last releases of all lines that can have written it, ``YYYY-MM-DD``, earliest first."""


def date_artifact(provenance: Provenance) -> Saver:
    """Infer the saver of the artifact from all evidence.

    Recorded versions come first; where they leave several lines, or none is recorded, the configuration narrows
    them down by what each line writes. Evidence that contradicts all the rest is not used.
    """
    keras = _date_keras(provenance)
    tensorflow_lines = _date_tensorflow(provenance) or _tensorflow_lines(keras, provenance)
    loaders = _within(keras, tensorflow_lines) or _plain_loaders(provenance, tensorflow_lines)
    keras_lines = _keras_lines(loaders, provenance)
    implementations = {loader.implementation for loader in loaders if loader.schema is not None}
    return Saver(
        recorded_tensorflow=provenance.recorded("tensorflow-version"),
        recorded_keras=provenance.recorded("keras-version"),
        loaders=loaders,
        likely=frozenset(loader.name for loader in loaders if _is_likely(loader, provenance)),
        tensorflow_lines=tensorflow_lines,
        keras_lines=keras_lines,
        implementation=implementations.pop() if len(implementations) == 1 else _unlisted_implementation(provenance),
        python_lines=_python_lines(provenance),
        days=_days(loaders, keras_lines, tensorflow_lines),
    )


def _days(loaders: Collection[Loader], keras_lines: Iterable[str], tensorflow_lines: Iterable[str]) -> tuple[str, ...]:
    releases = [loader.release for loader in loaders]
    if not releases:
        found = [latest_of_line("keras", line) for line in keras_lines]
        found += [latest_of_line("tensorflow", line) for line in tensorflow_lines]
        releases = [release for release in found if release is not None]
    return tuple(sorted({release.uploaded for release in releases}))


# --- Keras ---------------------------------------------------------------------------------------------------


def _date_keras(provenance: Provenance) -> tuple[Loader, ...]:
    recorded = provenance.recorded("keras-version")
    if not provenance.objects and recorded is None and "keras-model" not in provenance.traits:
        return ()
    writers = [loader for loader in keras_loaders() if provenance.format in loader.writes]
    possible = _by_version(recorded, writers)
    possible = _by_backend(provenance.recorded("backend"), possible)
    if provenance.format != "saved-model":
        possible = _by_modules(provenance.objects, possible)
    return _by_configuration(provenance.objects, possible)


def _by_version(recorded: str | None, loaders: Collection[Loader]) -> tuple[Loader, ...]:
    if recorded is None:
        return tuple(loaders)
    return tuple(loader for loader in loaders if loader.writes_version(_plain_label(recorded)))


def _by_backend(recorded: str | None, loaders: Collection[Loader]) -> tuple[Loader, ...]:
    fitting = tuple(loader for loader in loaders if recorded in loader.backends)
    # No list names the backends that others have made, such as that of PlaidML.
    return fitting if recorded is not None and fitting else tuple(loaders)


def _by_modules(objects: Iterable[ConfigObject], loaders: Collection[Loader]) -> tuple[Loader, ...]:
    marked = {item.module is not None for item in objects if item.kind == "initializer" and item.keys}
    rules = module_rules()
    fitting = tuple(
        loader for loader in loaders if rules.fits(loader, has_marked=True in marked, has_unmarked=False in marked)
    )
    return fitting or tuple(loaders)


def _by_configuration(objects: Collection[ConfigObject], loaders: Collection[Loader]) -> tuple[Loader, ...]:
    # What was registered under a package, such as Addons>GroupNormalization, is none of Keras, whatever its name.
    own = [item for item in objects if ">" not in (item.registered_name or "")]
    if len(loaders) < 2 or not own:
        return tuple(loaders)
    alike = Counter(_Kind(item.class_name, item.kind, item.keys, item.module) for item in own)
    kinds = alike.most_common(_KINDS_JUDGED)
    judged = [(loader, _misfits(kinds, loader.schema)) for loader in loaders if loader.schema is not None]
    # Custom subclasses and hand-edited files misfit everywhere alike: the lines that misfit least remain.
    least = min((misfits for _, misfits in judged), default=0)
    return tuple(loader for loader, misfits in judged if misfits == least)


class _Kind(NamedTuple):
    """What a configuration tells of an object, but for its values."""

    class_name: str
    kind: ObjectKind
    keys: frozenset[str]
    module: str | None


# Honest models hold a few dozen kinds of objects; a hostile one must not make every line judge thousands.
_KINDS_JUDGED = 1000


def _misfits(kinds: Iterable[tuple[_Kind, int]], schema: SchemaLine) -> int:
    """How many objects this line would not have written as they stand, given each kind with their number."""
    return sum(count for kind, count in kinds if not _can_have_written(kind, schema))


def _can_have_written(item: _Kind, schema: SchemaLine) -> bool:
    if item.kind == "function" or not item.keys:
        return True
    known = schema.find_class(item.class_name)
    # Other names of a class are read for it, and not written.
    if known is None or known.name != item.class_name or item.module not in {None, known.module}:
        return False
    if known.kind == "layer" and known.accepts_any_key:
        return True
    return known.always_written <= item.keys <= (known.always_written | known.sometimes_written)


def _is_likely(loader: Loader, provenance: Provenance) -> bool:
    recorded = provenance.recorded("keras-version")
    return recorded is None or loader.writes_version_as_installed(_plain_label(recorded))


def _keras_lines(loaders: Iterable[Loader], provenance: Provenance) -> tuple[str, ...]:
    lines = sort_lines(loader.line for loader in loaders if loader.schema is not None)
    if lines:
        return lines
    # Releases that no loader row stands for, such as Keras 1.1: the label alone speaks.
    version = _version_of_label(provenance.recorded("keras-version"))
    known = version is not None and line_of(version) in lines_of("keras")
    return (line_of(version),) if known and version is not None else ()


def _unlisted_implementation(provenance: Provenance) -> str | None:
    recorded = provenance.recorded("keras-version")
    version = _version_of_label(recorded)
    if recorded is None or version is None:
        return None
    if recorded.endswith("-tf"):
        return "tf.keras"
    return "keras" if version.major == 1 else None


# --- TensorFlow ----------------------------------------------------------------------------------------------


def _date_tensorflow(provenance: Provenance) -> tuple[str, ...]:
    version = _version_of_label(provenance.recorded("tensorflow-version"))
    producer = _producer(provenance)
    if version is not None and _label_can_be_trusted(provenance, version, producer):
        return (line_of(version),)
    if producer is None:
        return (line_of(version),) if version is not None else ()
    exact = lines_of_producer(producer)
    if exact:
        return exact
    # A build between two releases: it needs what the next release reads.
    following = first_line_from_producer(producer)
    return (following,) if following else ()


def _label_can_be_trusted(provenance: Provenance, version: Version, producer: int | None) -> bool:
    """A build of unknown git version may carry the number of a release that is months older."""
    if producer is None or provenance.recorded("git-version") not in {None, "", "unknown"}:
        return True
    return line_of(version) in lines_of_producer(producer)


def _producer(provenance: Provenance) -> int | None:
    recorded = provenance.recorded("graph-producer")
    return int(recorded) if recorded is not None and recorded.isdecimal() else None


def _tensorflow_lines(keras: Iterable[Loader], provenance: Provenance) -> tuple[str, ...]:
    recorded = provenance.recorded("keras-version")
    own = () if recorded is None else bundled_keras_lines(_plain_label(recorded))
    of_keras = sort_lines(line for loader in keras for line in loader.tensorflow)
    return of_keras or own


def _within(keras: Collection[Loader], tensorflow_lines: Collection[str]) -> tuple[Loader, ...]:
    """The Keras lines that run on one of the TensorFlow lines; all of them where none does."""
    fitting = tuple(loader for loader in keras if not set(loader.tensorflow).isdisjoint(tensorflow_lines))
    return fitting or tuple(keras)


def _plain_loaders(provenance: Provenance, tensorflow_lines: Collection[str]) -> tuple[Loader, ...]:
    if provenance.format.startswith("keras"):
        return ()
    return tuple(loader for loader in tensorflow_loaders() if loader.line in tensorflow_lines)


# --- Python and labels ---------------------------------------------------------------------------------------


def _python_lines(provenance: Provenance) -> tuple[str, ...]:
    """The Pythons that all marshalled code in the artifact agrees on."""
    groups = [set(item.writer_lines) for item in provenance.code if item.writer_lines]
    return sort_lines(set.intersection(*groups)) if groups else ()


_BYTES_LITERAL = re.compile(r"""b(['"])(.*)\1""")


def _plain_label(recorded: str) -> str:
    """The label without the ``b'…'`` that some savers wrote around it."""
    literal = _BYTES_LITERAL.fullmatch(recorded)
    return literal[2] if literal else recorded


def line_of_label(recorded: str | None) -> str | None:
    """The line of a recorded version, such as ``2.9`` for ``2.9.0-dev20220227``; ``None`` where it names none."""
    version = _version_of_label(recorded)
    return None if version is None else line_of(version)


_LABEL = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")


def _version_of_label(recorded: str | None) -> Version | None:
    """The numbers a label begins with: ``0.12.head``, ``1.0.0-rc2`` and ``2.9.0-dev20220227`` name a line too."""
    match = _LABEL.match(_plain_label(recorded)) if recorded else None
    try:
        return Version(match[1]) if match else None
    except InvalidVersion:
        return None
