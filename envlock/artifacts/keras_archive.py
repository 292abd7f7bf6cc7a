"""Keras models in zip archives, as Keras 3 and TensorFlow 2.12 on write them, whatever they are named.

Format: keras/saving/saving_lib.py: ``metadata.json``, ``config.json``, and weights as HDF5 or as NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envlock.artifacts.foreign import describe_archive
from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.keras_config import KerasConfiguration, read_configuration, read_objects, read_training_code
from envlock.artifacts.keras_hdf5 import optimizer_evidence, weights_traits
from envlock.errors import DamagedFileError
from envlock.formats.json_text import LARGEST_TEXT, parse_json
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.formats.zip_signature import find_zip_signature
from envlock.provenance import ArtifactFormat, Code, Evidence, Finding, Provenance

if TYPE_CHECKING:
    from envlock.formats.archive import Archive
    from envlock.formats.hdf5.file import Hdf5File

_METADATA = "metadata.json"
_CONFIG = "config.json"
_HDF5_WEIGHTS = "model.weights.h5"
_WEIGHTS = (_HDF5_WEIGHTS, "model.weights.npz", "model.weights.json")
"""As one HDF5 file, as NumPy arrays, as an index of several HDF5 files."""

_FACTS = {"keras_version": "keras-version", "date_saved": "date-saved"}
_LARGEST_PACKED_WEIGHTS = 16 * 1024 * 1024
"""Keras stores weights as they are; packed ones have to be unpacked in memory for a look at their layout."""


class KerasArchiveReader:
    """Reads whole models from zip archives."""

    formats: tuple[ArtifactFormat, ...] = ("keras-archive",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* starts a zip archive, of Keras or not."""
        del source
        return find_zip_signature(head)

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the model of *source*.

        Raises:
            ArtifactError: It is damaged, hostile, or an archive of something else.
        """
        # Files of most other kinds are shown to this reader first.
        from envlock.formats.archive import Archive

        with source.open() as stream:
            reader = RangeReader(stream)
            archive = Archive(reader)
            if _METADATA not in archive or _CONFIG not in archive:
                raise describe_archive(source.path, [member.name for member in archive.members])
            return _read_archive(archive, path=source.path, size=reader.size)


def _read_archive(archive: Archive, *, path: Path, size: int) -> Provenance:
    metadata, config = _read_object(archive, _METADATA), _read_object(archive, _CONFIG)
    training = config.get("compile_config")
    model = read_configuration(config, location=_CONFIG)
    weights = [name for name in _WEIGHTS if name in archive]
    file = _open_weights(archive)
    return Provenance(
        path=path,
        format="keras-archive",
        content="model" if weights else "architecture",
        size=size,
        evidence=(
            *_metadata_evidence(metadata),
            *_content_evidence(model, weights),
            *(optimizer_evidence(file, member=_HDF5_WEIGHTS) if file else ()),
        ),
        objects=model.objects + read_objects(training, location="compile_config"),
        inputs=model.inputs,
        code=model.code + read_training_code(training, location="compile_config") + _escaping_members(archive),
        findings=(*_check_suffix(path), *_check_weights(weights)),
        traits=model.traits | _archive_traits(archive, training, path) | (weights_traits(file) if file else set()),
    )


def _read_object(archive: Archive, name: str) -> Mapping[str, Any]:
    value = parse_json(archive.read_member(name, limit=LARGEST_TEXT), where=name)
    if not isinstance(value, dict):
        raise DamagedFileError(name, "expected a JSON object")
    return value


def _metadata_evidence(metadata: Mapping[str, Any]) -> Iterator[Evidence]:
    for key, fact in _FACTS.items():
        if isinstance(metadata.get(key), str):
            yield Evidence(fact=fact, value=metadata[key], location=f"{key} of {_METADATA}")


def _content_evidence(model: KerasConfiguration, weights: list[str]) -> Iterator[Evidence]:
    yield Evidence(fact="model-config", value=model.objects[0].class_name, location=_CONFIG)
    for name in weights:
        yield Evidence(fact="weights", value="present", location=name)


def _archive_traits(archive: Archive, training: object, path: Path) -> frozenset[str]:
    names = [member.name for member in archive.members]
    traits = set()
    if training:
        traits.add("compiled")
    if any("\\" in name for name in names):
        traits.add("backslash-keys")
    if any(name.startswith("assets/") for name in names):
        traits.add("assets")
    if path.suffix.lower() != ".keras":
        traits.add("not-named-keras")
    return frozenset(traits)


def _open_weights(archive: Archive) -> Hdf5File | None:
    """The weights in HDF5; ``None`` where there are none, or too large ones would have to be unpacked."""
    from envlock.formats.hdf5.file import Hdf5File

    member = next((member for member in archive.members if member.name == _HDF5_WEIGHTS), None)
    if member is None or (member.compressed_size < member.size and member.size > _LARGEST_PACKED_WEIGHTS):
        return None
    return Hdf5File(archive.open_member(_HDF5_WEIGHTS, limit=_LARGEST_PACKED_WEIGHTS))


def _escaping_members(archive: Archive) -> tuple[Code, ...]:
    """Members that would be written outside of the folder which Keras extracts the assets to."""
    return tuple(
        Code(kind="file-operation", name=member.name, location="zip directory")
        for member in archive.members
        if member.escapes
    )


def _check_suffix(path: Path) -> Iterator[Finding]:
    suffix = path.suffix.lower()
    if suffix != ".keras":
        yield Finding(
            reference="wrong-extension",
            severity="warning",
            message=f"a .keras archive named {printable(suffix) or 'without an ending'}; Keras goes by the name alone",
            hint="rename it to end in .keras",
        )


def _check_weights(weights: list[str]) -> Iterator[Finding]:
    if not weights:
        yield Finding(
            reference="missing-weights",
            severity="error",
            message="the archive holds the configuration of a model, but no weights",
            hint="get the whole archive, or its weights in a file of their own",
        )
