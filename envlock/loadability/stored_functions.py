"""Functions whose bytecode an artifact holds: the Pythons that they need, and the names that they look up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from envlock.knowledge.global_names import is_builtin, module_called
from envlock.knowledge.loaders import Loader
from envlock.knowledge.specifiers import admits
from envlock.loadability.objects import is_of_training
from envlock.loadability.verdict import Reason, listed
from envlock.provenance import Provenance

if TYPE_CHECKING:
    from envlock.knowledge.api_uses import DatedName

_TENSORFLOW = "tf"


def bytecode_failures(provenance: Provenance, dated: Iterable[DatedName], loader: Loader) -> Iterator[Reason]:
    """Marshalled code means something in some Pythons alone, and *dated* names are there in some releases alone."""
    readers = provenance.code_readers if provenance.format.startswith("keras") else None
    if readers is not None and readers.isdisjoint(loader.pythons):
        message = f"{loader.name} does not run on Python {listed(readers)}, which its bytecode is for"
        yield Reason(reference="python-bytecode", message=message)
    missing = [item.name for item in dated if not any(admits(item.releases, line) for line in loader.tensorflow)]
    if missing:
        message = f"a stored function looks up {listed(missing)}, which no TensorFlow has that {loader.name} runs on"
        yield Reason(reference="missing-name", message=message)


def names_looked_up(provenance: Provenance) -> tuple[str, ...]:
    """Global names that the stored functions of a Keras model look up, and that their Python does not have; sorted.

    A SavedModel brings what its functions compute, and can do without.
    """
    return tuple(sorted({dotted.partition(".")[0] for dotted in _lookups(provenance)}))


def dated_lookups(provenance: Provenance) -> Iterator[DatedName]:
    """What stored functions look up of TensorFlow that not all of its releases have."""
    for dotted in dict.fromkeys(_lookups(provenance)):
        name, _, rest = dotted.partition(".")
        module = module_called(name)
        if module is not None and module.expression == _TENSORFLOW and rest:
            # Few models hold code.
            from envlock.knowledge.api_uses import dated_names

            yield from (item for item in dated_names(f"tensorflow.{rest}") if item.distribution == "tensorflow")


def _lookups(provenance: Provenance) -> Iterator[str]:
    if provenance.format.startswith("keras"):
        for item in provenance.code:
            if not is_of_training(item.location):
                pythons = item.reader_lines
                yield from (dotted for dotted in item.lookups if not is_builtin(dotted.partition(".")[0], pythons))
