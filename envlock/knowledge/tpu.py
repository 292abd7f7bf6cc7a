"""Cloud TPUs: the TPU software, the libtpu and the distribution that belong to a TensorFlow release."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits


@dataclass(frozen=True, slots=True, kw_only=True)
class TpuDistribution:
    """TensorFlow for TPUs as a wheel."""

    requirement: Requirement
    libtpu: Requirement
    """As the metadata of the wheel asks for it."""

    is_indexed: bool
    """Whether the package index has that libtpu."""


def tpu_platforms() -> tuple[str, ...]:
    """The platforms of the machines that have TPUs, such as ``linux_x86_64``."""
    return tuple(read_toml("tpu.toml")["platforms"])


def tpu_generations() -> tuple[str, ...]:
    """Every TPU generation that is known, oldest first."""
    rows = read_toml("tpu.toml")["generation"]
    return tuple(dict.fromkeys(generation for row in rows for generation in row["generations"]))


def tpu_software_for(version: Version, generation: str, *, has_several_hosts: bool = False) -> str | None:
    """The name of the TPU software with a TensorFlow release; ``None`` where that generation does not run it."""
    for row in read_toml("tpu.toml")["generation"]:
        if generation in row["generations"] and "tensorflow" in row and admits(row["tensorflow"], str(version)):
            name: str = row["name"]
            return name.format(version=version, pod="-pod" if has_several_hosts else "")
    return None


def libtpu_for(version: Version) -> str | None:
    """The version of libtpu in the TPU software with a TensorFlow release; ``None`` where it is not known."""
    rows = read_toml("tpu.toml")["runtime"]
    return next((row["libtpu"] for row in rows if row["tensorflow"] == str(version)), None)


def tpu_distribution_for(version: Version) -> TpuDistribution | None:
    """The wheel of a TensorFlow release for TPUs; ``None`` where there is none."""
    for row in read_toml("tpu.toml")["distribution"]:
        if admits(row["tensorflow"], str(version)):
            return TpuDistribution(
                requirement=Requirement(f"{row['name']}=={version}"),
                libtpu=Requirement(row["requirement"]),
                is_indexed=row["is_indexed"],
            )
    return None
