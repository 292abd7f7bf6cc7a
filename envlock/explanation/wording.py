"""The words of an explanation: what the text for a terminal and the page have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from shlex import quote

from envlock.candidates import EnvironmentCandidate
from envlock.dating import Saver
from envlock.explanation import Explanation
from envlock.explanation.loading import pythons_for_code
from envlock.explanation.narrowing import Narrowing
from envlock.explanation.runs import Run
from envlock.formats.text import printable
from envlock.inspection.findings import own_objects
from envlock.knowledge.loaders import Loader, all_loaders
from envlock.knowledge.releases import lines_of
from envlock.loadability import GPU_OPERATION, Reason, VerdictName
from envlock.provenance import Provenance

VERDICTS: Mapping[VerdictName, str] = {
    "loads": "loads",
    "needs-code": "needs code",
    "fails": "fails",
    "unknown": "unknown",
}

# --- lines ---------------------------------------------------------------------------------------------------


def implementation_name(loader: Loader) -> str:
    """As a person would say it: ``Keras`` for what is installed under that name, ``TensorFlow`` for graphs."""
    return {"tensorflow": "TensorFlow", "keras": "Keras"}.get(loader.implementation, loader.implementation)


def describe_run(run: Run) -> str:
    """The lines of a run, such as ``2.0 to 2.5``."""
    return _span([loader.line for loader in run.loaders])


def describe_tensorflow(run: Run) -> str:
    """The TensorFlow that a run of separate distributions runs on, such as ``TensorFlow 2.16 to 2.21``; else empty."""
    if not any(loader.is_separate for loader in run.loaders):
        return ""
    found = {line for loader in run.loaders for line in loader.tensorflow}
    known = [line for line in lines_of("tensorflow") if line in found]
    return f"on TensorFlow {_span(known)}" if known else "on no TensorFlow that is known"


def describe_saver(saver: Saver) -> str:
    """What can have written an artifact, such as ``tf.keras 2.3 or 2.4``; ``unknown`` where nothing tells."""
    if saver.loaders:
        return ", or ".join(_describe_loaders(saver.loaders))
    if saver.keras_lines:
        return f"Keras {_span(saver.keras_lines)}"
    return f"TensorFlow {_span(saver.tensorflow_lines)}" if saver.tensorflow_lines else "unknown"


def _describe_loaders(loaders: Iterable[Loader]) -> list[str]:
    """An entry for each implementation: its lines, as ranges where three and more follow each other."""
    wanted = {loader.name for loader in loaders}
    parts: dict[str, list[str]] = {}
    for (name, is_wanted), group in groupby(all_loaders(), lambda one: (implementation_name(one), one.name in wanted)):
        lines = [loader.line for loader in group]
        if is_wanted:
            parts.setdefault(name, []).extend(lines if len(lines) < 3 else [_span(lines)])
    return [f"{name} {_either(found)}" for name, found in parts.items()]


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _span(lines: Sequence[str]) -> str:
    """Lines that follow each other."""
    return _either(lines) if len(lines) < 3 else f"{lines[0]} to {lines[-1]}"


def describe_fully(run: Run) -> str:
    """A run in one sentence, such as ``tf.keras 1.4 to 2.2 fails: has no class Functional``."""
    told = describe_reasons(run.reasons, limit=_REASONS_TOLD)
    sentence = f"{implementation_name(run.loaders[0])} {describe_run(run)} {VERDICTS[run.verdict]}"
    return f"{sentence}: {told}" if told else sentence


_REASONS_TOLD = 4


# --- the saver -----------------------------------------------------------------------------------------------


def describe_narrowing(step: Narrowing) -> tuple[str, str]:
    """What a step looked at, and what it leaves."""
    item = step.evidence
    if item is None:
        return "classes and keys of the configuration", describe_saver(step.saver)
    subject = f"{item.fact.replace('-', ' ')} {printable(item.value, 60)} ({printable(item.location)})"
    return subject, describe_saver(step.saver)


def describe_doubt(saver: Saver) -> str:
    """What is uncertain about the saver, as a sentence; empty where nothing is."""
    unlikely = [loader for loader in saver.loaders if saver.likely and loader.name not in saver.likely]
    if unlikely:
        return f"It is {_either(_describe_loaders(unlikely))} only if another behaviour was switched on there."
    if not (saver.loaders or saver.keras_lines or saver.tensorflow_lines):
        return "Nothing in it tells which of the known releases wrote it."
    return "Nothing in it tells these apart." if len(saver.loaders) > 1 else ""


def describe_bytecode(provenance: Provenance) -> str:
    """Which Pythons the code in the artifact binds it to, as a sentence; empty where no bytecode is in it."""
    pythons = pythons_for_code(provenance)
    if pythons is None:
        return ""
    if not pythons:
        return "It holds bytecode of several Pythons, and no Python reads all of it."
    return f"It holds bytecode for Python {_either(pythons)}, and loads on no other."


# --- reasons -------------------------------------------------------------------------------------------------


def describe_reasons(reasons: Sequence[Reason], *, limit: int) -> str:
    """The first *limit* reasons as one clause, with the number of the others."""
    told = "; ".join(printable(reason.message, 300) for reason in reasons[:limit])
    hidden = len(reasons) - limit
    return f"{told}; and {hidden} more" if hidden > 0 else told


def describe_switch(loader: Loader) -> str:
    """What has to be set for a line to be used, such as ``with TF_USE_LEGACY_KERAS=1``; empty where nothing."""
    settings = " ".join(f"{name}={value}" for name, value in loader.environment.items())
    return f"with {settings}" if settings else ""


# --- what to do ----------------------------------------------------------------------------------------------


def describe_choice(candidate: EnvironmentCandidate) -> str:
    """Why an environment is chosen, as one clause."""
    if candidate.stamp is not None:
        return f"as its stamp says, {candidate.stamp}"
    name = f"{implementation_name(candidate.loader)} {candidate.loader.line}"
    if candidate.is_saver:
        return f"{name} can have written it"
    return f"{name} may load it" if candidate.verdict.verdict == "unknown" else f"{name} is expected to load it"


def no_choice(explanation: Explanation) -> str:
    """That no environment is expected to load the artifact."""
    reasons = (reason.reference for verdict in explanation.verdicts for reason in verdict.reasons)
    device = " without a GPU" if GPU_OPERATION in reasons else ""
    return f"No environment on {explanation.platform.label}{device} is expected to load it."


def next_commands(explanation: Explanation) -> tuple[tuple[str, str], ...]:
    """The commands to type next, each with what it does; empty where no environment would load the artifact."""
    if not explanation.choices:
        return ()
    inspection = explanation.inspection
    words = ["envlock", "from-model", quote(str(inspection.provenance.path))]
    if own_objects(inspection.custom):
        words += ["--code", "DIR"]
    if any(item.needs_trust for item in inspection.provenance.code):
        words.append("--trust")
    # A path that acts on the terminal is not worth being fit for copying.
    command = printable(" ".join(words), _LONGEST_COMMAND)
    is_whole = inspection.provenance.content != "weights"
    then = "loads the model in it" if is_whole else "leaves it to you to build the model and load the weights"
    commands = [(command, f"makes the environment and {then}")]
    if explanation.newest_choice is not None:
        commands.append((f"{command} --prefer newest", "does the same on the newest TensorFlow that loads it"))
    return tuple(commands)


_LONGEST_COMMAND = 4096
"""Characters: the path of the artifact and the options."""
