"""How library code tells what it is doing: it never prints."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Reporter(Protocol):
    """Receives the progress of a pipeline, step by step."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """A step that takes a while: entered when it starts, left when it ends, by an exception where it fails."""

    def note(self, message: str) -> None:
        """One line that a person should see even where no progress is drawn."""


class SilentReporter:
    """Says nothing: for library use and tests."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """Take *title* and show nothing."""
        del title
        return nullcontext()

    def note(self, message: str) -> None:
        """Take *message* and show nothing."""
