"""Rewrite ``data/tensorflow.json``: what each final release of TensorFlow was built with and writes into its models.

    python data/refresh/tensorflow_facts.py FOLDER [--data DIR] [--allow-fewer]

Everything is read from headers and Python sources inside the wheels, one for Linux x86_64 a release, by range requests;
nothing is imported. What was fetched is kept in FOLDER: a later run fetches only what is new.

=====================================  ==================================================================
field                                  member of the wheel
=====================================  ==================================================================
producer ..., checkpoint               include/tensorflow/core/public/version.h
producer_date                          there: the comment beside TF_GRAPH_DEF_VERSION, from 1.14 on
keras                                  __init__.py of the Keras inside; Requires-Dist of METADATA
protobuf_cpp                           include/google/protobuf/stubs/common.h
pb2_style, pb2_gencode                 core/framework/graph_pb2.py
gpu, tensorflow_wheel_is_gpu           python/platform/build_info.py, cuda_config.h, cudnn_version.h
=====================================  ==================================================================
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from distribution_files import Members, fetch_members, files_to_read, in_parallel
from options import folder_of, harvester_parser
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from tables import read_toml, write_document

from envlock.package_index import IndexFile, PackageIndex
from envlock.uv_process import index_address

GENERATOR = "data/refresh/tensorflow_facts.py"

Row = dict[str, Any]

_INCLUDE = "tensorflow/include"
_GRAPH_VERSIONS = f"{_INCLUDE}/tensorflow/core/public/version.h"
_PROTOBUF_VERSION = f"{_INCLUDE}/google/protobuf/stubs/common.h"
_CUDNN_VERSION = f"{_INCLUDE}/third_party/gpus/cudnn/include/cudnn_version.h"
_GENERATED_MESSAGES = "tensorflow/core/framework/graph_pb2.py"
_BUILD_INFO = "tensorflow/python/platform/build_info.py"

# Where the Keras inside TensorFlow has its version: 1.9 and newer, 1.4 to 1.8, 1.1 to 1.3.
_KERAS_MODULES = (
    "tensorflow/python/keras/__init__.py",
    "tensorflow/python/keras/_impl/keras/__init__.py",
    "tensorflow/contrib/keras/python/keras/__init__.py",
)

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_CUDA_CONFIGURATION = re.compile(r"(?:.*/)?cuda/cuda/cuda_config\.h")

_WANTED = frozenset(
    {_GRAPH_VERSIONS, _PROTOBUF_VERSION, _CUDNN_VERSION, _GENERATED_MESSAGES, _BUILD_INFO, *_KERAS_MODULES}
)


def main() -> None:
    options = harvester_parser(__doc__).parse_args()
    with PackageIndex(index_address()) as index:
        observed = observed_keras(options.data / "bundled_keras.toml")
        releases = read_releases(index, folder=folder_of(GENERATOR, options), observed=observed)
    write_document(
        options.data / "tensorflow.json",
        {"releases": releases},
        generator=GENERATOR,
        source="tensorflow-wheels",
        tables=("releases",),
        allow_fewer=options.allow_fewer,
    )
    print(f"{index.requests} requests, {index.bytes} bytes", file=sys.stderr)


def read_releases(index: PackageIndex, *, folder: Path, observed: Mapping[str, str]) -> dict[str, Row]:
    """Version to its row, oldest first.

    *folder* keeps what was fetched. *observed* names, for ranges of releases whose Keras has one version for either
    TensorFlow behaviour, the version of a new process.
    """
    files = index.files("tensorflow")
    wheels = files_to_read(files)
    gpu_wheels = files_to_read(index.files("tensorflow-gpu"))
    days = _upload_days(files)

    def read(version: Version) -> Row:
        row = _read_release(index, wheels[version], gpu_wheels.get(version), folder)
        return {"date": days[version]} | row | {"keras": _with_observed(row["keras"], version, observed)}

    return dict(zip(map(str, wheels), in_parallel(read, wheels), strict=True))


def _read_release(index: PackageIndex, file: IndexFile, gpu_file: IndexFile | None, folder: Path) -> Row:
    row = describe_wheel(fetch_members(index, file, _is_wanted, folder))
    if "gpu" not in row and gpu_file is not None:
        gpu = read_gpu(fetch_members(index, gpu_file, _is_wanted, folder))
        row |= {"gpu": gpu | {"wheel": "tensorflow-gpu"}} if gpu else {}
    return row | {"read_from": file.name}


def _is_wanted(path: str) -> bool:
    return path in _WANTED or any(pattern.fullmatch(path) for pattern in (_METADATA, _CUDA_CONFIGURATION))


def _matching(members: Members, pattern: re.Pattern[str]) -> str:
    """The first member whose whole path matches; empty where there is none."""
    return next((text for path, text in members.items() if pattern.fullmatch(path)), "")


def describe_wheel(members: Members) -> Row:
    """What one wheel of TensorFlow says of itself."""
    gpu = read_gpu(members)
    return {
        **read_graph_versions(members[_GRAPH_VERSIONS]),
        "keras": read_keras(members),
        "protobuf_cpp": read_protobuf_version(members[_PROTOBUF_VERSION]),
        **read_generated_messages(members[_GENERATED_MESSAGES]),
        **({"gpu": gpu} if gpu else {}),
        "tensorflow_wheel_is_gpu": bool(_build_info(members).get("is_cuda_build", False)),
    }


# --- graphs --------------------------------------------------------------------------------------------------


def read_graph_versions(header: str) -> Row:
    """The numbers that the release writes into graphs and checkpoints, and the oldest that it reads."""
    defined = _definitions(header)
    versions: Row = {
        "producer": int(defined["TF_GRAPH_DEF_VERSION"]),
        "min_producer": int(defined["TF_GRAPH_DEF_VERSION_MIN_PRODUCER"]),
        "min_consumer": int(defined["TF_GRAPH_DEF_VERSION_MIN_CONSUMER"]),
        "checkpoint": int(defined["TF_CHECKPOINT_VERSION"]),
    }
    updated = re.search(r"define TF_GRAPH_DEF_VERSION \d+\s*// Updated: (\d+)/(\d+)/(\d+)", header)
    if updated:
        year, month, day = map(int, updated.groups())
        versions["producer_date"] = f"{year}-{month:02}-{day:02}"
    return versions


def _definitions(header: str) -> dict[str, str]:
    """The macros of a header that stand for a number or a text."""
    return dict(re.findall(r'^\s*#\s*define (\w+) "?([\w.]+)"?', header, flags=re.MULTILINE))


# --- Keras ---------------------------------------------------------------------------------------------------


def read_keras(members: Members) -> Row:
    """Which Keras the release brings: its own (``bundled``), one it requires (``external``), or ``none``."""
    inside = next(filter(None, (read_keras_versions(members.get(path, "")) for path in _KERAS_MODULES)), {})
    required = read_requirement(_matching(members, _METADATA), "keras")
    if required is None:
        return {"kind": "bundled", **inside} if inside else {"kind": "none"}
    # A copy that nothing imports any more was left inside for some releases.
    unused = {"legacy_bundled": inside["version"]} if inside else {}
    return {"kind": "external", "requires": required, **unused}


def read_keras_versions(source: str) -> Row:
    """What ``__version__`` is: always, or with TensorFlow 2 behaviour on and off; empty where it is not set."""
    found: Row = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.If) and "tf2.enabled()" in ast.unparse(node.test):
            found |= {"tf2_enabled": _assigned_version(node.body), "tf2_disabled": _assigned_version(node.orelse)}
        elif version := _assigned_version([node]):
            found["version"] = version
    return found


def _assigned_version(statements: list[ast.stmt]) -> str:
    for node in statements:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    return ""


def read_requirement(metadata: str, name: str) -> str | None:
    """What METADATA requires of *name*, such as ``keras<2.16,>=2.15.0``; None where it does not name it."""
    declared = HeaderParser().parsestr(metadata).get_all("Requires-Dist", [])
    requirements = map(Requirement, declared)
    return next((f"{item.name}{item.specifier}" for item in requirements if item.name == name), None)


def _with_observed(keras: Row, version: Version, observed: Mapping[str, str]) -> Row:
    if "tf2_enabled" not in keras:
        return keras
    return keras | {"as_installed": next(name for range_, name in observed.items() if version in SpecifierSet(range_))}


def observed_keras(table: Path) -> dict[str, str]:
    """Range of TensorFlow releases to the version of Keras in a new process."""
    return {row["tensorflow"]: row["as_installed"] for row in read_toml(table)["observed"]}


# --- protobuf ------------------------------------------------------------------------------------------------


def read_protobuf_version(header: str) -> str:
    """Of the protobuf that is compiled in: ``GOOGLE_PROTOBUF_VERSION`` 3021009 is 3.21.9."""
    number = int(_definitions(header)["GOOGLE_PROTOBUF_VERSION"])
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"


def read_generated_messages(source: str) -> Row:
    """How the Python message modules were generated, which decides the protobuf releases that can import them.

    ``descriptors`` builds every descriptor in Python, which protobuf 4 refuses (``+serialized_options``: not before
    protobuf 3.6); ``builder`` needs 3.20; ``runtime_checked`` refuses a runtime older than ``pb2_gencode``.
    """
    gencode = re.search(r"^# Protobuf Python Version: (\S+)", source, flags=re.MULTILINE)
    if "ValidateProtobufRuntimeVersion" in source and gencode:
        return {"pb2_style": "runtime_checked", "pb2_gencode": gencode[1]}
    if "import builder as _builder" in source:
        return {"pb2_style": "builder"}
    return {"pb2_style": "descriptors+serialized_options" if "serialized_options=" in source else "descriptors"}


# --- GPU -----------------------------------------------------------------------------------------------------


def read_gpu(members: Members) -> Row:
    """CUDA, cuDNN, TensorRT and compute capabilities that the wheel was built for; empty for a wheel without CUDA."""
    info = _build_info(members)
    header = _matching(members, _CUDA_CONFIGURATION)
    defined = _definitions(header)
    if not info.get("is_cuda_build") or "TF_CUDA_VERSION" not in defined:
        return {}
    gpu: Row = {
        "cuda": defined["TF_CUDA_VERSION"],
        "cudnn": _cudnn_version(members) or defined["TF_CUDNN_VERSION"],
        "capabilities": info.get("cuda_compute_capabilities") or re.findall(r'CudaVersion\("([\d.]+)"\)', header),
    }
    return gpu | {"tensorrt": True} if info.get("is_tensorrt_build") else gpu


def _cudnn_version(members: Members) -> str:
    """From the header of cuDNN itself, where the wheel holds it: the configuration knows the major version only."""
    defined = _definitions(members.get(_CUDNN_VERSION, ""))
    parts = [defined.get(f"CUDNN_{part}", "") for part in ("MAJOR", "MINOR", "PATCHLEVEL")]
    return ".".join(parts) if all(parts) else ""


def _build_info(members: Members) -> Row:
    """The constants of build_info.py: single ones, or in a dictionary from 2.3 on; empty before 1.4."""
    info: Row = {}
    for node in ast.parse(members.get(_BUILD_INFO, "")).body:
        match node:
            case ast.Assign(value=ast.Constant(value=value), targets=[ast.Name(id=name)]):
                info[name] = value
            case ast.Assign(value=ast.Dict() as dictionary):
                info |= ast.literal_eval(dictionary)
            case ast.Assign(value=ast.Call(args=[pairs])):  # collections.OrderedDict([...])
                info |= ast.literal_eval(pairs)
    return info


# --- dates ---------------------------------------------------------------------------------------------------


def _upload_days(files: tuple[IndexFile, ...]) -> dict[Version, str]:
    """Release to the day on which its first file was uploaded, UTC."""
    days: dict[Version, str] = {}
    for file in files:
        version = Version(file.name.split("-")[1].removesuffix(".tar.gz"))
        days[version] = min(days.get(version, "9999"), (file.uploaded or "9999")[:10])
    return days


if __name__ == "__main__":
    main()
