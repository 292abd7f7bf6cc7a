"""Verdicts to runs: neighbouring lines that share a verdict and a reason are told as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from envlock.knowledge.loaders import ImplementationName, Loader
from envlock.knowledge.releases import lines_of
from envlock.loadability import Reason, Verdict, VerdictName


class Run(NamedTuple):
    """Lines of one implementation that follow each other, with one verdict and at least one common reason."""

    verdict: VerdictName
    verdicts: tuple[Verdict, ...]
    """Of each line, oldest first."""

    reasons: tuple[Reason, ...]
    """What all lines have in common, with the name of the line left out."""

    @property
    def implementation(self) -> ImplementationName:
        """Whose lines they are."""
        return self.verdicts[0].loader.implementation

    @property
    def loaders(self) -> tuple[Loader, ...]:
        """The lines, oldest first."""
        return tuple(verdict.loader for verdict in self.verdicts)

    @property
    def other_reasons(self) -> tuple[Reason, ...]:
        """What only some of the lines give as a reason, each once."""
        told = dict.fromkeys(reason for verdict in self.verdicts for reason in general_reasons(verdict))
        common = set(self.reasons)
        return tuple(reason for reason in told if reason not in common)


def fold_verdicts(verdicts: Iterable[Verdict]) -> tuple[Run, ...]:
    """The *verdicts* as runs, in their order."""
    runs: list[Run] = []
    for verdict in verdicts:
        joined = _join(runs[-1], verdict) if runs else None
        if joined is None:
            runs.append(Run(verdict=verdict.verdict, verdicts=(verdict,), reasons=general_reasons(verdict)))
        else:
            runs[-1] = joined
    return tuple(runs)


def _join(run: Run, verdict: Verdict) -> Run | None:
    """The run with one more line; ``None`` where that line has another story."""
    if verdict.verdict != run.verdict or _lineage(verdict.loader) != _lineage(run.verdicts[-1].loader):
        return None
    own = general_reasons(verdict)
    known = set(own)
    common = tuple(reason for reason in run.reasons if reason in known)
    if not common and (own or run.reasons):
        return None
    return Run(verdict=run.verdict, verdicts=(*run.verdicts, verdict), reasons=common)


def _lineage(loader: Loader) -> tuple[str, str | None]:
    return loader.implementation, loader.schema.lineage if loader.schema else None


def general_reasons(verdict: Verdict) -> tuple[Reason, ...]:
    """The reasons of a verdict without the name of the line, so that those of several lines can be compared."""
    return tuple(reason._replace(message=_without_line(reason.message, verdict.loader)) for reason in verdict.reasons)


def _without_line(message: str, loader: Loader) -> str:
    shortened = message.replace(f" of {loader.name} ", " ").removeprefix(f"{loader.name} ")
    for line in loader.tensorflow[:1]:
        shortened = shortened.removeprefix(f"TensorFlow {line} ")
    return shortened


def in_newest_tensorflow(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """For each implementation that runs on the newest TensorFlow, the verdict on its newest line there.

    Those that have to be switched on come last.
    """
    newest = lines_of("tensorflow")[-1]
    last = {item.loader.implementation: item for item in verdicts if newest in item.loader.tensorflow}
    return tuple(sorted(last.values(), key=lambda item: bool(item.loader.environment)))
