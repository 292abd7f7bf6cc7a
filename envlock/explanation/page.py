"""An explanation as one HTML page that stands alone: no network, and nothing of the artifact but text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from itertools import count, groupby
from pathlib import Path

from envlock.explanation import Explanation
from envlock.explanation.drawing import draw_names, draw_rows, draw_sign
from envlock.explanation.markup import Markup, element, joined
from envlock.explanation.runs import Run, general_reasons
from envlock.explanation.timeline import lay_out
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
from envlock.knowledge.releases import lines_of
from envlock.loadability import VerdictName

_GENERATOR = "envlock explain"
_BEGINNING = 4096
_REASONS_SHOWN = 12
_FINDINGS_SHOWN = 50


def render_page(explanation: Explanation, *, kind: str) -> str:
    """The page; *kind* says what the artifact is, such as ``Keras HDF5, model, 21.5 kB``."""
    style, script = (Markup(Path(__file__).with_name(name).read_text("utf-8")) for name in ("page.css", "page.js"))
    path = explanation.inspection.provenance.path
    name = path.name or str(path)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=_GENERATOR),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("link", rel="icon", href="data:,"),
        element("title", f"What loads {name}"),
        element("style", style),
    )
    body = element(
        "body",
        element("header", element("h1", name), element("p", f"{kind}, at {path}", class_="quiet")),
        element("main", *_parts(explanation)),
        element("footer", element("p", _FOOTER, class_="quiet")),
        element("script", script),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


_FOOTER = (
    "All of this was read from the file alone; nothing was run. What loads is a prediction; envlock from-model proves "
    "it by loading the model."
)


def is_page(path: Path) -> bool:
    """Whether the file at *path* is a page that envlock made."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return element("meta", name="generator", content=_GENERATOR) in stream.read(_BEGINNING)


def _policy(style: str, script: str) -> str:
    """What the browser may do: nothing but the style and the script that stand in the page."""
    digests = (b64encode(sha256(text.encode()).digest()).decode("ascii") for text in (style, script))
    allowed = "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'"
    return allowed.format(*digests)


def _parts(explanation: Explanation) -> Iterator[Markup]:
    yield element("div", _saver_card(explanation), _loader_card(explanation), _next_card(explanation), class_="answers")
    yield element("h2", "Time line", id="time-line")
    yield _figure(explanation)
    yield element("h2", "Which releases load it, and why")
    yield from _tables(explanation)
    yield element("h2", "How the writer was found")
    yield _narrowing(explanation)
    if explanation.inspection.findings:
        yield element("h2", "Worth knowing")
        yield element("ul", *_findings(explanation))


# --- answers -------------------------------------------------------------------------------------------------


def _saver_card(explanation: Explanation) -> Markup:
    saver = explanation.inspection.saver
    remarks = filter(None, (describe_bytecode(explanation.inspection.provenance), describe_doubt(saver)))
    return element(
        "section",
        element("h2", "What wrote it"),
        element("p", element("strong", describe_saver(saver))),
        *(element("p", remark, class_="quiet") for remark in remarks),
    )


def _loader_card(explanation: Explanation) -> Markup:
    serving = [run for run in explanation.runs if run.verdict != "fails"]
    items = [
        element("li", _verdict(run.verdict), f" in {implementation_name(run.loaders[0])} {describe_run(run)}")
        for run in serving
    ]
    return element(
        "section",
        element("h2", "What loads it"),
        element("ul", *items) if items else element("p", element("strong", "No release that is known")),
        *_newest(explanation),
    )


def _newest(explanation: Explanation) -> Iterator[Markup]:
    if not explanation.in_newest:
        return
    yield element("h3", f"In the newest TensorFlow, {lines_of('tensorflow')[-1]}")
    items = []
    for verdict in explanation.in_newest:
        switch = describe_switch(verdict.loader) if verdict.verdict != "fails" else ""
        told = "; ".join(filter(None, (describe_reasons(general_reasons(verdict), limit=1), switch)))
        name = f"{implementation_name(verdict.loader)} {verdict.loader.line}"
        items.append(element("li", f"{name} ", _verdict(verdict.verdict), f": {told}" if told else ""))
    yield element("ul", *items)


