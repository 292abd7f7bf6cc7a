"""Onboarding -> ``ONBOARDING.md``: what the project is, its environments, what was seen there, what is left to do.

Names come from files of the project, and so do parts of messages: in code spans and behind backslashes they are text.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from envlock.environment import MARKER_NAME
from envlock.errors import OccupiedPathError
from envlock.explanation.wording import describe_saver
from envlock.formats.text import printable
from envlock.onboarding.order import Order
from envlock.onboarding.results import MadeEnvironment, ModelResult, Onboarding
from envlock.onboarding.smoke import ImportedModule
from envlock.reporter import Reporter
from envlock.writers.files import read_beginning, refuse_unknown_file, write_whole

FILE_NAME = "ONBOARDING.md"
_HEAD = re.compile(r"<!-- Written by envlock from-project; digest [0-9a-f]{64} -->\n")
_MOST_ROWS = 50


def write_page(onboarding: Onboarding, order: Order, reporter: Reporter) -> Path | None:
    """Write the page into the folder of the *order*; ``None`` where the one that is there has to stay.

    Somebody wrote or changed it, or it tells of environments beside it, which a run for locks alone does not see.

    Raises:
        WriteError: The disk is full, or the folder may not be written to.
    """
    path = order.folder / FILE_NAME
    try:
        refuse_unknown_file(path, lambda: _is_unchanged(path), option="-o")
    except OccupiedPathError as error:
        reporter.note(f"{error}: somebody wrote or changed it")
        return None
    if not order.makes_environments and path.exists() and _has_environments(order.folder):
        reporter.note(f"{path}: tells of the environments beside it, and stays as it is")
        return None
    write_whole(path, render_page(onboarding, order))
    return path


def _has_environments(folder: Path) -> bool:
    """Whether environments of envlock stand there, under any of the names that they get."""
    return any((place / MARKER_NAME).exists() for place in folder.glob(".venv*"))


def _is_unchanged(path: Path) -> bool:
    if _HEAD.match(read_beginning(path)) is None:
        return False
    head, _, text = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    return _seal(text) == f"{head}\n"


def _seal(text: str) -> str:
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return f"<!-- Written by envlock from-project; digest {digest} -->\n"


def render_page(onboarding: Onboarding, order: Order) -> str:
    """The whole page, the same for the same results; paths in it are relative to the project and the folder."""
    sections = [
        f"# Working on {_text(order.project.resolve().name)}",
        *_subject(onboarding),
        *_environments(onboarding, order),
        *_observations(onboarding),
        *_conflicts(onboarding),
    ]
    text = "\n\n".join(sections) + "\n"
    return _seal(text) + text


# --- sections ------------------------------------------------------------------------------------------------


def _subject(onboarding: Onboarding) -> Iterator[str]:
    era = onboarding.project.era
    if era is not None:
        yield f"Era: {era.day} ({_text(era.source)})."
    rows = [
        *(_row_of_result(result, made) for made in onboarding.environments for result in made.results),
        *((item.model.name, describe_saver(item.model.inspection.saver), "none") for item in onboarding.unserved),
        *((item.name, "cannot be read", "none") for item in onboarding.models.unread if not item.is_something_else),
    ]
    if rows:
        lines = ["| Model | Saved by | Environment |", "| --- | --- | --- |"]
        lines += [f"| {_code(name)} | {_text(saver)} | {place} |" for name, saver, place in sorted(rows)[:_MOST_ROWS]]
        hidden = len(rows) - _MOST_ROWS
        yield "\n".join([*lines, *([f"| and {hidden} more | | |"] if hidden > 0 else [])])
    else:
        yield "There is no saved model in it."


def _row_of_result(result: ModelResult, made: MadeEnvironment) -> tuple[str, str, str]:
    return result.model.name, describe_saver(result.model.inspection.saver), _code(_place_of(made).name)


def _environments(onboarding: Onboarding, order: Order) -> Iterator[str]:
    yield "## Environments"
    if not onboarding.environments:
        needless = "None is needed: nothing in it is a model, or asks for TensorFlow or Keras."
        yield needless if onboarding.is_locked else "None could be made."
    for made in onboarding.environments:
        yield f"### {_code(_place_of(made).name)}: {_text(made.name)}"
        lines = [f"{len(made.outcome.lock.pins)} distributions, pinned by hash in {_code(_lock_of(made))}."]
        lines += [f"It needs {_text(need)}." for need in made.outcome.candidate.needs]
        yield " ".join(lines)
        if made.outcome.environment is not None:
            place = f"# in the folder {printable(order.folder.resolve().name)}"
            yield _block("sh", [place, f". {made.outcome.environment.path.name}/bin/activate"])
        # One of each way to load: other models of that way differ by their paths alone.
        ways = {
            item.verification.how: item
            for item in reversed(made.results)
            if item.state == "verified" and item.verification
        }
        for result in reversed(ways.values()):
            yield _block("python", _snippet(result, order))


def _observations(onboarding: Onboarding) -> Iterator[str]:
    yield "## What was seen"
    lines = [
        *(f"- {_code(result.model.name)} {_seen(result)}" for result in onboarding.results),
        *(f"- {_code(item.model.name)} loads nowhere: {_text(item.reason)}" for item in onboarding.unserved),
        *(f"- {_text(item.message)}" for item in onboarding.models.unread),
    ]
    for made in onboarding.environments:
        lines += [_imported(module) for module in (made.imports.modules if made.imports is not None else ())]
    if onboarding.smoke is None:
        lines.append(f"- the modules of the project were not imported: {_text(onboarding.untested)}")
    else:
        imported = [module for module in onboarding.smoke.modules if module.outcome == "imported"]
        lines.append(f"- {len(imported)} of {len(onboarding.smoke.modules)} modules of the project are imported")
        lines += [_imported(module) for module in onboarding.smoke.modules if module not in imported]
    yield "\n".join(_shortened(lines))


def _seen(result: ModelResult) -> str:
    if result.state == "verified" and result.verification is not None:
        called = "and computes" if result.verification.predicts else "and was not called"
        return f"loads {called}, {result.verification.isolation}"
    return f"is **not verified**: {_text(result.reason)}"


def _imported(module: ImportedModule) -> str:
    place = f"{module.place}: " if module.place is not None else ""
    told = f"{module.outcome}: {place}{module.error}" if module.outcome != "imported" else "imported"
    return f"- {_code(module.name)}: {_text(told)}"


def _conflicts(onboarding: Onboarding) -> Iterator[str]:
    lines = [
        *(
            f"- {_text(item.message)}" + (f" ({_text(item.hint)})" if item.hint else "")
            for item in onboarding.conflicts
        ),
        *(
            f"- {_text(str(item.file))}, line {item.line}, imports {_text(item.module)}: what brings it is not known"
            for made in onboarding.environments[:1]
            for item in made.wanted.unknown
        ),
        *(f"- {_text(str(item.place))} could not be read: {_text(item.reason)}" for item in onboarding.project.unread),
    ]
    if lines:
        yield "## What does not fit"
        yield "\n".join(_shortened(lines))


def _shortened(lines: list[str]) -> list[str]:
    hidden = len(lines) - _MOST_ROWS
    return lines if hidden <= 0 else [*lines[:_MOST_ROWS], f"- and {hidden} more: see `envlock from-project --json`"]


# --- parts ---------------------------------------------------------------------------------------------------


def _place_of(made: MadeEnvironment) -> Path:
    """The folder of the environment, or the lock where that is all."""
    environment = made.outcome.environment
    return environment.path if environment is not None else Path(_lock_of(made))


def _lock_of(made: MadeEnvironment) -> str:
    return made.outcome.lock_path.name if made.outcome.lock_path is not None else ""


def _snippet(result: ModelResult, order: Order) -> Iterator[str]:
    verification = result.verification
    if verification is not None:
        for line in verification.snippet(Path(result.model.name)):
            # The page travels, the folders of this machine do not.
            yield line.replace(os.fspath(order.project.absolute()), ".")


def _text(text: str) -> str:
    """*text* as Markdown that shows just that."""
    return re.sub(r"([\\`<\[\]|*])", r"\\\1", printable(text, limit=max(len(text), 1)))


def _code(text: str) -> str:
    """*text* as a code span that nothing in it can end."""
    shown = printable(text, limit=max(len(text), 1)).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def _block(language: str, lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text}\n{fence}"
