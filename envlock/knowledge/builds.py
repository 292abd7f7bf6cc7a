"""Builds of a TensorFlow release for a device: what to install on a target, and what else must be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from envlock.knowledge.families import member_for_cpu
from envlock.knowledge.platform_support import metal_for, wheel_origin_of
from envlock.knowledge.releases import Release, find_release, releases_of
from envlock.knowledge.specifiers import admits
from envlock.target import Device, Target

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from envlock.knowledge.accelerators import CudaBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One way to install a TensorFlow release."""

    release: Release
    """Of the member of the TensorFlow family that is installed."""

    requirements: tuple[str, ...]
    """As they are written: the member pinned, with the extra and the plug-in that the device asks for."""

    needs: tuple[str, ...]
    """What no installer brings, for a person to see to."""


def build_for(version: Version, target: Target, device: Device, *, member: str | None = None) -> Build | None:
    """How a TensorFlow release is installed for *device*; ``None`` where there is no such build for the target.

    *member* is the one of the family that it has to be where no accelerator decides; ``None``: the smallest.
    """
    match device:
        case "cpu":
            return _cpu(version, target, member)
        case "cuda":
            return _cuda(version, target)
        case "tpu":
            return _tpu(version, target)
        case "metal":
            return _metal(version, target)


def _cpu(version: Version, target: Target, member: str | None) -> Build | None:
    if not _has_library(version, target):
        return None
    if member is None:
        smallest = member_for_cpu("tensorflow", version, python=target.python, platform=target.platform.name)
        return _build(smallest) if smallest else None
    release = find_release(member, version)
    return _build(release) if release and release.supports(target.python, target.platform.name) else None


def _has_library(version: Version, target: Target) -> bool:
    """Whether the wheel that holds the library exists for *target*: what requires it may be there without it."""
    origin = wheel_origin_of(version, target.platform.name)
    carrier = find_release(origin.carried_by, version) if origin else None
    # Of a distribution without a table it is only known for which releases it is there.
    return origin is not None and (carrier is None or carrier.supports(target.python, target.platform.name))


def _cuda(version: Version, target: Target) -> Build | None:
    # Here as below: most environments are for processors, and must not wait for the tables of other devices.
    from envlock.knowledge.accelerators import cuda_for

    build = cuda_for(version)
    if build is None or target.platform.name not in build.platforms:
        return None
    brings_cuda = build.extra is not None and (not build.extra_python or admits(build.extra_python, target.python))
    for distribution in build.distributions:
        release = find_release(distribution, version)
        if release is not None and release.supports(target.python, target.platform.name):
            extra = build.extra if brings_cuda else None
            return _build(release, extra=extra, needs=tuple(_cuda_needs(build, target, brings_cuda=brings_cuda)))
    return None


def _cuda_needs(build: CudaBuild, target: Target, *, brings_cuda: bool) -> Iterator[str]:
    from envlock.knowledge.accelerators import driver_for

    driver = driver_for(build.cuda, "windows" if target.platform.system == "Windows" else "linux")
    yield f"an NVIDIA driver, {driver.to_run} or newer"
    if not brings_cuda:
        yield f"CUDA {build.cuda} and cuDNN {build.cudnn}, installed beside Python"
    if build.capabilities:
        later = f", compiled at first start for later ones from {build.ptx} on" if build.ptx else ""
        yield f"a GPU of compute capability {', '.join(build.capabilities)}{later}"


def _tpu(version: Version, target: Target) -> Build | None:
    from envlock.knowledge.tpu import tpu_distribution_for, tpu_generations, tpu_platforms, tpu_software_for

    member = find_release("tensorflow", version)
    if member is None or target.platform.name not in tpu_platforms():
        return None
    if not member.supports(target.python, target.platform.name):
        return None
    distribution = tpu_distribution_for(version)
    if distribution is not None:
        needs = () if distribution.is_indexed else (f"libtpu, as {distribution.libtpu}",)
        return Build(release=member, requirements=(str(distribution.requirement),), needs=needs)
    software = dict.fromkeys(filter(None, (tpu_software_for(version, name) for name in tpu_generations())))
    if not software:
        return None
    return _build(member, needs=(f"a Cloud TPU with the software {' or '.join(software)}",))


def _metal(version: Version, target: Target) -> Build | None:
    plug_in = metal_for(version)
    if plug_in is None or not _has_library(version, target) or not _has_wheel(plug_in, target):
        return None
    member = member_for_cpu("tensorflow", version, python=target.python, platform=target.platform.name)
    return _build(member, others=(str(plug_in),)) if member else None


def _has_wheel(requirement: Requirement, target: Target) -> bool:
    return any(
        release.supports(target.python, target.platform.name)
        for release in releases_of(requirement.name)
        if release.version in requirement.specifier
    )


def _build(
    release: Release,
    *,
    extra: str | None = None,
    others: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Build:
    name = f"{release.distribution}[{extra}]" if extra else release.distribution
    return Build(release=release, requirements=(f"{name}=={release.version}", *others), needs=needs)
