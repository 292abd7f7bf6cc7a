"""Reporters of the command line: everything goes to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from envlock.reporter import Reporter, SilentReporter


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
        sys.stderr.write(f"envlock: {message}\n")


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
            sys.stderr.write(f"envlock: {title}: {ending} in {time.perf_counter() - started:.2f} s\n")


class SpinnerReporter(NoteReporter):
    """Draws the running step on a terminal."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Draw *title* while the block runs."""
        # Drawing costs more to import than most commands take.
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status(escape(title)):
            yield
