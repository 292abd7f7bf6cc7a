"""What TensorFlow's wheels ask of a platform: who carries them, the least system, the instructions, Metal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits

if TYPE_CHECKING:
    from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelOrigin:
    """Where the library of a TensorFlow release comes from on one platform."""

    carried_by: str
    """The distribution whose wheel holds it."""

    is_asked_for_by_name: bool
    """Whether that distribution has to be named, since nothing requires it."""

    system: str | None
    """The least version of glibc or macOS, by the platform tag of the wheel; ``None`` on Windows."""


def wheel_origin_of(version: Version, platform: str) -> WheelOrigin | None:
    """Where a TensorFlow release comes from on *platform*, such as ``linux_x86_64``; ``None`` where it is not there."""
    release = str(version)
    for row in read_toml("platforms.toml")["wheel"]:
        if row["platform"] == platform and admits(row["releases"], release) and "carried_by" in row:
            return WheelOrigin(
                carried_by=row["carried_by"],
                is_asked_for_by_name=not row.get("is_required", True),
                system=row.get("system"),
            )
    return None


def instructions_needed(version: Version, platform: str) -> frozenset[str]:
    """Instructions without which the processor cannot import a TensorFlow release, as ``/proc/cpuinfo`` calls them."""
    return frozenset(
        name
        for row in read_toml("platforms.toml")["instructions"]
        if platform in row["platforms"] and admits(row["releases"], str(version))
        for name in row["names"]
    )


def metal_for(version: Version) -> Requirement | None:
    """The plug-in that brings the GPUs of Macs to a TensorFlow release; ``None`` before there was one."""
    from packaging.requirements import Requirement

    for row in read_toml("platforms.toml")["metal"]:
        if admits(row["tensorflow"], str(version)):
            return Requirement(f"{row['distribution']}{row['releases']}")
    return None
