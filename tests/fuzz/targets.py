"""What is fuzzed: a name, the real artifacts to start from, and what to do with each input.

A target takes any bytes and either returns or raises an EnvlockError; everything else is a bug. Artifacts are read from
memory, through the same readers; projects lie in a temporary folder.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from unittest.mock import patch

from envlock.artifacts import read_provenance
from envlock.artifacts.checkpoint import CheckpointReader
from envlock.artifacts.frozen_graph import GraphDefReader
from envlock.artifacts.graph import GraphCensus
from envlock.artifacts.interface import ArtifactReader
from envlock.artifacts.keras_architecture import KerasJsonReader, KerasYamlReader
from envlock.artifacts.keras_config import read_configuration, read_objects, read_training_code
from envlock.artifacts.meta_graph import read_meta_graph
from envlock.artifacts.meta_graph_file import MetaGraphReader
from envlock.artifacts.mlflow_folder import MlflowReader
from envlock.artifacts.tflite import TfliteReader
from envlock.cli.documents import inspection_document
from envlock.cli.rendering import render_inspection
from envlock.dating import date_artifact
from envlock.errors import MissingArtifactError
from envlock.formats.archive import Archive
from envlock.formats.hdf5.file import Hdf5File
from envlock.formats.hdf5.storage import Storage
from envlock.formats.json_text import parse_json
from envlock.formats.marshal import read_code_lines
from envlock.formats.protobuf import LENGTH_DELIMITED, Span, WireReader
from envlock.formats.ranges import RangeReader
from envlock.formats.snappy import decompress
from envlock.formats.tensor_bundle import read_tensor_bundle
from envlock.inspection import Inspection
from envlock.inspection.findings import find_findings
from envlock.inspection.integrity import check_integrity
from envlock.knowledge.bytecode import code_formats
from envlock.loadability import find_custom_objects
from envlock.provenance import Provenance
from envlock.recording import SCHEMA, render_stamp
from envlock.stamps import parse_stamp
from tests.fuzz.answers import answer_all, leave_the_terminal_alone, read_project_with, recognise_traceback

ASSETS = Path(__file__).parent.parent / "assets"

_LARGEST_SEED = 128 * 1024
_MEMBER_LIMIT = 32 * 1024 * 1024
_SAVED_MODEL = "saved_model.pb"
_KERAS_FILES = ("*/*.h5", "*/*.keras")
_VARIABLES_INDEX = "variables/variables.index"
_HUB_MODULE = "tfhub_module.pb"

_MLFLOW_FILES = {
    "MLmodel": b"""\
artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.tensorflow
    python_version: 3.8.10
  tensorflow:
    data: data
    keras_version: '2.6.0'
