"""Keras models and weights in HDF5 files, whatever Keras since 1.0 wrote them and whatever they are named.

Format: keras/saving/hdf5_format.py (groups and attributes of whole models and of weights),
keras/saving/saving_lib.py (weights of Keras 3 and of TensorFlow 2.12 on).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.keras_config import KerasConfiguration, read_configuration, read_objects, read_training_code
from envlock.errors import DamagedFileError, NotAModelError
from envlock.formats.hdf5.superblock import find_hdf5_signature
from envlock.formats.json_text import parse_json
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Code, ConfigObject, Evidence, Finding, Provenance

if TYPE_CHECKING:
    from envlock.formats.hdf5.file import Hdf5File

_MODEL_WEIGHTS = "model_weights"
_OPTIMIZER_WEIGHTS = "optimizer_weights"
_LAYER_DEPENDENCIES = "_layer_checkpoint_dependencies"
_INPUTS = "input_layer"
"""Name of the layers without weights that stand for inputs, which are counted otherwise."""

_TREE_LAYERS = ("layers", _LAYER_DEPENDENCIES)
_TREE_OPTIMIZER = "optimizer"
_TREE_MEMBERS = frozenset({"layers", "vars", _LAYER_DEPENDENCIES})
"""One of these is at the top of weights that are stored by the attributes of the Python objects."""

_SUFFIXES = frozenset({".h5", ".hdf5"})
_WEIGHTS_SUFFIX = ".weights.h5"
_SHOWN_MEMBERS = 8
_NO_MODELS = (b"MATLAB ", b"PK\x03\x04", b"PK\x05\x06")
"""How files begin in which HDF5 stands further in: those of MATLAB, and zip archives."""

_OTHER_WRITERS = {
    "PYTABLES_FORMAT_VERSION": "PyTables or pandas",
    "_NCProperties": "netCDF",
    "encoding-type": "AnnData",
    "HDF5-version": "the NeXus tools",
}
"""Attribute of the root group, and the programs that set it."""


class KerasHdf5Reader:
    """Reads whole models and weights from HDF5 files."""

    formats: tuple[ArtifactFormat, ...] = ("keras-hdf5",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* starts an HDF5 file. A zip can hold the signature of HDF5 further in."""
        del source
        return find_hdf5_signature(head) and not head.startswith(_NO_MODELS)

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the model or the weights of *source*.

        Raises:
            ArtifactError: It is damaged, hostile, or holds neither model nor weights of Keras.
        """
        # Files of all other kinds are shown to this reader first.
        from envlock.formats.hdf5.file import Hdf5File

        with source.open() as stream:
            reader = RangeReader(stream)
            file = Hdf5File(reader)
            model = _read_text(file, "model_config")
            if model is not None:
                return _read_model(file, model, path=source.path, size=reader.size)
            return _read_weights(file, path=source.path, size=reader.size)


def weights_traits(file: Hdf5File) -> frozenset[str]:
    """Marks of the layout of weights that are stored by the attributes of the Python objects; empty for others."""
    names = _member_names(file)
    top = {name.partition("\\")[0] for name in names}
    traits = set()
    if not _TREE_MEMBERS.isdisjoint(top):
        traits.add("object-tree-weights")
    if _LAYER_DEPENDENCIES in top:
        traits.add("layer-checkpoint-dependencies")
        traits.update(_numbering_traits(link.name for link in file.members(_LAYER_DEPENDENCIES)))
    if any("\\" in name for name in names):
        traits.add("backslash-keys")
    return frozenset(traits)


def _numbering_traits(layers: Iterable[str]) -> Iterator[str]:
    """How several layers of one class are told apart: ``dense`` from ``dense_1``, or from ``dense_2``."""
    numbers: defaultdict[str, set[str]] = defaultdict(set)
    for layer in layers:
        name, _, number = layer.rpartition("_")
        if number in {"1", "2"} and name != _INPUTS:
            numbers[name].add(number)
    if any("1" in found for found in numbers.values()):
        yield "layers-numbered-in-turn"
    if any("1" not in found for found in numbers.values()):
        yield "layers-numbered-by-twos"


# --- whole models --------------------------------------------------------------------------------------------


class _Training(NamedTuple):
    """What ``training_config`` tells; empty for a model that was never compiled."""

    evidence: tuple[Evidence, ...] = ()
    objects: tuple[ConfigObject, ...] = ()
    code: tuple[Code, ...] = ()
    traits: frozenset[str] = frozenset()


def _read_model(file: Hdf5File, text: str, *, path: Path, size: int) -> Provenance:
    where = _attribute_location("model_config")
    model = read_configuration(parse_json(text, where=where), location="model_config")
    training = _read_training(file)
    has_weights = file.has(_MODEL_WEIGHTS)
    return Provenance(
        path=path,
        format="keras-hdf5",
        content="model" if has_weights else "architecture",
        size=size,
        evidence=(*_saver_evidence(file), _model_evidence(model), *training.evidence),
        objects=model.objects + training.objects,
        inputs=model.inputs,
        code=model.code + training.code,
        findings=(*_check_suffix(path), *_check_weights(has_weights)),
        traits=model.traits | training.traits | _suffix_traits(path),
    )


def _model_evidence(model: KerasConfiguration) -> Evidence:
    return Evidence(
        fact="model-config", value=model.objects[0].class_name, location=_attribute_location("model_config")
    )


def _read_training(file: Hdf5File) -> _Training:
    text = _read_text(file, "training_config")
    if text is None:
        return _Training()
    where = _attribute_location("training_config")
    config = parse_json(text, where=where)
    objects = read_objects(config, location="training_config")
    optimizer = next((item.class_name for item in objects if item.kind == "optimizer"), "")
    return _Training(
        evidence=(
            Evidence(fact="training-config", value=optimizer, location=where),
            *_optimizer_evidence(file),
        ),
        objects=objects,
        code=read_training_code(config, location="training_config"),
        traits=frozenset({"compiled"}),
    )


def _optimizer_evidence(file: Hdf5File) -> Iterator[Evidence]:
    if file.has(_OPTIMIZER_WEIGHTS):
        yield Evidence(fact="optimizer-weights", value="present", location=f"group {_OPTIMIZER_WEIGHTS}")


def optimizer_evidence(file: Hdf5File, *, member: str = "") -> Iterator[Evidence]:
    """Whether weights of Keras 3 and of TensorFlow 2.12 on hold the state of an optimizer.

    *member* is what the file is called in the archive that it stands in.
    """
    if file.members(_TREE_OPTIMIZER):
        place = f"group {_TREE_OPTIMIZER}" + (f" of {member}" if member else "")
        yield Evidence(fact="optimizer-weights", value="present", location=place)


def _tree_evidence(file: Hdf5File) -> Iterator[Evidence]:
    for group in _TREE_LAYERS:
        names = [link.name for link in file.members(group)]
        if names:
            yield Evidence(fact="layer-names", value=", ".join(names), location=f"group {group}")
    yield from optimizer_evidence(file)


# --- weights alone -------------------------------------------------------------------------------------------


def _read_weights(file: Hdf5File, *, path: Path, size: int) -> Provenance:
    """Read a file without a model's configuration.

    Raises:
        NotAModelError: There are no weights either.
    """
    layers = next(_layer_evidence(file), None)
    tree = weights_traits(file)
    if layers is None and "object-tree-weights" not in tree:
        raise NotAModelError(
            str(path),
            found=f"an HDF5 file{_other_writer(file)} with {_describe_members(file)}",
            hint="pass the file that the model was saved to; this one comes from another program or step",
        )
    saver = tuple(_saver_evidence(file))
    # Keras 1 wrote a version into models alone, and every Keras since into both.
    unversioned = {"unversioned-weights"} if layers is not None and not saver else set()
    return Provenance(
        path=path,
        format="keras-hdf5",
        content="weights",
        size=size,
        evidence=(*saver, *([layers] if layers else _tree_evidence(file))),
        findings=(*_check_suffix(path), *_check_weights_suffix(path, is_tree=layers is None)),
        traits=tree | unversioned | _suffix_traits(path),
    )


def _layer_evidence(file: Hdf5File) -> Iterator[Evidence]:
    """Names of the layers, which stand at the top, or in ``model_weights`` where a model was taken apart."""
    for group in ("/", _MODEL_WEIGHTS):
        names = file.chunked_attribute("layer_names", group)
        if names:
            yield Evidence(
                fact="layer-names", value=", ".join(names), location=_attribute_location("layer_names", group)
            )


def _other_writer(file: Hdf5File) -> str:
    names = file.attributes()
    return next((f" of {writer}" for name, writer in _OTHER_WRITERS.items() if name in names), "")


def _describe_members(file: Hdf5File) -> str:
    names = _member_names(file)
    if not names:
        return "nothing in it"
    shown = ", ".join(printable(name, 40) for name in names[:_SHOWN_MEMBERS])
    return shown if len(names) <= _SHOWN_MEMBERS else f"{shown} and {len(names) - _SHOWN_MEMBERS} more"


# --- what both have ------------------------------------------------------------------------------------------


def _saver_evidence(file: Hdf5File) -> Iterator[Evidence]:
    for fact, name in (("keras-version", "keras_version"), ("backend", "backend")):
        for group in ("/", _MODEL_WEIGHTS):
            value = file.attribute(name, group)
            if value is not None:
                yield Evidence(fact=fact, value=str(value), location=_attribute_location(name, group))
                break


def _attribute_location(name: str, group: str = "/") -> str:
    return f"attribute {name} of {group}"


def _read_text(file: Hdf5File, name: str) -> str | None:
    value = file.attribute(name)
    if value is None or isinstance(value, str):
        return value
    raise DamagedFileError(_attribute_location(name), "expected text, found another type")


def _member_names(file: Hdf5File) -> list[str]:
    return [link.name for link in file.members()]


def _suffix_traits(path: Path) -> frozenset[str]:
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return frozenset()
    return frozenset({"named-keras" if suffix == ".keras" else "not-named-hdf5"})


def _check_suffix(path: Path) -> Iterator[Finding]:
    suffix = path.suffix.lower()
    if suffix == ".keras":
        yield Finding(
            reference="wrong-extension",
            severity="warning",
            message="an HDF5 file named .keras, as TensorFlow up to 2.12 writes it; Keras 3 expects a zip there",
            hint="rename it to end in .h5",
        )
    elif suffix not in _SUFFIXES:
        yield Finding(
            reference="wrong-extension",
            severity="warning",
            message=f"an HDF5 file named {printable(suffix) or 'without an ending'}; Keras 3 goes by the name alone",
            hint="rename it to end in .h5",
        )


def _check_weights(has_weights: bool) -> Iterator[Finding]:
    if not has_weights:
        yield Finding(
            reference="missing-weights",
            severity="error",
            message="the file holds the configuration of a model, but no weights",
            hint="get the file of its weights, and load them into the model",
        )


def _check_weights_suffix(path: Path, *, is_tree: bool) -> Iterator[Finding]:
    """Keras chooses the reader of weights by the name: the layouts differ, and either looks empty to the other."""
    is_named_tree = path.name.lower().endswith(_WEIGHTS_SUFFIX)
    if is_tree and not is_named_tree:
        yield Finding(
            reference="weights-extension",
            severity="warning",
            message="weights in the layout of .weights.h5 under another name: Keras takes them for the older layout",
            hint=f"rename it to end in {_WEIGHTS_SUFFIX}",
        )
    elif is_named_tree and not is_tree:
        yield Finding(
            reference="weights-extension",
            severity="warning",
            message="weights in the older layout named .weights.h5: newer Keras takes them for its own layout",
            hint="rename it to end in .h5 only",
        )
