"""What each release of TensorFlow was built with, and what it writes into models: the view of ``tensorflow.json``."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple, cast

from packaging.version import Version

from envlock.knowledge.datafiles import read_json
from envlock.knowledge.releases import line_of_text

MessageStyle = Literal["descriptors", "descriptors+serialized_options", "builder", "runtime_checked"]


class KerasInside(NamedTuple):
    """The Keras that a release brings: its own, one that it requires, or none."""

    kind: Literal["bundled", "external", "none"]
    versions: frozenset[str]
    """What its own Keras calls itself, with TensorFlow 2 behaviour on or off; empty where it is not its own."""

    as_installed: str | None
    """The one of *versions* that a process has in which nothing was switched."""

    requirement: str | None
    """What the metadata requires, as written, where it is a distribution of its own."""


class GpuBuild(NamedTuple):
    """What the wheel for NVIDIA devices on Linux was built for."""

    distribution: str
    """The distribution whose wheel it is: ``tensorflow`` or ``tensorflow-gpu``."""

    cuda: str
    cudnn: str
    """As exactly as the wheel says: ``7``, or ``8.9.6``."""

    capabilities: tuple[str, ...]
    """Compute capabilities with machine code, ascending, such as ``8.0``; devices of the same major run it too."""

    portable_from: str | None
    """The capability whose intermediate code newer devices can compile when they run it; None where none is said."""

    has_tensorrt: bool


class TensorFlowFacts(NamedTuple):
    """One final release of TensorFlow."""

    version: Version
    producer: int
    """What it writes into graphs as their producer version."""

    producer_date: str | None
    """Day on which that number was raised, ``YYYY-MM-DD``; None before 1.14."""

    least_producer: int
    """The oldest producer whose graphs it reads."""

    checkpoint: int
    keras: KerasInside
    protobuf: str
    """The release of protobuf that is compiled in."""

    message_style: MessageStyle
    """How its Python message modules were generated; all but the ``descriptors`` ones can be read by protobuf 4."""

    least_protobuf: str | None
    """The oldest protobuf that the message modules accept, where they check."""

    gpu: GpuBuild | None
    is_gpu_wheel: bool
    """Whether the wheel named ``tensorflow`` itself is the one for GPUs."""


@cache
def facts_of(version: Version) -> TensorFlowFacts | None:
    """What is known of a release; None where nothing is."""
    row = _rows().get(str(version))
    return None if row is None else _facts(version, row)


@cache
def facts_of_line(line: str) -> tuple[TensorFlowFacts, ...]:
    """What is known of the releases of a line, oldest first; empty where the line is unknown."""
    known = (Version(version) for version in _versions_by_line().get(line, ()))
    return tuple(facts for facts in map(facts_of, known) if facts is not None)


@cache
def keras_of_line(line: str) -> tuple[KerasInside, ...]:
    """The Keras of each release of a line, oldest first; empty where the line is unknown."""
    return tuple(_keras(_rows()[version]["keras"]) for version in _versions_by_line().get(line, ()))


@cache
def producers() -> tuple[tuple[str, int], ...]:
    """Line and producer number of every release, oldest first; a line may have several numbers."""
    return tuple((line_of_text(version), row["producer"]) for version, row in _rows().items())


def _rows() -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = read_json("tensorflow.json")["releases"]
    return rows


@cache
def _versions_by_line() -> dict[str, list[str]]:
    by_line: dict[str, list[str]] = {}
    for version in _rows():
        by_line.setdefault(line_of_text(version), []).append(version)
    return by_line


def _facts(version: Version, row: dict[str, Any]) -> TensorFlowFacts:
    return TensorFlowFacts(
        version=version,
        producer=row["producer"],
        producer_date=row.get("producer_date"),
        least_producer=row["min_producer"],
        checkpoint=row["checkpoint"],
        keras=_keras(row["keras"]),
        protobuf=row["protobuf_cpp"],
        message_style=cast("MessageStyle", row["pb2_style"]),
        least_protobuf=row.get("pb2_gencode"),
        gpu=_gpu(row["gpu"]) if "gpu" in row else None,
        is_gpu_wheel=row["tensorflow_wheel_is_gpu"],
    )


def _keras(row: dict[str, Any]) -> KerasInside:
    own = row["kind"] == "bundled"
    names = [row[key] for key in ("version", "tf2_enabled", "tf2_disabled") if own and key in row]
    return KerasInside(
        kind=row["kind"],
        versions=frozenset(names),
        as_installed=row.get("as_installed", row.get("version")) if own else None,
        requirement=row.get("requires"),
    )


def _gpu(row: dict[str, Any]) -> GpuBuild:
    # "3.5" up to TensorFlow 2.2; then "sm_35" for machine code alone and "compute_80" for intermediate code as well.
    names: list[str] = row["capabilities"]
    portable = [_capability(name) for name in names if name.startswith("compute_")]
    return GpuBuild(
        distribution=row.get("wheel", "tensorflow"),
        cuda=row["cuda"],
        cudnn=row["cudnn"],
        capabilities=tuple(map(_capability, names)),
        portable_from=portable[-1] if portable else None,
        has_tensorrt=row.get("tensorrt", False),
    )


def _capability(name: str) -> str:
    digits = name.rpartition("_")[2]
    return digits if "." in digits else f"{digits[:-1]}.{digits[-1]}"