def _next_card(explanation: Explanation) -> Markup:
    commands = [
        joined(element("p", f"{effect[0].upper()}{effect[1:]}:"), _command(command))
        for command, effect in next_commands(explanation)
    ]
    if not commands:
        return element("section", element("h2", "What to do"), element("p", no_choice(explanation)))
    best = explanation.choices[0]
    why = f"It takes {best.name}: {describe_choice(best)}."
    return element(
        "section", element("h2", "What to do"), commands[0], element("p", why, class_="quiet"), *commands[1:]
    )


def _command(command: str) -> Markup:
    # Broken between words alone: a browser would break options at their hyphens.
    words = (joined(" " if place else "", element("span", word)) for place, word in enumerate(command.split(" ")))
    return element("pre", element("code", *words))


def _verdict(verdict: VerdictName) -> Markup:
    return element("span", VERDICTS[verdict], class_=f"verdict {verdict}")


# --- time line -----------------------------------------------------------------------------------------------


def _row_of(number: int) -> str:
    return f"run-{number}"


def _figure(explanation: Explanation) -> Markup:
    timeline = lay_out(explanation)
    legend = [
        element("li", draw_sign(verdict), VERDICTS[verdict])
        for verdict in VERDICTS
        if any(run.verdict == verdict for run in explanation.runs)
    ]
    if timeline.window is not None:
        legend.append(element("li", element("span", class_="swatch"), "while its writer was the newest"))
    return element(
        "figure",
        element("ul", *legend, class_="legend"),
        element(
            "div",
            draw_names(timeline),
            draw_rows(timeline, row_of=_row_of),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_labelledby="time-line",
        ),
        element("p", id="detail", role="status", data_hint="Point at, tap or tab to a run of releases to read why."),
        element("figcaption", _CAPTION),
    )


_CAPTION = (
    "Each mark is a release line at the day of its first release. Below: the TensorFlow of the time, the newest NumPy "
    "that was verified with it, the CUDA it was built with, and the Pythons it has wheels for."
)


# --- tables --------------------------------------------------------------------------------------------------


def _tables(explanation: Explanation) -> Iterator[Markup]:
    numbers = count()
    for name, runs in groupby(explanation.runs, lambda run: implementation_name(run.loaders[0])):
        heads = (element("th", text, scope="col") for text in ("Releases", "Verdict", "Why"))
        table = element(
            "table",
            element("caption", name),
            element("thead", element("tr", *heads)),
            element("tbody", *(_table_row(run, _row_of(number)) for run, number in zip(runs, numbers, strict=False))),
        )
        yield element("div", table, class_="table")


def _table_row(run: Run, identifier: str) -> Markup:
    others = describe_reasons(run.other_reasons, limit=_REASONS_SHOWN)
    told = (
        describe_reasons(run.reasons, limit=_REASONS_SHOWN) or "nothing stands against it",
        f"some also: {others}" if others else "",
        describe_tensorflow(run) if run.verdict != "fails" else "",
    )
    return element(
        "tr",
        element("th", describe_run(run), scope="row"),
        element("td", VERDICTS[run.verdict], class_=f"verdict {run.verdict}"),
        element("td", *(element("div", f"{text[0].upper()}{text[1:]}") for text in told if text)),
        id=identifier,
    )


# --- evidence ------------------------------------------------------------------------------------------------


def _narrowing(explanation: Explanation) -> Markup:
    if not explanation.narrowing:
        return element("p", "Nothing in the file tells.")
    steps = map(describe_narrowing, explanation.narrowing)
    return element("ol", *(element("li", f"{subject}: ", element("strong", left)) for subject, left in steps))


def _findings(explanation: Explanation) -> Iterator[Markup]:
    findings = explanation.inspection.findings
    for finding in findings[:_FINDINGS_SHOWN]:
        hint = element("div", finding.hint, class_="quiet") if finding.hint else Markup()
        yield element("li", finding.message, hint)
    if len(findings) > _FINDINGS_SHOWN:
        yield element("li", f"And {len(findings) - _FINDINGS_SHOWN} more: envlock inspect tells them.")
