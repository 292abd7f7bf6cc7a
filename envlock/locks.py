"""A resolution, pinned for one target, with the evidence that led to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement

from envlock.candidates import EnvironmentCandidate
from envlock.formats.text import without_credentials
from envlock.knowledge.datafiles import database_digest
from envlock.provenance import Evidence, Provenance
from envlock.resolution import Pin, Resolution
from envlock.target import Target

_TELLING_FACTS = ("tensorflow-version", "git-version", "keras-version", "backend", "graph-producer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Every distribution of an environment with its hashes, and why it is this one."""

    artifact: str
    """File or folder name of the artifact, without its path: locks travel."""

    loader: str
    """The implementation and line that is to load it, such as ``tf.keras 2.4``."""

    requirements: tuple[str, ...]
    """What was asked for by name, or by an address without its credentials."""

    constraints: tuple[str, ...]
    """Corrected bounds that metadata lacks."""

    target: Target
    pins: tuple[Pin, ...]
    """Sorted by name."""

    evidence: tuple[Evidence, ...]
    """The recorded versions that the choice rests on."""

    engine: str
    database: str
    """Digest of the tables that the choice rests on."""

    command: tuple[str, ...] = ()
    """The arguments that made it, the program first; empty where no command did."""

    @property
    def build_constraints(self) -> str | None:
        """What sources are to be built with, a requirement a line; ``None`` where nothing is built."""
        lines = sorted({requirement for pin in self.pins for requirement in pin.build})
        return "".join(f"{line}\n" for line in lines) or None

    @property
    def digest(self) -> str:
        """SHA-256 over the target and every pin: two locks of one digest install the same files."""
        rows = [f"{self.target.python} {self.target.platform.tag}"]
        rows += [f"{pin.name}=={pin.version} {' '.join(pin.hashes)}" for pin in self.pins]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def pin(
    resolution: Resolution,
    *,
    provenance: Provenance,
    candidate: EnvironmentCandidate,
    besides: Sequence[Requirement] = (),
    command: Sequence[str] = (),
) -> Lock:
    """Lock the *resolution* of a *candidate* for the artifact of *provenance*.

    *besides* is what was asked for beside what the candidate needs, *command* the arguments that asked for all of it.
    """
    return Lock(
        artifact=provenance.path.absolute().name,
        loader=candidate.loader.name,
        requirements=tuple(
            dict.fromkeys(without_credentials(str(requirement)) for requirement in (*candidate.requirements, *besides))
        ),
        constraints=tuple(sorted({str(bound.requirement) for bound in candidate.bounds})),
        target=candidate.target,
        pins=resolution.pins,
        evidence=tuple(item for item in provenance.evidence if item.fact in _TELLING_FACTS),
        engine=resolution.engine,
        database=database_digest(),
        command=tuple(command),
    )
