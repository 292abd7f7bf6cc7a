"""An explanation as text for a person, 80 columns wide, and as JSON document."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from envlock.cli.documents import Document, inspection_document
from envlock.cli.rendering import describe_artifact
from envlock.explanation.loading import pythons_of, way_to_load
from envlock.explanation.runs import general_reasons
from envlock.explanation.wording import (
    VERDICTS,
    describe_bytecode,
    describe_choice,
    describe_doubt,
    describe_narrowing,
    describe_reasons,
    describe_run,
    describe_saver,
    describe_switch,
    describe_tensorflow,
    implementation_name,
    next_commands,
    no_choice,
)
from envlock.formats.text import printable
from envlock.knowledge.releases import lines_of
from envlock.loadability import VerdictName

if TYPE_CHECKING:
    from envlock.candidates import EnvironmentCandidate
    from envlock.explanation import Explanation
    from envlock.explanation.narrowing import Narrowing
    from envlock.explanation.runs import Run
    from envlock.loadability import Verdict

_WIDTH = 80
_REASONS_SHOWN = 2
_FINDINGS_SHOWN = 10
_ALL = 1000

Paint = Callable[[str, VerdictName], str]
"""Gives a word the colour of a verdict, or leaves it as it is."""


def choose_paint() -> Paint:
    """Colours where standard output is a terminal that has them and nobody asked for none."""
    if not sys.stdout.isatty():
        return _plain
    # Colours cost more to import than the rest of the command.
    from rich.console import Console

    console = Console()
    return _plain if console.no_color or console.color_system is None else _coloured


def _plain(word: str, verdict: VerdictName) -> str:
    del verdict
    return word


def _coloured(word: str, verdict: VerdictName) -> str:
    from rich.style import Style

    colour = {"loads": "green", "needs-code": "yellow", "fails": "red", "unknown": "magenta"}[verdict]
    return Style(color=colour).render(word)


# --- text ----------------------------------------------------------------------------------------------------


def render_explanation(explanation: Explanation, *, verbose: bool = False, paint: Paint = _plain) -> str:
    """What wrote the artifact, what loads it, and what to do; all reasons and findings where *verbose*."""
    parts = [
        _heading(explanation),
        _saver_part(explanation),
        _newest_part(explanation, paint),
        _loader_part(explanation, paint, verbose=verbose),
        _finding_part(explanation, verbose=verbose),
        _choice_part(explanation, verbose=verbose),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines) + "\n"


def _heading(explanation: Explanation) -> Iterator[str]:
    provenance = explanation.inspection.provenance
    path = printable(str(provenance.path), len(str(provenance.path)))
    yield f"{path}: {describe_artifact(provenance)}"
    if (stamp := explanation.inspection.stamp) is not None:
        yield from _wrapped(f"Its stamp says: {stamp}", indent="")


def _saver_part(explanation: Explanation) -> Iterator[str]:
    saver = explanation.inspection.saver
    yield from _wrapped(f"Written by: {describe_saver(saver)}", indent="")
    for step in explanation.narrowing:
        subject, left = describe_narrowing(step)
        yield from _wrapped(f"{subject}: {left}")
    if bytecode := describe_bytecode(explanation.inspection.provenance):
        yield from _wrapped(bytecode)
    if doubt := describe_doubt(saver):
        yield from _wrapped(doubt)


def _newest_part(explanation: Explanation, paint: Paint) -> Iterator[str]:
    if explanation.in_newest:
        yield f"In the newest TensorFlow, {lines_of('tensorflow')[-1]}"
        for verdict in explanation.in_newest:
            name = f"with {implementation_name(verdict.loader)} {verdict.loader.line}"
            yield from _row(f"  {name:<27}", verdict.verdict, _told_of_newest(verdict), paint)


def _told_of_newest(verdict: Verdict) -> str:
    switch = describe_switch(verdict.loader) if verdict.verdict != "fails" else ""
    return "; ".join(filter(None, (describe_reasons(general_reasons(verdict), limit=_REASONS_SHOWN), switch)))


def _loader_part(explanation: Explanation, paint: Paint, *, verbose: bool) -> Iterator[str]:
    yield "Which releases load it"
    for _, runs in groupby(explanation.runs, lambda run: run.implementation):
        for place, run in enumerate(runs):
            name = implementation_name(run.loaders[0]) if place == 0 else ""
            yield from _row(f"  {name:<11} {describe_run(run):<15}", run.verdict, _told(run, verbose=verbose), paint)


def _told(run: Run, *, verbose: bool) -> str:
    """Why a run has its verdict, and what it runs on."""
    parts = [describe_reasons(run.reasons, limit=_ALL if verbose else _REASONS_SHOWN)]
    if verbose and (others := run.other_reasons):
        parts.append(f"some also: {describe_reasons(others, limit=_ALL)}")
    if run.verdict != "fails":
        parts.append(describe_tensorflow(run))
    return "; ".join(filter(None, parts))


def _finding_part(explanation: Explanation, *, verbose: bool) -> Iterator[str]:
    told = [item for item in explanation.inspection.findings if verbose or item.severity != "info"]
    shown = told if verbose else told[:_FINDINGS_SHOWN]
    if shown:
        yield "Worth knowing"
    for finding in shown:
        yield from _wrapped(f"{finding.message} [{finding.reference}]")
        if finding.hint and verbose:
            yield from _wrapped(finding.hint, indent="    ")
    if len(told) > len(shown):
        yield f"  and {len(told) - len(shown)} more: see -v"


def _choice_part(explanation: Explanation, *, verbose: bool) -> Iterator[str]:
    if not explanation.choices:
        yield from _wrapped(no_choice(explanation), indent="")
        return
    yield f"What envlock would choose on {explanation.platform.label}"
    for candidate in explanation.choices[: len(explanation.choices) if verbose else _CHOICES_SHOWN]:
        yield from _wrapped(f"{candidate.name}: {describe_choice(candidate)}")
    if (newest := explanation.newest_choice) is not None:
        yield from _wrapped(f"to move on (--prefer newest), {newest.name}: {describe_choice(newest)}")
    yield ""
    yield "Next"
    for command, effect in next_commands(explanation):
        # Whole, for copying.
        yield f"  {command}"
        yield from _wrapped(effect, indent="    ")


_CHOICES_SHOWN = 2


def _row(head: str, verdict: VerdictName, told: str, paint: Paint) -> Iterator[str]:
    """A line of a table, its last column continued below itself."""
    word = f"{VERDICTS[verdict]:<11}"
    margin = " " * (len(head) + len(word))
    first, *rest = wrap(told, _WIDTH - len(margin), break_on_hyphens=False) or [""]
    yield (head + (paint(VERDICTS[verdict], verdict) + word[len(VERDICTS[verdict]) :] + first).rstrip())
    yield from (margin + line for line in rest)


def _wrapped(text: str, *, indent: str = "  ") -> Iterable[str]:
    return wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


# --- JSON ----------------------------------------------------------------------------------------------------


def explanation_document(explanation: Explanation) -> Document:
    """``envlock/explain/1``."""
    inspected = inspection_document(explanation.inspection)
    return {
        "schema": "envlock/explain/1",
        "artifact": inspected["artifact"],
        "saver": inspected["saver"],
        "narrowing": [_narrowing(step) for step in explanation.narrowing],
        "requires": inspected["requires"],
        "loaders": [_loader(verdict, explanation) for verdict in explanation.verdicts],
        "choices": [_choice(candidate) for candidate in explanation.choices],
        "newest_choice": _choice(explanation.newest_choice) if explanation.newest_choice else None,
        "next": [command for command, _ in next_commands(explanation)],
        "findings": inspected["findings"],
    }


def _narrowing(step: Narrowing) -> Document:
    item = step.evidence
    return {
        "evidence": None if item is None else {"fact": item.fact, "value": item.value, "location": item.location},
        "saver": describe_saver(step.saver),
    }


def _loader(verdict: Verdict, explanation: Explanation) -> Document:
    loader, provenance = verdict.loader, explanation.inspection.provenance
    return {
        "implementation": loader.implementation,
        "line": loader.line,
        "keras": str(loader.release.version) if loader.is_separate else None,
        "tensorflow": loader.tensorflow[0] if loader.tensorflow else None,
        "pythons": list(pythons_of(loader, provenance)),
        "verdict": verdict.verdict,
        "how": way_to_load(loader, provenance),
        "reasons": [{"reference": reason.reference, "message": reason.message} for reason in verdict.reasons],
    }


def _choice(candidate: EnvironmentCandidate) -> Document:
    return {
        "name": candidate.name,
        "tensorflow": str(candidate.tensorflow.version),
        "distribution": candidate.tensorflow.distribution,
        "python": candidate.target.python,
        "platform": candidate.target.platform.name,
        "implementation": candidate.loader.implementation,
        "line": candidate.loader.line,
        "requirements": list(candidate.asked_for),
        "verdict": candidate.verdict.verdict,
        "is_saver": candidate.is_saver,
        "reason": describe_choice(candidate),
    }
