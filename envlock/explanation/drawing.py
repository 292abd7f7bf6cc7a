"""The time line as SVG: a lane for each implementation, and below it what was in use at the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from envlock.explanation.markup import Markup, element, joined
from envlock.explanation.timeline import Lane, Strip, Timeline, first_day
from envlock.explanation.wording import describe_fully, describe_run
from envlock.loadability import VerdictName

# All lengths are pixels.
_NAMES = 84
_WIDTH = 876
_EDGE = 8
_TOP = 46
_LANE = 46
_STRIP = 24
_THIN_STRIP = 15
_GAP = 18
_RADIUS = 5
_LETTER = 5.6
"""Width of a digit of the smallest labels."""

Scale = Callable[[int], float]
"""From a day to its place."""


def draw_names(timeline: Timeline) -> Markup:
    """The names of the rows, for the left of what :func:`draw_rows` gives."""
    lanes = [(lane.name, _lane_middle(place)) for place, lane in enumerate(timeline.lanes)]
    top = _strips_top(timeline)
    strips = [(strip.name, top + _STRIP * (place + 0.5) - 1) for place, strip in enumerate(timeline.strips)]
    pythons = [("Python", _pythons_top(timeline) + _THIN_STRIP / 2 - 1)]
    return element(
        "svg",
        *(element("text", name, x=0, y=y + 4, class_="name") for name, y in lanes + strips + pythons),
        width=_NAMES,
        height=_height(timeline),
        class_="names",
        aria_hidden="true",
    )


def draw_rows(timeline: Timeline, *, row_of: Callable[[int], str]) -> Markup:
    """All rows; *row_of* gives the identifier of the table row that tells of a run, by its number."""
    scale, height = _scale(timeline), _height(timeline)
    return element(
        "svg",
        *_years(timeline, scale, height),
        *_strips(timeline.strips, scale, _strips_top(timeline), _STRIP),
        *_strips(timeline.pythons, scale, _pythons_top(timeline), _THIN_STRIP),
        _window(timeline, scale, height),
        *_lanes(timeline.lanes, scale, row_of),
        width=_WIDTH,
        height=height,
        role="group",
        aria_labelledby="time-line",
    )


def _lane_middle(place: int) -> float:
    return _TOP + _LANE * place + 32


def _strips_top(timeline: Timeline) -> float:
    return _TOP + _LANE * len(timeline.lanes) + _GAP


def _pythons_top(timeline: Timeline) -> float:
    return _strips_top(timeline) + _STRIP * len(timeline.strips)


def _height(timeline: Timeline) -> float:
    return _pythons_top(timeline) + _THIN_STRIP * len(timeline.pythons) + 2


def _scale(timeline: Timeline) -> Scale:
    days = timeline.last - timeline.first
    return lambda day: _EDGE + (_WIDTH - 2 * _EDGE) * (max(day, timeline.first) - timeline.first) / days


def _years(timeline: Timeline, scale: Scale, height: float) -> Iterator[Markup]:
    first, last = date.fromordinal(timeline.first).year, date.fromordinal(timeline.last).year
    for year in range(first, last + 1):
        x = scale(date(year, 1, 1).toordinal())
        yield element("line", x1=x, x2=x, y1=24, y2=height, class_="grid")
        yield element("text", str(year), x=x + 4, y=18, class_="year")


def _window(timeline: Timeline, scale: Scale, height: float) -> Markup:
    if timeline.window is None:
        return Markup()
    left, right = map(scale, timeline.window)
    # Towards the end there is more room on the left.
    is_late = left > _WIDTH * 0.75
    return element(
        "g",
        element("rect", x=left, y=24, width=max(right - left, 4), height=height - 24, class_="window"),
        element(
            "text",
            "its writer",
            x=right - 4 if is_late else left + 4,
            y=36,
            text_anchor="end" if is_late else None,
            class_="window-label",
        ),
    )


# --- lanes ---------------------------------------------------------------------------------------------------


def _lanes(lanes: Iterable[Lane], scale: Scale, row_of: Callable[[int], str]) -> Iterator[Markup]:
    number = 0
    for place, lane in enumerate(lanes):
        y = _lane_middle(place)
        free_from = 0.0
        for run in lane.runs:
            marks = [(scale(first_day(verdict)), verdict.loader.name) for verdict in run.verdicts]
            told = describe_run(run)
            # Where the label of the run before reaches further than its marks, this one begins behind it.
            at = max(marks[0][0] - _RADIUS, free_from)
            free_from = at + len(told) * _LETTER + 8
            yield element(
                "g",
                element("line", x1=marks[0][0], x2=marks[-1][0], y1=y, y2=y, class_="rail"),
                *(_mark(run.verdict, x, y, name) for x, name in marks),
                element("text", told, x=at, y=y - 12, class_="line"),
                class_=f"run {run.verdict}",
                tabindex=0,
                role="img",
                aria_label=describe_fully(run),
                data_row=row_of(number),
            )
            number += 1


def _mark(verdict: VerdictName, x: float, y: float, name: str) -> Markup:
    """A sign that differs in form, not in colour alone: disc, half disc, cross, ring."""
    radius = _RADIUS
    area = element("circle", cx=x, cy=y, r=radius + 1, class_="area")
    match verdict:
        case "loads":
            form = element("circle", cx=x, cy=y, r=radius - 0.5, class_="solid")
        case "needs-code":
            half = f"M{x:.1f} {y - radius:.1f}a{radius} {radius} 0 0 0 0 {2 * radius}z"
            form = joined(
                element("circle", cx=x, cy=y, r=radius - 0.5, class_="ring"), element("path", d=half, class_="solid")
            )
        case "fails":
            a = radius - 1.5
            cross = f"M{x - a:.1f} {y - a:.1f}l{2 * a} {2 * a}m0 {-2 * a}l{-2 * a} {2 * a}"
            form = element("path", d=cross, class_="stroke")
        case "unknown":
            form = element("circle", cx=x, cy=y, r=radius - 1, class_="ring")
    return element("g", element("title", name), area, form)


def draw_sign(verdict: VerdictName) -> Markup:
    """The sign of a verdict on its own, for a legend."""
    return element(
        "svg",
        element("g", _mark(verdict, 7, 7, ""), class_=f"run {verdict}"),
        viewBox="0 0 14 14",
        class_="sign",
        aria_hidden="true",
    )


# --- strips --------------------------------------------------------------------------------------------------


def _strips(strips: Iterable[Strip], scale: Scale, top: float, height: float) -> Iterator[Markup]:
    """Rows below each other, each of *height*."""
    for place, strip in enumerate(strips):
        y = top + height * place
        for segment in strip.segments:
            left, right = scale(segment.first), scale(segment.last)
            width = max(right - left - 1, 1)
            fits = len(segment.label) * _LETTER + 4 < width
            yield element(
                "g",
                element("title", segment.title),
                element("rect", x=left + 0.5, y=y + 1, width=width, height=height - 3, rx=2, class_="strip"),
                element("text", segment.label, x=left + 4, y=y + height / 2 + 2.5, class_="line") if fits else Markup(),
            )
