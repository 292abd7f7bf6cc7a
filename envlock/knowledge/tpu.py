"""Cloud TPUs: the TPU software, the libtpu and the distribution that belong to a TensorFlow release; operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.knowledge.datafiles import read_json, read_toml
from envlock.knowledge.operations import registry_of
from envlock.knowledge.releases import line_of_text, line_order
from envlock.knowledge.spans import holds
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


def runs_on_tpu_nodes(version: Version) -> bool:
    """Whether Cloud TPU nodes were made with the line of a TensorFlow release, for what came before TPU software."""
    return admits(read_toml("tpu.toml")["nodes"]["tensorflow"], str(version))


def generations_of_nodes() -> tuple[str, ...]:
    """The TPU generations that there were nodes of."""
    return tuple(read_toml("tpu.toml")["nodes"]["generations"])


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


def operations_of_tpus(names: Iterable[str]) -> tuple[str, ...]:
    """Those of *names* that a TPU runs and nothing else."""
    marks = read_toml("tpu.toml")["marks"]
    return tuple(name for name in names if any(mark in name for mark in marks))


def operations_beyond_tpus(names: Iterable[str], line: str) -> tuple[str, ...]:
    """Those of *names* that a TensorFlow line has and XLA does not compile there; nothing before the first known line.

    A TPU fails where they stand in what it is to compile; outside of that, its host runs them.
    """
    table, registry = read_json("tpu_operations.json"), registry_of(line)
    lines = [line_of_text(version) for version in table["versions"]]
    earlier = [index for index, known in enumerate(lines) if line_order(known) <= line_order(line)]
    if not earlier or registry is None:
        return ()
    compiled = {name for name, spans in table["operations"].items() if holds(spans, earlier[-1])}
    candidates = [name for name in names if registry.has(name)]
    harmless = compiled.union(read_toml("tpu.toml")["host"], operations_of_tpus(candidates))
    return tuple(name for name in candidates if name not in harmless)
