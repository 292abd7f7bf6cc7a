"""Stand-ins for what the main job asks: resolvers, and who hears of its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import ResolutionError
from envlock.reporter import SilentReporter
from envlock.resolution import Pin, PinnedFile, Resolution
from envlock.target import Target
from envlock.writers import WRITERS


@dataclass
class StandIn:
    """Takes what is kept, or the newest of its releases that satisfies; what it has none of is there as it is pinned."""

    name: str = "offline"
    releases: dict[str, list[str]] = field(default_factory=lambda: {"pip": ["23.1", "23.2", "24.0"]})
    error: Exception | None = None
    has_addresses: bool = False
    needs_interpreter: bool = False
    asked: list[tuple[list[str], list[str], list[str]]] = field(default_factory=list)
    """Requirements, constraints and kept pins of every question."""

    @property
    def asks_index(self) -> bool:
        return self.name != "offline"

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        del target, interpreter
        self.asked.append(tuple([str(item) for item in items] for items in (requirements, constraints, kept)))
        if self.error is not None:
            raise self.error
        pins = [self._pin(item, constraints, kept) for item in requirements]
        return Resolution(pins=tuple(sorted(pins, key=lambda pin: pin.name)), engine=self.name)

    def _pin(self, requirement: Requirement, constraints: Sequence[Requirement], kept: Sequence[Requirement]) -> Pin:
        bounds = [item.specifier for item in (requirement, *constraints) if item.name == requirement.name]
        pinned = [item.version for item in requirement.specifier if item.operator == "=="]
        fitting = [
            version
            for version in self.releases.get(requirement.name, pinned)
            if all(bound.contains(version) for bound in bounds)
        ]
        if not fitting:
            error = ResolutionError(f"{requirement}", f"{self.name} has no {requirement}")
            error.hint = "take --engine uv" if requirement.name not in self.releases else "ask for another"
            raise error
        preferred = [item.specifier for item in kept if item.name == requirement.name]
        fitting.sort(key=lambda version: any(item.contains(version) for item in preferred))
        name = f"{requirement.name.replace('-', '_')}-{fitting[-1]}-py3-none-any.whl"
        url = f"https://index.example/{name}" if self.has_addresses else None
        file = PinnedFile(name=name, sha256=sha256(name.encode()).hexdigest(), url=url)
        return Pin(name=requirement.name, version=Version(fitting[-1]), files=(file,), via=())


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def wanted(*texts: str) -> tuple[Requirement, ...]:
    return tuple(map(Requirement, texts))


def pins_of(path: Path) -> dict[str, str]:
    return {name: str(version) for name, version in WRITERS[0].read_pins(path.read_text()).items()}
