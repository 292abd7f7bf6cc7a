"""Architectures without weights: what ``model.to_json()`` and ``model.to_yaml()`` of every Keras since 1.0 return.

Format: keras/models.py and keras/engine/topology.py (Keras 1 and 2), keras/src/models/model.py (Keras 3). YAML was
written up to Keras 2.3 and TensorFlow 2.2; its readers ran whatever its tags asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from envlock.artifacts.interface import ArtifactSource
from envlock.artifacts.keras_config import read_configuration
from envlock.errors import DamagedFileError, LimitExceededError, NotAModelError
from envlock.formats.json_text import LARGEST_TEXT, parse_json
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.formats.yaml_text import Tag, parse_yaml
from envlock.provenance import ArtifactFormat, Code, Evidence, Finding, Provenance

_JSON_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\"\s*)?\{")
_JSON_KEY = re.compile(rb"\\?\"(class_name|modelTopology)\\?\"")
_YAML_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?[^\s\[{<]")
_YAML_KEY = re.compile(rb"^(class_name|backend|keras_version|config):(\s|$)", re.MULTILINE)
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a]")

_FACTS = {"keras_version": "keras-version", "backend": "backend"}
_ARCHITECTURE_ONLY = Finding(
    reference="architecture-only",
    severity="info",
    message="the architecture of a model, without its weights",
    hint="build the model from it, then load its weights from their own file",
)
_WRITTEN_TWICE = Finding(
    reference="encoded-twice",
    severity="warning",
    message="JSON text that was written as JSON once more: Keras expects it as to_json() returned it",
    hint="parse it once with json.load, and pass the text that comes out",
)


class KerasJsonReader:
    """Reads architectures in JSON."""

    formats: tuple[ArtifactFormat, ...] = ("keras-json",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* begins JSON with the keys of a Keras model, also where it was encoded twice."""
        del source
        return _JSON_HEAD.match(head) is not None and _JSON_KEY.search(head) is not None

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the architecture of *source*.

        Raises:
            ArtifactError: It is damaged, hostile, or describes something else than a Keras model.
        """
        text, size = _read_text(source)
        config = parse_json(text, where="JSON")
        is_encoded_twice = isinstance(config, str)
        if isinstance(config, str):
            config = parse_json(config, where="JSON within JSON")
        document = _Document(config, _WRITTEN_TWICE if is_encoded_twice else None)
        return _provenance(document, source.path, "keras-json", size)


class KerasYamlReader:
    """Reads architectures in YAML."""

    formats: tuple[ArtifactFormat, ...] = ("keras-yaml",)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *head* begins text with the keys of a Keras model at the start of its lines."""
        del source
        return bool(_YAML_HEAD.match(head) and _YAML_KEY.search(head) and not _NO_TEXT.search(head))

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the architecture of *source*. Its tags are reported as code and never acted on.

        Raises:
            ArtifactError: It is damaged, hostile, or describes something else than a Keras model.
        """
        text, size = _read_text(source)
        document = parse_yaml(text, where="YAML")
        return _provenance(_Document(document.value, code=_tag_code(document.tags)), source.path, "keras-yaml", size)


class _Document(NamedTuple):
    """A parsed text, and what was noted on the way."""

    value: object
    finding: Finding | None = None
    code: tuple[Code, ...] = ()


def _provenance(document: _Document, path: Path, artifact_format: ArtifactFormat, size: int) -> Provenance:
    config = _require_model(document.value, path)
    model = read_configuration(config, location="config")
    return Provenance(
        path=path,
        format=artifact_format,
        content="architecture",
        size=size,
        evidence=(
            *_version_evidence(config),
            Evidence(fact="model-config", value=model.objects[0].class_name, location="class_name"),
        ),
        objects=model.objects,
        inputs=model.inputs,
        code=model.code + document.code,
        findings=(_ARCHITECTURE_ONLY, *filter(None, [document.finding])),
        traits=model.traits,
    )


def _require_model(config: object, path: Path) -> Mapping[str, Any]:
    if isinstance(config, dict):
        if "modelTopology" in config:
            raise _describe_tensorflow_js(config["modelTopology"], path)
        if isinstance(config.get("class_name"), str) and "config" in config:
            return config
    raise NotAModelError(str(path), found="a document that describes no Keras model")


def _describe_tensorflow_js(topology: object, path: Path) -> NotAModelError:
    """Say what a ``model.json`` of TensorFlow.js was converted from."""
    version = topology.get("keras_version") if isinstance(topology, dict) else None
    origin = f" converted from Keras {printable(version, 20)}" if isinstance(version, str) else ""
    return NotAModelError(
        str(path), found=f"a TensorFlow.js model{origin}", hint="ask for the model that it was converted from"
    )


def _version_evidence(config: Mapping[str, Any]) -> Iterator[Evidence]:
    for key, fact in _FACTS.items():
        if isinstance(config.get(key), str):
            yield Evidence(fact=fact, value=config[key], location=key)


def _tag_code(tags: Iterable[Tag]) -> tuple[Code, ...]:
    """What the readers of Keras would have run: they let the tags of YAML make any Python object."""
    return tuple(Code(kind="python-operation", name=tag.name, location=f"YAML tag in line {tag.line}") for tag in tags)


def _read_text(source: ArtifactSource) -> tuple[str, int]:
    """The text of a file, and its size in bytes."""
    with source.open() as stream:
        reader = RangeReader(stream)
        if reader.size > LARGEST_TEXT:
            raise LimitExceededError("text", what="size in bytes", limit=LARGEST_TEXT, found=reader.size)
        content = reader.read(0, reader.size, where="text")
    try:
        return content.decode("utf-8-sig"), len(content)
    except UnicodeDecodeError as error:
        raise DamagedFileError("text", "is no UTF-8", offset=error.start) from error
