"""Reporters of the command line: everything goes to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from envlock.formats.text import printable
from envlock.reporter import Reporter, SilentReporter

if TYPE_CHECKING:
    from rich.status import Status


def choose_reporter(*, quiet: bool, verbose: bool) -> Reporter:
    """Progress is drawn on a terminal only; steps are written as lines where the person asks for them."""
    if quiet:
        return SilentReporter()
    if verbose:
        return LineReporter()
    return SpinnerReporter() if sys.stderr.isatty() else NoteReporter()


class NoteReporter:
    """Shows notes, and no steps: for logs and pipes."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """Take *title* and show nothing."""
        del title
        return nullcontext()

    def note(self, message: str) -> None:
        """Write one line."""
        sys.stderr.write(f"{_told(message)}\n")


class LineReporter(NoteReporter):
    """Writes a line when a step ends, with the seconds it took."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time the block."""
        started = time.perf_counter()
        ending = "failed"
        try:
            yield
            ending = "done"
        finally:
            sys.stderr.write(f"{_told(title)}: {ending} in {time.perf_counter() - started:.2f} s\n")


class SpinnerReporter(NoteReporter):
    """Draws the running step on a terminal; a step within a step takes its place for the while."""

    def __init__(self) -> None:
        # Drawing costs more to import than most commands take.
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._titles: list[str] = []
        self._status: Status | None = None

    def note(self, message: str) -> None:
        """Write one line above what is drawn."""
        self._console.print(_told(message), markup=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Draw *title* while the block runs."""
        self._titles.append(title)
        self._draw()
        try:
            yield
        finally:
            self._titles.pop()
            self._draw()

    def _draw(self) -> None:
        from rich.markup import escape

        if not self._titles and self._status is not None:
            self._status.stop()
            self._status = None
        elif self._titles and self._status is None:
            self._status = self._console.status(escape(_inert(self._titles[-1])))
            self._status.start()
        elif self._titles and self._status is not None:
            self._status.update(escape(_inert(self._titles[-1])))


def _told(message: str) -> str:
    return f"envlock: {_inert(message)}"


def _inert(text: str) -> str:
    """All of *text*: it names files as they are, and one may be named to act on the terminal."""
    return printable(text, len(text))