mlflow_version: 2.3.1
""",
    "requirements.txt": b"mlflow==2.3.1\ntensorflow==2.6.0\nnumpy>=1.19,<2\n",
    "conda.yaml": b"dependencies:\n- python=3.8.10\n- pip<=23\n- pip:\n  - tensorflow[and-cuda]==2.6.0\nname: env\n",
    "python_env.yaml": b"python: 3.8.10\nbuild_dependencies:\n- pip==23\ndependencies:\n- -r requirements.txt\n",
}


@dataclass(frozen=True, slots=True)
class MemorySource:
    """An artifact that exists in memory alone."""

    path: Path
    contents: Mapping[str, bytes]
    """The artifact under the empty name, or every file of a folder."""

    is_folder: bool = field(init=False)

    def __post_init__(self) -> None:
        """See which of the two it is."""
        object.__setattr__(self, "is_folder", "" not in self.contents)

    def open(self, name: str = "") -> AbstractContextManager[BinaryIO]:
        """Open a file of the artifact."""
        if name not in self.contents:
            raise MissingArtifactError(str(self.path / name), reason="no such file")
        return closing(io.BytesIO(self.contents[name]))

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Names directly in the folder, or in *folder* of it."""
        start = f"{folder}/" if folder else ""
        names = {name[len(start) :].partition("/")[0] for name in self.contents if name.startswith(start)}
        return tuple(sorted(names - {""}))

    def files(self, *parts: str) -> Mapping[str, int]:
        """Sizes of the files of a folder, or of those among and within *parts*."""
        found = (name for name in sorted(self.contents) if name and (not parts or self._is_part(name, parts)))
        return {name: len(self.contents[name]) for name in found}

    def beside(self) -> None:
        """Nothing stands beside it."""

    def within(self, name: str) -> MemorySource:
        """The file or folder *name* as an artifact of its own."""
        inside = {
            path[len(name) :].lstrip("/"): data for path, data in self.contents.items() if self._is_part(path, (name,))
        }
        return MemorySource(self.path / name, inside)

    @staticmethod
    def _is_part(name: str, parts: tuple[str, ...]) -> bool:
        return any(name == part or name.startswith(f"{part}/") for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One reader under attack."""

    name: str
    seeds: Callable[[], tuple[bytes, ...]]
    """Well-formed inputs to start from, in a stable order."""

    run: Callable[[bytes], object]


Conclude = Callable[[Provenance], None]


# --- whole artifacts -----------------------------------------------------------------------------------------


def _inspect_file(data: bytes) -> None:
    """All that ``envlock inspect`` does with a file, without the disk."""
    _conclude(read_provenance(MemorySource(Path("model.h5"), {"": data})))


def _answer_file(data: bytes) -> None:
    """What the commands beyond ``inspect`` say of a file."""
    answer_all(read_provenance(MemorySource(Path("model.h5"), {"": data})))


def _inspect_archive_member(name: str, conclude: Conclude | None = None) -> Callable[[bytes], None]:
    """Read an archive whose member *name* is hostile, and all else sound: its checksum would stop other mutations."""

    def run(data: bytes) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member, content in {**_members_of_an_archive(), name: data}.items():
                archive.writestr(member, content)
        (conclude or _conclude)(read_provenance(MemorySource(Path("model.keras"), {"": packed.getvalue()})))

    return run


def _inspect_folder(replaced: str, *, beside: str = "", conclude: Conclude | None = None) -> Callable[[bytes], None]:
    """Read a SavedModel in which the file *replaced* is hostile, and which has the file *beside* otherwise."""

    def run(data: bytes) -> None:
        contents = {**_files_of_a_folder(beside or replaced), replaced: data}
        (conclude or _conclude)(read_provenance(MemorySource(Path("model"), contents)))

    return run


def _inspect_mlflow_folder(replaced: str) -> Callable[[bytes], None]:
    """Read an MLflow folder around a SavedModel, in which the file *replaced* is hostile."""

    def run(data: bytes) -> None:
        model = {f"data/model/{name}": content for name, content in _files_of_a_folder(_SAVED_MODEL).items()}
        _conclude(MlflowReader().read(MemorySource(Path("model"), {**model, **_MLFLOW_FILES, replaced: data})))

    return run


def _check_integrity(contents: Mapping[str, bytes]) -> None:
    """All that ``--deep`` adds."""
    for finding in check_integrity(MemorySource(Path("model.h5"), contents)):
        leave_the_terminal_alone(finding.message)


def _check_unverified_integrity(data: bytes) -> None:
    """The same of a file whose own checksums of metadata are taken on trust."""
    with patch.object(Storage, "verify", lambda *_, **__: None):
        _check_integrity({"": data})


def _conclude(provenance: Provenance) -> None:
    """Infer and print, and make sure that nothing of the artifact acts on the terminal."""
    saver = date_artifact(provenance)
    custom = find_custom_objects(provenance, saver)
    findings = find_findings(provenance, saver, custom)
    inspection = Inspection(provenance=provenance, saver=saver, custom=custom, findings=findings)
    leave_the_terminal_alone(render_inspection(inspection))
    json.dumps(inspection_document(inspection))


def _read_with(reader: ArtifactReader, name: str) -> Callable[[bytes], None]:
    """Read a file with one reader, though another may claim it first."""

    def run(data: bytes) -> None:
        _conclude(reader.read(MemorySource(Path(name), {"": data})))

    return run


@cache
def _members_of_an_archive() -> Mapping[str, bytes]:
    with zipfile.ZipFile(ASSETS / "keras" / "tf-2.21-functional.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def _files_of_a_folder(needed: str) -> Mapping[str, bytes]:
    """The newest SavedModel that has the file *needed*."""
    folder = next(
        path for path in sorted((ASSETS / "saved_model").iterdir(), reverse=True) if (path / needed).is_file()
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- formats -------------------------------------------------------------------------------------------------


def _walk_hdf5(data: bytes) -> None:
    """Look at every object, attribute and small dataset that hard links lead to, up to a fixed number."""
    file = Hdf5File(RangeReader(io.BytesIO(data)))
    pending = ["/"]
    for _ in range(50):
        if not pending:
            break
        path = pending.pop()
        file.attributes(path)
        if file.dataset(path) is not None:
            file.values(path)
        links = islice(file.members(path), 50)
        pending += [f"{path}/{link.name}" for link in links if link.kind == "hard"]


def _walk_unverified_hdf5(data: bytes) -> None:
    """The same without checksums, which stop most mutations of the newer layouts before they reach anything."""
    with patch.object(Storage, "verify", lambda *_, **__: None):
        _walk_hdf5(data)


def _read_zip(data: bytes) -> None:
    archive = Archive(RangeReader(io.BytesIO(data)))
    for member in archive.members:
        archive.read_member(member.name, limit=_MEMBER_LIMIT)
        archive.open_member(member.name, limit=_MEMBER_LIMIT)


def _walk_messages(data: bytes) -> None:
    """Take every payload for a message, as deep as it goes and at most 12 deep."""
    wire = WireReader(data, where="message")
    pending: list[tuple[Span, int]] = [(wire.root, 0)]
    while pending:
        span, depth = pending.pop()
        for _, wire_type, payload in wire.fields(span):
            if wire_type == LENGTH_DELIMITED and depth < 12 and payload[1] - payload[0] < 4096:
                pending.append((payload, depth + 1))


def _read_graph(data: bytes) -> None:
    wire = WireReader(data, where="graph")
    census = GraphCensus(wire)
    census.add_graph(wire.root, location="graph")
    census.operations()
    census.code()


def _read_meta_graph(data: bytes) -> None:
    wire = WireReader(data, where="meta graph")
    read_meta_graph(wire, wire.root, GraphCensus(wire), location="meta graph")


def _read_keras_config(data: bytes) -> None:
    config = parse_json(data, where="config")
    read_objects(config, location="config")
    read_training_code(config, location="config")
    read_configuration(config, location="config")


def _read_bundle(data: bytes) -> None:
    read_tensor_bundle(RangeReader(io.BytesIO(data)), where="index")


# --- seeds ---------------------------------------------------------------------------------------------------


def _files(*patterns: str) -> Callable[[], tuple[bytes, ...]]:
    """The assets that fit one of *patterns*, small ones alone: mutation of a large file hits nothing."""

    def read() -> tuple[bytes, ...]:
        paths = sorted(path for pattern in patterns for path in ASSETS.glob(pattern))
        return tuple(path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= _LARGEST_SEED)

    return read


def _payloads(*numbers: int) -> Callable[[], tuple[bytes, ...]]:
    """What stands under the fields *numbers*, one within the other, of every SavedModel among the assets."""

    def read() -> tuple[bytes, ...]:
        return tuple(content for seed in _files(f"*/*/{_SAVED_MODEL}")() for content in _descend(seed, numbers))

    return read


def _descend(data: bytes, numbers: tuple[int, ...]) -> list[bytes]:
    wire = WireReader(data, where="seed")
    spans = [wire.root]
    for number in numbers:
        spans = [payload for span in spans for payload in wire.payloads(span, number)]
    return [data[start:end] for start, end in spans]


def _configurations() -> tuple[bytes, ...]:
    texts = [
        text
        for seed in _files("*/*.h5")()
        for text in _texts_of(Hdf5File(RangeReader(io.BytesIO(seed))))
        if len(text) <= _LARGEST_SEED
    ]
    return (*dict.fromkeys(texts), _members_of_an_archive()["config.json"])


def _texts_of(file: Hdf5File) -> list[bytes]:
    values = (file.attribute(name) for name in ("model_config", "training_config"))
    return [value.encode() for value in values if isinstance(value, str)]


def _bytecode() -> tuple[bytes, ...]:
    table = json.loads((ASSETS / "bytecode" / "bytecode.json").read_text())
    return tuple(base64.b64decode(code) for line in table.values() for code in line.values())


def _snappy_blocks() -> tuple[bytes, ...]:
    # A literal, a copy that overlaps itself, one with a two-byte and one with a four-byte offset, a long literal.
    return (
        b"\x05\x10hello",
        b"\x0a\x04ab\x1d\x02",
        b"\x10\x14abcdef\x16\x06\x00\x0f\x04\x00\x00\x00\x08xyz",
        b"\x80\x02\xf0\xff" + bytes(range(256)),
        b"\x80\x02\xf4\xff\x00" + bytes(range(256)),
    )


def _stamps() -> tuple[bytes, ...]:
    document: list[tuple[str, list[tuple[str, object]]]] = [
        ("", [("schema", SCHEMA), ("time", "2026-01-02T03:04:05Z"), ("verified", True)]),
        ("artifact", [("sha256", "0" * 64), ("bytes", 23728)]),
        ("environment", [("python", "3.8.18"), ("platform", "Linux x86_64")]),
        ("environment.distributions", [("numpy", "1.19.5"), ("tensorflow-cpu", "2.4.4")]),
        ("verification", [("loader", "tf.keras"), ("how", "tf.keras.models.load_model(path)")]),
    ]
    return tuple(render_stamp("for a test", document[:count]).encode() for count in (4, 5))


def _answer_names(data: bytes) -> None:
    """An archive that is sound, and in which everything that may be called anything is called so."""
    name = data.decode(errors="replace")
    settings = {"name": name, name: name, "activation": name, "units": name}
    layers = [{"class_name": name, "module": name, "registered_name": name, "name": name, "config": settings}]
    config = {"class_name": "Functional", "module": "keras", "config": {"name": name, "layers": layers}}
    _inspect_archive_member("config.json", answer_all)(json.dumps(config).encode())


def _names() -> tuple[bytes, ...]:
    return (
        b"Dense",
        b"Addons>GELU",
        b"relu",
        b"a'b\"c\\d\n# e",
        "\x1b[31m\u202e".encode(),
        b"</script><b>",
        b"x" * 1000,
    )


def _tracebacks() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((ASSETS.parent / "cases" / "tracebacks").glob("*.txt")))


_PROJECT_FILES = {
    "requirements.txt": b"--extra-index-url https://host/simple\n-r base.txt\ntensorflow[and-cuda]==2.3.1 ; python_version < '3.9'\n"
    b"-e git+https://me:secret@host/tool.git@1a2b#egg=tool\nnumpy>=1.16.*,<2 --hash=sha256:00\n",
    "setup.py": b"from setuptools import setup\nneeds = ['tensorflow>=1.12,<2']\nneeds += ['keras==2.2.4']\n"
    b"setup(name='old', python_requires='>=3.5', install_requires=needs, extras_require={'gpu': ['tensorflow-gpu']})\n",
    "setup.cfg": b"[options]\npython_requires = >=3.6\ninstall_requires =\n    tensorflow==2.3.*\n    six\n",
    "pyproject.toml": b'[project]\nrequires-python = ">=3.8"\ndependencies = ["tensorflow>=2.4"]\n'
    b'[tool.poetry.dependencies]\npython = "^3.6"\nkeras = {version = "~2.3", optional = true}\n',
    "Pipfile": b'[packages]\ntensorflow = "==1.15.2"\ntool = {git = "https://host/tool.git"}\n[requires]\npython_version = "3.7"\n',
    "environment.yml": b"dependencies:\n- python=3.6.9\n- tensorflow-gpu=1.12.0=py36_0\n- pip:\n  - keras==2.2.4\n  - -f wheels\n",
    "Dockerfile": b"FROM tensorflow/tensorflow:1.15.2-gpu-py3\nRUN pip3 install keras==2.3.1 \\\n && pip install -r needs.txt\n",
    ".github/workflows/test.yml": b"jobs:\n  test:\n    strategy:\n      matrix:\n        python-version: [3.6, '3.7']\n",
    "train.py": b"from __future__ import print_function\nimport tensorflow as tf, cv2\nfrom keras.layers.core import Dense\n"
    b"try:\n    import yaml\nexcept ImportError:\n    pass\ntf.contrib.slim.conv2d(tf.placeholder(tf.float32))\n",
    "train.ipynb": b'{"cells": [{"cell_type": "code", "source": ["!pip install tensorflow==2.3\\n", "import tensorflow as tf\\n"]}],'
    b' "metadata": {"language_info": {"name": "python", "version": "3.7.3"}}}',
}
"""What an old project holds, by the name of the file."""


TARGETS: tuple[Target, ...] = (
    Target(name="hdf5", seeds=_files("hdf5/*.h5", "keras/*.h5"), run=_walk_hdf5),
    Target(name="hdf5-unverified", seeds=_files("hdf5/*latest*.h5", "hdf5/*v108*.h5"), run=_walk_unverified_hdf5),
    Target(name="zip", seeds=_files("*/*.keras"), run=_read_zip),
    Target(name="wire", seeds=_files("*/*/*.pb"), run=_walk_messages),
    Target(name="graph-def", seeds=_payloads(2, 2), run=_read_graph),
    Target(name="meta-graph", seeds=_payloads(2), run=_read_meta_graph),
    Target(name="tensor-bundle", seeds=_files("*/*/variables/*.index", "*/*.index", "*/*/*.index"), run=_read_bundle),
    Target(
        name="snappy",
        seeds=_snappy_blocks,
        run=lambda data: decompress(data, where="block", origin=0, limit=4 * 1024 * 1024),
    ),
    Target(name="marshal", seeds=_bytecode, run=lambda data: read_code_lines(data, code_formats(), where="bytecode")),
    Target(name="json", seeds=_configurations, run=lambda data: parse_json(data, where="text")),
    Target(name="keras-config", seeds=_configurations, run=_read_keras_config),
    Target(name="file", seeds=_files("*/*.*"), run=_inspect_file),
    Target(name="archive-config", seeds=_configurations, run=_inspect_archive_member("config.json")),
    Target(name="archive-weights", seeds=_files("*/*.weights.h5"), run=_inspect_archive_member("model.weights.h5")),
    Target(name="saved-model", seeds=_files(f"*/*/{_SAVED_MODEL}"), run=_inspect_folder(_SAVED_MODEL)),
    Target(name="keras-metadata", seeds=_files("*/*/keras_metadata.pb"), run=_inspect_folder("keras_metadata.pb")),
    Target(
        name="variables-index",
        seeds=_files("*/*/variables/*.index"),
        run=_inspect_folder(_VARIABLES_INDEX),
    ),
    Target(
        name="hub-module",
        # ModuleDef: format and required features.
        seeds=lambda: (b"\x08\x03", b"\x08\x03\x12\x07feature\x12\x05other"),
        run=_inspect_folder(_HUB_MODULE, beside=_SAVED_MODEL),
    ),
    Target(name="graph-file", seeds=_files("graphs/*/*.pb"), run=_read_with(GraphDefReader(), "model.pb")),
    Target(name="graph-text", seeds=_files("graphs/*/*.pbtxt"), run=_read_with(GraphDefReader(), "model.pbtxt")),
    Target(name="meta-graph-file", seeds=_files("*/*/*.meta"), run=_read_with(MetaGraphReader(), "model.meta")),
    Target(name="checkpoint", seeds=_files("*/*/*.index"), run=_read_with(CheckpointReader(), "model.index")),
    Target(name="tflite", seeds=_files("*/*.tflite"), run=_read_with(TfliteReader(), "model.tflite")),
    Target(name="architecture", seeds=_files("*/*.json"), run=_read_with(KerasJsonReader(), "model.json")),
    Target(name="yaml", seeds=_files("*/*.yaml"), run=_read_with(KerasYamlReader(), "model.yaml")),
    Target(name="stamp", seeds=_stamps, run=lambda data: parse_stamp(data, where="stamp")),
    *(
        Target(name=f"mlflow-{name}", seeds=lambda seed=content: (seed,), run=_inspect_mlflow_folder(name))
        for name, content in _MLFLOW_FILES.items()
    ),
    Target(name="answers", seeds=_files(*_KERAS_FILES, "*/*.tflite", "graphs/*/*.pb*"), run=_answer_file),
    Target(name="answers-archive", seeds=_configurations, run=_inspect_archive_member("config.json", answer_all)),
    Target(
        name="answers-saved-model",
        seeds=_files(f"*/*/{_SAVED_MODEL}"),
        run=_inspect_folder(_SAVED_MODEL, conclude=answer_all),
    ),
    Target(name="answers-names", seeds=_names, run=_answer_names),
    Target(name="traceback", seeds=_tracebacks, run=recognise_traceback),
    *(
        Target(name=f"project-{name}", seeds=lambda seed=content: (seed,), run=read_project_with(name))
        for name, content in _PROJECT_FILES.items()
    ),
    Target(
        name="deep",
        seeds=_files("hdf5/*.h5", *_KERAS_FILES, "*/*.tflite"),
        run=lambda data: _check_integrity({"": data}),
    ),
    Target(
        name="deep-unverified",
        seeds=_files("hdf5/*latest*.h5", "hdf5/*v108*.h5"),
        run=_check_unverified_integrity,
    ),
    Target(
        name="deep-variables",
        seeds=_files("*/*/variables/*.index"),
        run=lambda data: _check_integrity({**_files_of_a_folder(_VARIABLES_INDEX), _VARIABLES_INDEX: data}),
    ),
)
"""Every format and every reader; a new reader of files is met by ``file`` as soon as it has assets."""
