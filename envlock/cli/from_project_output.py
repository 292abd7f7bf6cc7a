"""What was made of a project, as text for a person and as JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from envlock.cli.documents import Document, artifact_fields, candidate_fields, verification_fields
from envlock.cli.rendering import describe_artifact, describe_call, describe_saver, row, rows
from envlock.formats.text import printable
from envlock.onboarding.conflicts import say
from envlock.onboarding.settings import is_use
from envlock.project.interface import RequirementStatement

if TYPE_CHECKING:
    from envlock.onboarding.results import MadeEnvironment, ModelResult, Onboarding
    from envlock.onboarding.smoke import ImportedModule, SmokeTest

_MOST_ROWS = 12
"""Of one kind; all are in the JSON document."""


def render_onboarding(onboarding: Onboarding) -> str:
    """What the project is, what was made of it and why, what was seen, what does not fit, and what to do next."""
    parts = [
        _project(onboarding),
        *map(_environment, onboarding.environments),
        _unserved(onboarding),
        _modules(onboarding),
        _conflicts(onboarding),
        _use(onboarding),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := [*part])) + "\n"


def _project(onboarding: Onboarding) -> Iterator[str]:
    project, models = onboarding.project, onboarding.models
    count = len(models.read) + len([item for item in models.unread if not item.is_something_else])
    yield f"The project     {_whole(str(project.root))}: {_counted(count, 'model')}"
    if project.era is not None:
        yield row("era", f"{project.era.day} ({_whole(project.era.source)})")
    saved = (
        f"{_whole(model.name)}: {describe_artifact(model.inspection.provenance)}, "
        f"saved by {describe_saver(model.inspection.saver)}"
        for model in models.read
    )
    yield from rows("models", _shortened(saved))
    yield from rows("NOT read", _shortened(_unread(onboarding)))


def _unread(onboarding: Onboarding) -> Iterator[str]:
    for item in onboarding.models.unread:
        hint = f": {item.error.hint}" if item.error.hint and not item.is_something_else else ""
        yield _whole(f"{item.message}{hint}")
    for unread in onboarding.project.unread:
        yield _whole(f"{unread.place}: {unread.reason}")


def _environment(made: MadeEnvironment) -> Iterator[str]:
    outcome = made.outcome
    place = outcome.environment.path if outcome.environment is not None else outcome.lock_path
    yield f"{'Environment' if outcome.environment else 'Lock':<16}{_whole(str(place))}: {made.name}"
    yield from rows("why", _shortened(_reasons(made)))
    yield from rows("needs", outcome.candidate.needs)
    count = _counted(len(outcome.lock.pins), "distribution")
    yield row("lock", f"{_whole(str(outcome.lock_path))} ({count}, hash-pinned)")
    wishes = [f"{wish.requirement} ({_whole(str(wish.place))})" for wish in made.wanted.besides]
    yield from rows("besides", _shortened(wishes))
    unknown = (
        f"{item.module} ({_whole(str(item.file))}, line {item.line}): what brings it is not known; name it with --with"
        for item in made.wanted.unknown
    )
    yield from rows("imports", _shortened(unknown))
    yield from rows("verified", _shortened(_seen(item) for item in made.results if item.state == "verified"))
    yield from _imports(made)
    untried = (f"{_whole(item.model.name)}: {_whole(item.reason)}" for item in made.results if item.state != "verified")
    yield from rows("NOT verified", _shortened(untried))


def _imports(made: MadeEnvironment) -> Iterator[str]:
    """Of an environment without a model."""
    if made.imports is None:
        return
    imported = [module.name for module in made.imports.modules if module.outcome == "imported"]
    if imported:
        verb = "is" if len(imported) == 1 else "are"
        yield row("verified", f"{', '.join(map(_whole, imported))} {verb} imported, {made.imports.isolation}")
    failed = (
        f"{_whole(item.name)}: {_whole(item.error)}" for item in made.imports.modules if item.name not in imported
    )
    yield from rows("NOT imported", _shortened(failed))


def _reasons(made: MadeEnvironment) -> Iterator[str]:
    """What saved the model, then what the files ask for; what the code uses only where they name no TensorFlow."""
    candidate, first = made.outcome.candidate, next(iter(made.results), None)
    if first is not None and candidate.is_saver and first.model.path == made.outcome.inspection.provenance.path:
        yield f"{candidate.loader.name} is what can have saved {_whole(first.model.name)}"
    used = [item for item in made.planned.met if is_use(item)]
    asked = [item for item in made.planned.met if not is_use(item)]
    is_told = any(isinstance(item, RequirementStatement) and item.requirement.specifier for item in asked)
    told = asked if is_told else [*asked, *used]
    yield from (f"{_whole(str(item.place))}, {_whole(say(item))}" for item in told)
    if first is not None and not told and not candidate.is_saver:
        yield f"{candidate.loader.name} is expected to load {_whole(first.model.name)}"


def _seen(result: ModelResult) -> str:
    verification = result.verification
    if verification is None:
        return _whole(result.model.name)
    told = f"{_whole(result.model.name)} loads {describe_call(verification)}, {verification.isolation}"
    return f"{told}; seen before, and nothing has changed since" if result.is_recalled else told


def _unserved(onboarding: Onboarding) -> Iterator[str]:
    lines = (
        f"{_whole(item.model.name)}: {_whole(item.reason)}{f'; {_whole(item.hint)}' if item.hint else ''}"
        for item in onboarding.unserved
    )
    for number, line in enumerate(_shortened(lines)):
        yield f"{'' if number else 'NOT served':<16}{line}"


def _modules(onboarding: Onboarding) -> Iterator[str]:
    smoke = onboarding.smoke
    if smoke is None:
        yield f"Modules         not imported: {onboarding.untested}"
        return
    imported = sum(module.outcome == "imported" for module in smoke.modules)
    isolation = f", {smoke.isolation}" if smoke.isolation is not None else ""
    yield f"Modules         {imported} of {len(smoke.modules)} are imported{isolation}"
    for outcome in ("missing", "failed", "skipped"):
        found = [_module(module) for module in smoke.modules if module.outcome == outcome]
        yield from rows(outcome, _shortened(found))


def _module(module: ImportedModule) -> str:
    place = f" ({_whole(str(module.place))})" if module.place is not None else ""
    brought = f"; {module.distribution} brings it: --with {module.distribution}" if module.distribution else ""
    return f"{_whole(module.name)}: {_whole(module.error)}{place}{brought}"


def _conflicts(onboarding: Onboarding) -> Iterator[str]:
    if onboarding.conflicts:
        yield "Does not fit"
    lines = (f"{_whole(item.message)}{f'; {_whole(item.hint)}' if item.hint else ''}" for item in onboarding.conflicts)
    yield from (f"  {line}" for line in _shortened(lines))


def _use(onboarding: Onboarding) -> Iterator[str]:
    for made in onboarding.environments:
        outcome = made.outcome
        if outcome.environment is not None:
            yield f"Use it          {outcome.environment.activate}"
    if onboarding.page is not None:
        yield f"Read on         {_whole(str(onboarding.page))}"


def _shortened(lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    hidden = len(shown) - _MOST_ROWS
    return shown if hidden <= 0 else [*shown[:_MOST_ROWS], f"and {hidden} more: see --json"]


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _whole(text: str) -> str:
    """*text* uncut, but without what acts on a terminal: files may be named so."""
    return printable(text, max(len(text), 1))


# --- JSON ----------------------------------------------------------------------------------------------------


def onboarding_document(onboarding: Onboarding) -> Document:
    """``envlock/from-project/1``."""
    project = onboarding.project
    return {
        "schema": "envlock/from-project/1",
        "project": {
            "path": str(project.root),
            "era": {"day": str(project.era.day), "source": project.era.source} if project.era is not None else None,
        },
        "models": [
            {
                "name": model.name,
                "artifact": artifact_fields(model.inspection.provenance),
                "saved_by": [loader.name for loader in model.inspection.saver.loaders],
            }
            for model in onboarding.models.read
        ],
        "unread": [
            {
                "name": item.name,
                "reference": item.error.reference,
                "message": item.message,
                "hint": item.error.hint,
                "is_something_else": item.is_something_else,
            }
            for item in onboarding.models.unread
        ],
        "environments": [_environment_fields(made) for made in onboarding.environments],
        "unserved": [
            {"name": item.model.name, "reason": item.reason, "hint": item.hint} for item in onboarding.unserved
        ],
        "conflicts": [{"message": item.message, "hint": item.hint} for item in onboarding.conflicts],
        "modules": _smoke_fields(onboarding.smoke) if onboarding.smoke is not None else None,
        "untested": onboarding.untested or None,
        "page": str(onboarding.page) if onboarding.page is not None else None,
    }


def _environment_fields(made: MadeEnvironment) -> Document:
    outcome = made.outcome
    return {
        "venv": str(outcome.environment.path) if outcome.environment is not None else None,
        "lock": str(outcome.lock_path),
        "candidate": candidate_fields(outcome.candidate),
        "met": [{"place": str(item.place), "says": say(item)} for item in made.planned.met],
        "unmet": [{"place": str(item.place), "says": say(item)} for item in made.planned.unmet],
        "besides": [
            {"requirement": str(wish.requirement), "place": str(wish.place), "reason": wish.reason}
            for wish in made.wanted.besides
        ],
        "models": [
            {
                "name": result.model.name,
                "state": result.state,
                "reason": result.reason or None,
                "already_verified": result.is_recalled,
                "verification": verification_fields(result.verification) if result.verification is not None else None,
            }
            for result in made.results
        ],
        "imports": {item.name: item.outcome for item in made.imports.modules} if made.imports is not None else None,
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
    }


def _smoke_fields(smoke: SmokeTest) -> list[Document]:
    return [
        {
            "name": module.name,
            "outcome": module.outcome,
            "missing": module.missing,
            "distribution": module.distribution,
            "error": module.error or None,
            "place": str(module.place) if module.place is not None else None,
        }
        for module in smoke.modules
    ]
