"""What is told while a command runs: always on standard error."""

from __future__ import annotations

import io
import re
import sys

import pytest

from envlock.cli.progress import LineReporter, NoteReporter, SpinnerReporter, choose_reporter
from envlock.reporter import SilentReporter


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("quiet", "verbose", "is_terminal", "kind"),
    [
        (True, False, True, SilentReporter),
        (False, True, True, LineReporter),
        (False, False, True, SpinnerReporter),
        (False, False, False, NoteReporter),
    ],
)
def test_progress_is_drawn_on_terminals_only(
    quiet: bool, verbose: bool, is_terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal() if is_terminal else io.StringIO())

    assert type(choose_reporter(quiet=quiet, verbose=verbose)) is kind


def test_a_step_that_ends_early_is_told_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), LineReporter().step("locking"):
        raise KeyError

    assert re.fullmatch(r"envlock: locking: failed in \d+\.\d\d s\n", capsys.readouterr().err)


def test_steps_may_be_nested_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = choose_reporter(quiet=False, verbose=False)

    with reporter.step("building [.venv]"), reporter.step("install 3 distributions"):
        reporter.note("one [line] of it")

    drawn = terminal.getvalue()
    assert "envlock: one [line] of it" in drawn
    assert "install 3 distributions" in drawn
