"""NVIDIA GPUs: the CUDA build of a TensorFlow release, the driver it needs, and whether it runs on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.releases import latest_of_line, lines_of
from envlock.knowledge.specifiers import admits

GpuSupport = Literal["native", "compiled", "none", "unknown"]
"""``native``: machine code is there; ``compiled``: from PTX, at the first start and for half an hour or longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaBuild:
    """A build of TensorFlow for NVIDIA GPUs."""

    distributions: tuple[str, ...]
    """Those that carry it, the one to ask for first."""

    extra: str | None
    """The extra of it that brings CUDA and cuDNN as wheels; ``None`` where they have to be there already."""

    extra_python: str
    """Specifier of the Pythons that the extra can be installed on; empty where on all."""

    platforms: tuple[str, ...]
    cuda: str
    """The version it was built with, such as ``11.2``."""

    cudnn: str
    """The least version that it accepts; a later minor version of the same major version will do."""

    tensorrt: str | None
    """The version it was built with; ``None`` where it is built without, or nothing is known."""

    capabilities: tuple[str, ...]
    """Compute capabilities that it has machine code for, lowest first; empty where they are not known."""

    ptx: str | None
    """The compute capability that it has PTX for, for later GPUs to compile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The least NVIDIA drivers for a CUDA version on one operating system."""

    to_compile: str
    """Of the toolkit itself: needed where kernels are compiled from PTX."""

    to_run: str
    """Enough where machine code is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One compute capability."""

    capability: str
    architecture: str
    boards: tuple[str, ...]
    """Examples."""

    first_cuda: str
    """The first CUDA version that knows it."""

    last_cuda: str | None
    """The last CUDA major version that does; ``None`` where that lies ahead."""


def cuda_for(version: Version) -> CudaBuild | None:
    """The CUDA build of a TensorFlow release; ``None`` where none is known."""
    rows = read_toml("accelerators.toml")["build"]
    return next((_build(row) for row in rows if admits(row["releases"], str(version))), None)


def driver_for(cuda: str, system: Literal["linux", "windows"]) -> Driver:
    """The drivers that a CUDA version needs.

    Raises:
        LookupError: No TensorFlow is built with that version.
    """
    for row in read_toml("accelerators.toml")["driver"]:
        if row["cuda"] == cuda:
            return Driver(to_compile=row[system], to_run=row.get(f"{system}_shared", row[system]))
    raise LookupError(cuda)


def gpus() -> tuple[Gpu, ...]:
    """Every compute capability that is known, lowest first."""
    return tuple(
        Gpu(
            capability=row["capability"],
            architecture=row["architecture"],
            boards=tuple(row["boards"]),
            first_cuda=row["first_cuda"],
            last_cuda=row.get("last_cuda"),
        )
        for row in read_toml("accelerators.toml")["gpu"]
    )


def support_for(build: CudaBuild, capability: str) -> GpuSupport:
    """How *build* runs on a GPU of that compute capability."""
    if not build.capabilities or build.ptx is None:
        return "unknown"
    if any(_runs_code_of(capability, built) for built in build.capabilities):
        return "native"
    if _number(build.ptx) <= _number(capability) and _is_known_to(build.cuda, capability):
        return "compiled"
    return "none"


def first_line_for(capability: str) -> str | None:
    """The first TensorFlow line whose last release runs on a GPU of that compute capability, compiled or not."""
    for line in lines_of("tensorflow"):
        release = latest_of_line("tensorflow", line)
        build = cuda_for(release.version) if release else None
        if build and support_for(build, capability) in {"native", "compiled"}:
            return line
    return None


def reports_on(version: Version, capability: str) -> tuple[str, ...]:
    """What people saw of a TensorFlow release on a GPU newer than its build."""
    return tuple(
        row["seen"]
        for row in read_toml("accelerators.toml")["report"]
        if row["capability"] == capability and admits(row["releases"], str(version))
    )


def _build(row: dict[str, Any]) -> CudaBuild:
    return CudaBuild(
        distributions=tuple(row["distributions"]),
        extra=row.get("extra"),
        extra_python=row.get("extra_python", ""),
        platforms=tuple(row["platforms"]),
        cuda=row["cuda"],
        cudnn=row["cudnn"],
        tensorrt=row.get("tensorrt"),
        capabilities=tuple(row.get("capabilities", ())),
        ptx=row.get("ptx"),
    )


def _runs_code_of(capability: str, built: str) -> bool:
    """Whether a GPU runs machine code of another compute capability: the same major one, the same or a lower minor."""
    return _number(built)[0] == _number(capability)[0] and _number(built) <= _number(capability)


def _is_known_to(cuda: str, capability: str) -> bool:
    """Whether the libraries of a CUDA version have machine code that a GPU runs."""
    return any(_number(first) <= _number(cuda) for first in _first_cuda_versions(capability))


def _first_cuda_versions(capability: str) -> Iterator[str]:
    return (gpu.first_cuda for gpu in gpus() if _runs_code_of(capability, gpu.capability))


def _number(dotted: str) -> tuple[int, ...]:
    return tuple(int(part) for part in dotted.split("."))
