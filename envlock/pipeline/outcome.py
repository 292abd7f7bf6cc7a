"""What ``from-model`` made of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envlock.candidates import EnvironmentCandidate
from envlock.environment import Environment
from envlock.environment.kernel import Kernel
from envlock.inspection import Inspection
from envlock.locks import Lock
from envlock.own_code.definitions import Definition
from envlock.own_code.imports import Need
from envlock.pipeline.attempts import Attempt, PassedOver
from envlock.verification import Verification
from envlock.verification.record import Verified
from envlock.writers import LockWriter

# Types only: few compare environments.
if TYPE_CHECKING:
    from envlock.pipeline.counterpart import Counterpart


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An environment or a lock, and how it came to be."""

    inspection: Inspection
    definitions: Mapping[str, Definition]
    """Where the person's code defines what the model needs, by name."""

    builder: Definition | None
    """What of that code builds the model that weights belong to."""

    candidate: EnvironmentCandidate
    lock: Lock
    lock_path: Path | None
    writer: LockWriter
    """Of the lock."""

    needs: tuple[Need, ...]
    """What the person's code imports and its Python does not bring."""

    added: frozenset[str]
    """Distributions that are in the lock since that code imports them, and for no other reason."""

    environment: Environment | None
    kernel: Kernel | None = None
    script: str | None = None
    """Python that loads the model in the environment; ``None`` where it was not asked for, or no way is known."""

    script_path: Path | None = None
    verified: Verified | None
    """``None`` where it was not asked for, or not done: see *unverified*."""

    is_recalled: bool
    """Whether it was verified by an earlier run, and nothing has changed since."""

    unverified: str | None
    """Why a wanted verification was not done; ``None`` where it was."""

    counterpart: Counterpart | None
    """``None`` where none was asked for, or the model was not verified here."""

    passed_over: tuple[PassedOver, ...]
    attempts: tuple[Attempt, ...]
    seconds: dict[str, float]

    @property
    def verification(self) -> Verification | None:
        """What happened when the model was loaded; ``None`` where it was not."""
        return self.verified.verification if self.verified is not None else None

    def supply_of(self, need: Need) -> Literal["added", "locked", "chosen", "left-out", "unknown"]:
        """Where the environment has what the person's code imports from, or why it has not."""
        if need.distribution is None:
            return "unknown"
        if need.distribution in self.added:
            return "added"
        if any(pin.name == need.distribution for pin in self.lock.pins):
            return "locked"
        return "left-out" if need.first.is_conditional else "chosen"

    @property
    def lock_text(self) -> str:
        """The lock as it is written.

        Raises:
            UnwritableLockError: Its format asks for more than it holds.
        """
        return self.writer.render(self.lock)
