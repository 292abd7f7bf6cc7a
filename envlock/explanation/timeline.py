"""What stands where on the time line: every line at the day of its first release, and what was in use beside it.

Days are proleptic ordinals, as ``datetime.date`` counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple

from envlock.explanation import Explanation
from envlock.explanation.runs import Run
from envlock.explanation.wording import implementation_name
from envlock.knowledge.accelerators import cuda_for
from envlock.knowledge.closures import closures_of
from envlock.knowledge.families import platforms_by_python
from envlock.knowledge.releases import (
    latest_of_line,
    line_of,
    line_order,
    lines_of,
    releases_of_line,
    sort_lines,
)
from envlock.loadability import Verdict


class Segment(NamedTuple):
    """A time in which something was in use."""

    label: str
    title: str
    """The same as a sentence."""

    first: int
    last: int


class Strip(NamedTuple):
    """One row of segments that do not overlap, earliest first."""

    name: str
    segments: tuple[Segment, ...]


class Lane(NamedTuple):
    """The lines of one implementation, with their verdicts."""

    name: str
    runs: tuple[Run, ...]


class Timeline(NamedTuple):
    """All that is drawn."""

    first: int
    last: int
    window: tuple[int, int] | None
    """The time in which lines that can have written the artifact were the newest; ``None`` where none is known."""

    lanes: tuple[Lane, ...]
    strips: tuple[Strip, ...]
    pythons: tuple[Strip, ...]
    """A strip for each Python, oldest first."""


def lay_out(explanation: Explanation) -> Timeline:
    """Find the days of all that an explanation speaks of."""
    lanes = tuple(
        Lane(name=name, runs=tuple(runs))
        for name, runs in groupby(explanation.runs, lambda run: implementation_name(run.loaders[0]))
    )
    first = min(first_day(verdict) for verdict in explanation.verdicts)
    # A little room behind the newest line, so that its mark does not stand on the edge.
    last = max(*map(first_day, explanation.verdicts), _first_day("tensorflow", lines_of("tensorflow")[-1])) + 60
    return Timeline(
        first=date.fromordinal(first).replace(month=1, day=1).toordinal(),
        last=last,
        window=_window(explanation, last),
        lanes=lanes,
        strips=(
            _releases("TensorFlow", "tensorflow", first, last),
            _beside_tensorflow("NumPy", _newest_numpy(), "in verified environments of", last),
            _releases("Addons", "tensorflow-addons", first, last),
            _beside_tensorflow("CUDA", _cuda(), "in the builds of", last),
        ),
        pythons=tuple(_pythons(last)),
    )


def first_day(verdict: Verdict) -> int:
    """The day on which the first release of a loader's line came out."""
    return _first_day(verdict.loader.release.distribution, verdict.loader.line)


def _first_day(distribution: str, line: str) -> int:
    return date.fromisoformat(releases_of_line(distribution, line)[0].uploaded).toordinal()


def _window(explanation: Explanation, end: int) -> tuple[int, int] | None:
    savers = explanation.inspection.saver.loaders
    return _outermost(_times(one.release.distribution, end)[one.line] for one in savers) if savers else None


def _times(distribution: str, end: int) -> dict[str, tuple[int, int]]:
    """From its first release to that of the next line: when each line was the newest, earliest first."""
    days = sorted((_first_day(distribution, line), line) for line in _released_lines(distribution))
    ends = [day for day, _ in days[1:]] + [end]
    return {line: (day, last) for (day, line), last in zip(days, ends, strict=True)}


def _released_lines(distribution: str) -> list[str]:
    return [line for line in lines_of(distribution) if releases_of_line(distribution, line)]


def _releases(name: str, distribution: str, start: int, end: int) -> Strip:
    return Strip(
        name=name,
        segments=tuple(
            Segment(label=line, title=f"{name} {line}, from {date.fromordinal(first)}", first=first, last=last)
            for line, (first, last) in _times(distribution, end).items()
            if first >= start
        ),
    )


def _beside_tensorflow(name: str, versions: dict[str, str], where: str, end: int) -> Strip:
    """What each TensorFlow line goes with, neighbours that agree as one; *versions* by line."""
    times = [(line, *time) for line, time in _times("tensorflow", end).items() if line in versions]
    segments = []
    for version, group in groupby(times, key=lambda time: versions[time[0]]):
        members = list(group)
        lines = sort_lines(line for line, _, _ in members)
        told = lines[0] if len(lines) == 1 else f"{lines[0]} to {lines[-1]}"
        title = f"{name} {version} {where} TensorFlow {told}"
        segments.append(Segment(label=version, title=title, first=members[0][1], last=members[-1][2]))
    return Strip(name=name, segments=tuple(segments))


def _newest_numpy() -> dict[str, str]:
    """For each TensorFlow line, the newest line of NumPy that a verified environment of it holds."""
    found: dict[str, list[str]] = {}
    for closure in closures_of("tensorflow"):
        if "numpy" in closure.texts:
            found.setdefault(line_of(closure.version), []).append(line_of(closure.pins["numpy"]))
    return {line: max(lines, key=line_order) for line, lines in found.items()}


def _cuda() -> dict[str, str]:
    releases = (latest_of_line("tensorflow", line) for line in _released_lines("tensorflow"))
    builds = ((release.line, cuda_for(release.version)) for release in releases if release is not None)
    return {line: build.cuda for line, build in builds if build is not None}


def _pythons(end: int) -> Iterator[Strip]:
    times = _times("tensorflow", end)
    served = {line: platforms_by_python("tensorflow", line) for line in times}
    for python in sort_lines(python for pythons in served.values() for python in pythons):
        lines = sort_lines(line for line, pythons in served.items() if python in pythons)
        title = f"Python {python} has wheels of TensorFlow {lines[0]} to {lines[-1]}"
        first, last = _outermost(times[line] for line in lines)
        yield Strip(name=python, segments=(Segment(label=python, title=title, first=first, last=last),))


def _outermost(times: Iterable[tuple[int, int]]) -> tuple[int, int]:
    firsts, lasts = zip(*times, strict=True)
    return min(firsts), max(lasts)
