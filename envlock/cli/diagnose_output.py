"""A diagnosis as text for a person, 80 columns wide, and as JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from envlock.cli.documents import Document
from envlock.cli.rendering import describe_artifact, describe_saver
from envlock.formats.text import first_line, printable
from envlock.knowledge.failures import distributions_in_conflict
from envlock.knowledge.loaders import distributions_of_implementations

if TYPE_CHECKING:
    from envlock.diagnosis.causes import Cause, Remedy
    from envlock.diagnosis.diagnose import Diagnosis
    from envlock.diagnosis.mending import Change, MendedCopy
    from envlock.diagnosis.traceback_text import Traceback
    from envlock.environment.installed import InstalledEnvironment
    from envlock.networks.mapping import WeightMapping
    from envlock.networks.recognition import RecognisedNetwork

_WIDTH = 80
_CAUSES_SHOWN = 6
_REPORTS_SHOWN = 2
_LAYERS_SHOWN = 3


# --- text ----------------------------------------------------------------------------------------------------


def render_diagnosis(diagnosis: Diagnosis) -> str:
    """What was looked at, what was found, and what to do."""
    parts = [_heading(diagnosis), *_causes(diagnosis), _run_part(diagnosis), _copy_part(diagnosis)]
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines) + "\n"


def _heading(diagnosis: Diagnosis) -> Iterator[str]:
    observed = diagnosis.observed
    if observed.artifact is not None:
        provenance = observed.artifact.provenance
        yield from _labelled("The model", f"{_whole(str(provenance.path))}: {describe_artifact(provenance)}")
        yield from _labelled("", f"saved by {describe_saver(observed.artifact.saver)}")
        if observed.artifact.stamp is not None:
            yield from _labelled("", f"its stamp says: {observed.artifact.stamp}")
        if observed.network is not None:
            yield from _describe_network(observed.network, observed.mapping)
    elif observed.path is not None:
        yield from _labelled("The model", f"{_whole(str(observed.path))}: cannot be read")
    if observed.environment is not None:
        yield f"Environment     {_whole(str(observed.environment.executable))}"
        yield from _labelled("", _describe_environment(observed.environment))
    if (traceback := observed.traceback) is not None:
        yield from _labelled("The error", traceback.error or "no error is found in the text")
        if origin := ", ".join(_origin(traceback)):
            yield from _labelled("", f"of {origin}, by its frames")
    for doubt in observed.doubts():
        yield from _labelled("But", doubt)


def _describe_network(found: RecognisedNetwork, mapping: WeightMapping | None) -> Iterator[str]:
    network = found.network
    settings = "".join(f", {name} {value}" for name, value in network.arguments.items())
    name = f"{network.name}{settings} ({network.provider}, {network.release_of} {_range(network.lines)})"
    matching = f"{found.variable_count} of {network.variable_count} variables match"
    yield from _labelled("Its weights", f"those of {name}: {matching}")
    for clause in _departures(found):
        yield from _labelled("", clause)
    if mapping is None:
        return
    yield from _labelled("", f"taken by {mapping.expression}")
    if mapping.differences:
        yield from _labelled("", f"but with other numbers: {mapping.differences}")


def _departures(found: RecognisedNetwork) -> Iterator[str]:
    """What is otherwise than in the network, a clause each."""
    classifier = found.network.layers[-1].name
    if classifier in found.changed:
        yield f"{classifier} tells {found.classes} classes apart"
    if other := [name for name in found.changed if name != classifier]:
        yield f"with other shapes: {_few(other)}"
    if found.missing:
        yield f"not there: {_few(found.missing)}"
    if found.others:
        yield f"beside it: {_few([layer.name for layer in found.others])}"


def _few(names: Sequence[str]) -> str:
    """*names* of layers, untrusted as those of a file are; of many, the first."""
    shown = ", ".join(printable(name, 60) for name in names[:_LAYERS_SHOWN])
    return shown + (f" and {len(names) - _LAYERS_SHOWN} more layers" if len(names) > _LAYERS_SHOWN else "")


def _origin(traceback: Traceback) -> Iterator[str]:
    if traceback.python is not None:
        yield f"Python {traceback.python}"
    yield from (f"{name} {_range(lines)}" for name, lines in traceback.origin.items())


def _range(lines: tuple[str, ...]) -> str:
    return " or ".join(lines) if len(lines) < 3 else f"{lines[0]} to {lines[-1]}"


def _describe_environment(environment: InstalledEnvironment) -> str:
    named = [environment.tensorflow] if environment.tensorflow is not None else []
    telling = dict.fromkeys((*distributions_of_implementations(), *distributions_in_conflict()))
    # TensorFlow is told under the name of the distribution that brings it there.
    del telling["tensorflow"]
    named += [(name, environment.distributions[name]) for name in telling if name in environment.distributions]
    told = ", ".join(f"{name} {version}" for name, version in named) or "nothing of TensorFlow"
    return f"Python {environment.python} with {told}"


def _causes(diagnosis: Diagnosis) -> Iterator[Iterable[str]]:
    for number, cause in enumerate(diagnosis.causes[:_CAUSES_SHOWN], start=1):
        yield _describe_cause(cause, number)
    if (hidden := len(diagnosis.causes) - _CAUSES_SHOWN) > 0:
        yield [f"and {hidden} less likely causes: see --json"]
    if not diagnosis.causes and diagnosis.verification is None and diagnosis.copy is None:
        yield _nothing_found(diagnosis)


def _describe_cause(cause: Cause, number: int) -> Iterator[str]:
    line = f"{number}. {cause.title} ({cause.likelihood}) [{cause.reference}]"
    yield from wrap(line, _WIDTH, subsequent_indent="   ", break_on_hyphens=False)
    yield from _wrapped(cause.explanation)
    for clause in cause.evidence:
        yield from _wrapped(f"- {clause}", hanging="  ")
    if reports := [source for source in cause.sources if "#" in source]:
        yield from _wrapped(f"- reported in {', '.join(reports[:_REPORTS_SHOWN])}", hanging="  ")
    for remedy in cause.remedies:
        yield from _describe_remedy(remedy)


def _describe_remedy(remedy: Remedy) -> Iterator[str]:
    yield from _wrapped(f"Fix: {remedy.message}", hanging="     ")
    # Whole, for copying.
    yield from (f"        {_whole(command)}" for command in remedy.commands)


def _nothing_found(diagnosis: Diagnosis) -> Iterator[str]:
    observed = diagnosis.observed
    if observed.mapping is not None and observed.path is not None:
        yield "A script that builds that network and takes the weights over, layer by layer:"
        yield f"        envlock from-model {_whole(shlex.quote(str(observed.path)))}"
    elif observed.architecture is not None:
        yield "The weights fit the architecture, as far as its layers are known."
    elif observed.environment is None:
        yield "Nothing is wrong with the model itself. Name the environment in which it fails"
        yield "with --venv or --python, or pass what it printed with --traceback."
    elif observed.path is None:
        yield "Nothing is found in it that does not go together."
    else:
        yield "Nothing is found that forbids the model to load there; --run loads it."


def _run_part(diagnosis: Diagnosis) -> Iterator[str]:
    verification, path = diagnosis.verification, diagnosis.observed.path
    if verification is None or path is None:
        return
    error = printable(first_line(verification.error or ""))
    if not verification.loads:
        yield from _labelled("Loaded there", f"it fails: {error}")
        return
    called = f", but a call of it fails: {error}" if verification.predicts is False else ""
    yield from _labelled("Loaded there", f"the model loads in {verification.seconds:.1f} s{called}")
    yield from (f"                >>> {line}" for line in verification.snippet(path))
    for attempt in verification.attempts:
        told = f"{printable(attempt.how)} fails: {printable(first_line(attempt.error))}"
        yield from _labelled("", told)


def _copy_part(diagnosis: Diagnosis) -> Iterator[str]:
    copy = diagnosis.copy
    if copy is None:
        return
    place = _whole(str(copy.environment.path))
    if not copy.is_kept:
        error = printable(first_line(copy.verification.error or "")) if copy.verification is not None else ""
        yield from _labelled("The copy", f"does not load the model either, and is removed: {error}")
        return
    yield from _labelled("The copy", f"{place}: the same with {_described_changes(copy)}")
    if copy.left_out:
        yield from _labelled("", f"without what comes from no index: {', '.join(copy.left_out)}")
    if copy.verification is not None:
        yield from _labelled("", f"the model loads there, seen in {copy.verification.seconds:.1f} s")
    yield f"Use it          {copy.environment.activate}"
    if copy.verification is not None and diagnosis.observed.path is not None:
        yield from (f"                >>> {line}" for line in copy.verification.snippet(diagnosis.observed.path))


def _described_changes(copy: MendedCopy) -> str:
    return "; ".join(map(_describe_change, copy.changes)) or "no other versions"


def _describe_change(change: Change) -> str:
    if change.before is None:
        return f"{change.name} {change.after} besides"
    if change.after is None:
        return f"no {change.name}"
    return f"{change.name} {change.after} for {change.before}"


def _whole(text: str) -> str:
    """*text* uncut, but without what acts on a terminal: files may be named so."""
    return printable(text, len(text))


def _labelled(label: str, text: str) -> Iterator[str]:
    yield from wrap(
        text,
        _WIDTH,
        initial_indent=f"{label:<16}",
        subsequent_indent=" " * 16,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _wrapped(text: str, *, hanging: str = "") -> Iterator[str]:
    yield from wrap(
        text,
        _WIDTH,
        initial_indent="   ",
        subsequent_indent=f"   {hanging}",
        break_on_hyphens=False,
        break_long_words=False,
    )


# --- JSON ----------------------------------------------------------------------------------------------------


def diagnosis_document(diagnosis: Diagnosis) -> Document:
    """``envlock/diagnose/1``."""
    observed = diagnosis.observed
    return {
        "schema": "envlock/diagnose/1",
        "artifact": _artifact(diagnosis),
        "network": _network(observed.network, observed.mapping) if observed.network is not None else None,
        "environment": _environment(observed.environment) if observed.environment is not None else None,
        "traceback": _traceback(observed.traceback) if observed.traceback is not None else None,
        "findings": [_finding(cause) for cause in diagnosis.causes],
        "loads": diagnosis.loads,
        "error": diagnosis.verification.error if diagnosis.verification is not None else None,
        "copy": _copy(diagnosis.copy) if diagnosis.copy is not None else None,
    }


def _artifact(diagnosis: Diagnosis) -> Document | None:
    observed = diagnosis.observed
    if observed.artifact is None:
        return {"path": str(observed.path), "format": None, "content": None} if observed.path is not None else None
    provenance = observed.artifact.provenance
    return {"path": str(provenance.path), "format": provenance.format, "content": provenance.content}


def _network(found: RecognisedNetwork, mapping: WeightMapping | None) -> Document:
    network = found.network
    return {
        "provider": network.provider,
        "name": network.name,
        "arguments": dict(network.arguments),
        "lines": list(network.lines),
        "variables": network.variable_count,
        "matching": found.variable_count,
        "changed": list(found.changed),
        "missing": list(found.missing),
        "others": [layer.name for layer in found.others],
        "classes": found.classes if found.has_classifier else None,
        "model": mapping.expression if mapping is not None else None,
        "differences": mapping.differences if mapping is not None else None,
    }


def _environment(environment: InstalledEnvironment) -> Document:
    return {
        "python": str(environment.python),
        "executable": str(environment.executable),
        "distributions": {name: str(version) for name, version in environment.distributions.items()},
    }


def _traceback(traceback: Traceback) -> Document:
    return {
        "error": traceback.error,
        "python": traceback.python,
        "origin": {name: list(lines) for name, lines in traceback.origin.items()},
    }


def _finding(cause: Cause) -> Document:
    return {
        "reference": cause.reference,
        "title": cause.title,
        "cause": cause.explanation,
        "likelihood": cause.likelihood,
        "evidence": list(cause.evidence),
        "sources": list(cause.sources),
        "fixes": [_fix(remedy) for remedy in cause.remedies],
    }


def _fix(remedy: Remedy) -> Document:
    return {"kind": remedy.kind, "message": remedy.message, "commands": list(remedy.commands)}


def _copy(copy: MendedCopy) -> Document:
    return {
        "venv": str(copy.environment.path) if copy.is_kept else None,
        "activate": copy.environment.activate if copy.is_kept else None,
        "changed": {change.name: [_version(change.before), _version(change.after)] for change in copy.changes},
        "left_out": list(copy.left_out),
    }


def _version(version: object) -> str | None:
    return None if version is None else str(version)
