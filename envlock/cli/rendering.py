"""Results as text for a person; reads well without colour."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from envlock.formats.text import first_line, printable

# Types only: a command must not wait for stages that it does not use.
if TYPE_CHECKING:
    from envlock.dating import Saver
    from envlock.errors import EnvlockError
    from envlock.inspection import Inspection
    from envlock.loadability import CustomObject
    from envlock.own_code.definitions import Definition
    from envlock.own_code.imports import Need
    from envlock.pipeline.attempts import PassedOver
    from envlock.pipeline.counterpart import Counterpart
    from envlock.pipeline.outcome import Outcome
    from envlock.provenance import Finding, Provenance
    from envlock.verification import Verification
    from envlock.verification.comparison import Difference
    from envlock.verification.record import Verified
    from envlock.writers import Differences

_LABEL_WIDTH = 14
_EVIDENCE_SHOWN = 8
_LEFT_OVER_SHOWN = 4
_UNKNOWN_SAVER = "unknown"

_FORMATS = {
    "keras-hdf5": "Keras HDF5",
    "keras-archive": "Keras archive",
    "keras-json": "Keras JSON",
    "keras-yaml": "Keras YAML",
    "saved-model": "SavedModel",
    "graph-def": "frozen graph",
    "meta-graph": "MetaGraph",
    "checkpoint": "checkpoint",
    "tflite": "TFLite",
}


def render_inspection(inspection: Inspection) -> str:
    """The report of ``inspect``."""
    provenance = inspection.provenance
    lines = [
        f"{printable(str(provenance.path))}: {describe_artifact(provenance)}",
        row("saved by", describe_saver(inspection.saver)),
        *rows("needs", _needs(inspection.custom, {})),
        *rows(
            "inputs",
            [
                f"{printable(item.name)} {printable(item.dtype)} {describe_shape(item.shape)}"
                for item in provenance.inputs
            ],
        ),
        *rows("evidence", _evidence(provenance)),
        *describe_findings(inspection.findings),
    ]
    return "\n".join(lines) + "\n"


def render_outcome(outcome: Outcome) -> str:
    """The report of ``from-model``: what the model is, what was built and why, and how to use it."""
    return "\n\n".join([*describe_model(outcome), *_environment_part(outcome), *_use_part(outcome)]) + "\n"


def render_check(differences: Differences, lock_path: str) -> str:
    """Whether a lock is still what would be made, and what has changed."""
    if not differences.is_stale:
        return f"{printable(lock_path)} is what would be made now\n"
    lines = [f"{printable(lock_path)} is stale:", *(f"  {line}" for line in differences.lines())]
    return "\n".join(lines) + "\n"


def render_error(error: EnvlockError, *, path: Path | None) -> str:
    """One line that says what is wrong, and one that says what to do.

    *path* stands in front where the message does not begin with it; ``None`` for what is not about one path.
    """
    message = str(error)
    subject = "" if path is None or message.startswith(str(path)) else f"{path}: "
    # Names of files stand in messages as they are, and a file may be named to act on the terminal.
    line = f"{subject}{message}"
    hint = f"\n  {error.hint}" if error.hint else ""
    return f"envlock: {printable(line, limit=len(line))} [{error.reference}]{hint}\n"


def describe_artifact(provenance: Provenance) -> str:
    """What the artifact is, such as ``Keras HDF5, model, 21.5 kB``."""
    return f"{_FORMATS[provenance.format]}, {provenance.content}, {_size(provenance.size)}"


def describe_saver(saver: Saver) -> str:
    """What can have written it, such as ``tf.keras 2.3 or 2.4``."""
    if not saver.loaders and not saver.keras_lines and not saver.tensorflow_lines:
        return _UNKNOWN_SAVER
    names: dict[str, list[str]] = {}
    for loader in saver.loaders:
        names.setdefault(loader.implementation, []).append(loader.line)
    if not names:
        names = (
            {"Keras": list(saver.keras_lines)} if saver.keras_lines else {"TensorFlow": list(saver.tensorflow_lines)}
        )
    parts = [f"{name.replace('tensorflow', 'TensorFlow')} {_range(lines)}" for name, lines in names.items()]
    return "; or ".join(parts)


# --- from-model ----------------------------------------------------------------------------------------------


def describe_model(outcome: Outcome) -> Iterator[str]:
    """What the model is, what it needs, and what a person should know about it."""
    provenance = outcome.inspection.provenance
    lines = [
        f"The model       {printable(str(provenance.path))}: {describe_artifact(provenance)}",
        row("saved by", describe_saver(outcome.inspection.saver)),
        *rows("needs", _needs(outcome.inspection.custom, outcome.definitions)),
        *rows("built by", _builder(outcome)),
        *describe_findings(item for item in outcome.inspection.findings if not _is_settled(item, outcome)),
    ]
    yield "\n".join(lines)


def _described_lock(outcome: Outcome) -> str:
    place = printable(str(outcome.lock_path)) if outcome.lock_path is not None else "on standard output"
    held = "hash-pinned" if outcome.writer.has_hashes else "pinned without hashes"
    return f"{place} ({len(outcome.lock.pins)} distributions, {held})"


def _environment_part(outcome: Outcome) -> Iterator[str]:
    candidate, environment = outcome.candidate, outcome.environment
    place = f"Environment     {printable(str(environment.path))}: " if environment else f"{'Lock':<16}"
    title = f"{place}{candidate.name}"
    lines = [
        title,
        *rows("why", describe_reasons(outcome)),
        *rows("needs", outcome.candidate.needs),
        row("lock", _described_lock(outcome)),
        *rows("your code", _imports(outcome)),
        *rows("passed over", _passed_over(outcome.passed_over)),
    ]
    if outcome.verified is not None:
        lines.append(row("verified", _verified(outcome.verified, outcome)))
        lines += rows("left over", describe_left_over(outcome.verified.verification))
    elif environment is not None:
        lines.append(row("NOT verified", printable(outcome.unverified or "", 300)))
    if outcome.counterpart is not None:
        lines += rows("compared", _compared(outcome.counterpart))
    yield "\n".join(lines)


def _use_part(outcome: Outcome) -> Iterator[str]:
    if outcome.environment is None:
        from envlock.knowledge.pip_support import find_old_python

        python = outcome.lock.target.python
        make = f"virtualenv --python {python}" if find_old_python(python) else f"python{python} -m venv"
        lock_path = shlex.quote(str(outcome.lock_path)) if outcome.lock_path is not None else "LOCK"
        install = outcome.writer.install_command(lock_path)
        yield f"Use it          {make} DIR && {install}"
        return
    lines = [f"Use it          {outcome.environment.activate}"]
    if outcome.verification is not None:
        lines.append(row("", "python"))
        lines += [row("", f">>> {line}") for line in outcome.verification.snippet(outcome.inspection.provenance.path)]
    if outcome.script is not None and outcome.script_path is not None:
        lines.append(row("", f"or run it: python {shlex.quote(str(outcome.script_path))}"))
    if outcome.kernel is not None:
        lines.append(row("", f"or in Jupyter, with the kernel {outcome.kernel.name}: {outcome.kernel.title}"))
    yield "\n".join(lines)


def describe_reasons(outcome: Outcome) -> Iterator[str]:
    """Why it is this environment: a sentence each."""
    from envlock.pipeline.attempts import describe_attempts

    yield _main_reason(outcome)
    for bound in outcome.lock.constraints:
        yield f"{bound}: newer ones break it, which its metadata does not say"
    for sentence in describe_attempts(outcome.attempts):
        yield f"tried before: {printable(sentence, limit=len(sentence))}"


def _main_reason(outcome: Outcome) -> str:
    candidate, saver = outcome.candidate, describe_saver(outcome.inspection.saver)
    loaded = "the model" if saver == _UNKNOWN_SAVER else f"what {saver} saved"
    if candidate.stamp is not None:
        same = sum(candidate.stamp.distributions.get(pin.name) == pin.version for pin in outcome.lock.pins)
        return f"as its stamp says, {candidate.stamp}; {same} of {len(outcome.lock.pins)} distributions are those of it"
    told = "; ".join(reason.message for reason in candidate.verdict.reasons[:2])
    if candidate.verdict.verdict == "fails":
        return f"you asked for it; {candidate.loader.name} is NOT expected to load the model: {told}"
    if candidate.is_saver:
        return f"{candidate.loader.name} is what can have saved the model"
    if candidate.verdict.verdict == "unknown":
        return f"{candidate.loader.name} may load {loaded}: {told}"
    return f"{candidate.loader.name} is expected to load {loaded}"


def _is_settled(finding: Finding, outcome: Outcome) -> bool:
    """Whether the person has already done what the finding advises, or reads of it elsewhere."""
    settled = {
        "custom-object": bool(outcome.definitions),
        "undefined-name": bool(outcome.definitions),
        "weights-only": outcome.builder is not None,
        # It is the reason for the environment, and told there.
        "stamp": outcome.candidate.stamp is not None,
    }
    return settled.get(finding.reference, False)


def _passed_over(items: Sequence[PassedOver]) -> Iterator[str]:
    """The best of *items*, and where nothing is known to get its Python, the best of those that can be had."""
    if not items:
        return
    best, *others = items
    yield _without_python(best, "the better one")
    obtainable = next((item for item in others if item.command), None)
    if not best.command and obtainable is not None:
        yield _without_python(obtainable, "better than this one as well")


def _without_python(item: PassedOver, rank: str) -> str:
    command = f"; get it with: {item.command}" if item.command else ""
    return f"{item.candidate.name}, {rank}: its Python is not here{command}"


def _verified(verified: Verified, outcome: Outcome) -> str:
    verification = verified.verification
    isolated = f", {verification.isolation}" if verification.isolation is not None else ""
    seen = f"seen in {outcome.seconds.get('verification', 0.0):.1f} s"
    if outcome.is_recalled:
        day, _, time = verified.time.rstrip("Z").partition("T")
        seen = f"already verified on {day} at {time} UTC, and nothing has changed since"
    return f"the model loads {describe_call(verification)}, {seen}{isolated}"


def _compared(counterpart: Counterpart) -> Iterator[str]:
    """What the other environment is and how it loaded the model, then which outputs differ and how far."""
    comparison, verification = counterpart.comparison, counterpart.verification
    how = f": {printable(verification.how)}" if verification is not None and verification.loads else ""
    python = str(counterpart.environment.executable)
    yield f"with {printable(python, limit=len(python))}{how}"
    if comparison.obstacle is not None:
        yield f"nothing to compare: {printable(comparison.obstacle, 300)}"
    agreeing = [item for item in comparison.differences if item.is_small]
    for item in comparison.differences:
        if not item.is_small:
            yield f"output {printable(item.name)}".rstrip() + f" differs: {_extent(item)}"
    if agreeing:
        largest = max(agreeing, key=lambda item: item.absolute)
        yield f"{len(agreeing)} of {len(comparison.differences)} outputs agree: {_extent(largest)}"


def _extent(difference: Difference) -> str:
    return (
        f"the largest difference is {difference.absolute:.2g} ({difference.relative:.2g} of the largest number in it)"
    )


def describe_left_over(verification: Verification) -> Iterator[str]:
    """A warning where the artifact holds more than the model takes; what loads may be another model then."""
    left, shown = verification.left_over, verification.left_over[:_LEFT_OVER_SHOWN]
    if left:
        more = f" and {len(left) - len(shown)} more" if len(left) > len(shown) else ""
        yield f"the file holds what your model has no place for: {'; '.join(map(printable, shown))}{more}"


def describe_call(verification: Verification) -> str:
    """What became of calling the model, as the end of a sentence."""
    if not verification.predicts:
        return f"but was not called ({printable(first_line(verification.error or 'no input is known'))})"
    return "and computes finite numbers" if verification.is_finite else "and computes, but not only finite numbers"


# --- parts ---------------------------------------------------------------------------------------------------


def _needs(custom: Collection[CustomObject], definitions: Mapping[str, Definition]) -> Iterator[str]:
    for item in custom:
        source = item.distribution or "your own code"
        if item.name in definitions:
            definition = definitions[item.name]
            source = f"{definition.file}, line {definition.line}"
        yield f"{item.kind} {printable(item.name)} ({source})"


def _builder(outcome: Outcome) -> Iterator[str]:
    if outcome.builder is not None:
        place = f"{outcome.builder.file}, line {outcome.builder.line}"
        yield f"{printable(outcome.builder.name)} ({printable(place, limit=len(place))})"


def _imports(outcome: Outcome) -> Iterator[str]:
    for need in outcome.needs:
        if outcome.supply_of(need) == "chosen":
            # TensorFlow itself: all else in the report is about that.
            continue
        place = f"{need.first.file}, line {need.first.line}"
        yield f"imports {printable(need.first.module)} ({printable(place, limit=len(place))}): {_supply(need, outcome)}"


def _supply(need: Need, outcome: Outcome) -> str:
    """Where an import is served from, or what to do where it is not."""
    return {
        "added": f"{need.distribution} is in the lock for it",
        "locked": f"{need.distribution} is in the lock anyway",
        "left-out": f"not in the lock, since the code can do without; --with {need.distribution} adds it",
        "unknown": "which distribution brings it is not known; name it with --with",
    }[outcome.supply_of(need)]


def _evidence(provenance: Provenance) -> Iterator[str]:
    for item in provenance.evidence[:_EVIDENCE_SHOWN]:
        yield f"{item.fact} {printable(item.value, 60)} ({printable(item.location)})"
    hidden = len(provenance.evidence) - _EVIDENCE_SHOWN
    if hidden > 0:
        yield f"and {hidden} more: see --json"


def describe_findings(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each finding, and one for its hint."""
    for finding in findings:
        yield row(finding.severity, f"{finding.message} [{finding.reference}]")
        if finding.hint:
            yield row("", finding.hint)


def rows(label: str, values: Iterable[str]) -> Iterator[str]:
    """A line for each value, the first one with the label."""
    for index, value in enumerate(values):
        yield row(label if index == 0 else "", value)


def row(label: str, value: str) -> str:
    """One line of a report, in which nothing acts on a terminal: values hold names of files as they are."""
    return f"  {label:<{_LABEL_WIDTH}}{printable(value, len(value))}"


def _range(lines: list[str]) -> str:
    if len(lines) > 3:
        return f"{lines[0]} to {lines[-1]}"
    return " or ".join(lines)


def describe_shape(shape: tuple[int | None, ...] | None) -> str:
    """Such as ``(any, 3)``."""
    if shape is None:
        return "of unknown shape"
    return "(" + ", ".join("any" if axis is None else str(axis) for axis in shape) + ")"


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
