"""What became of a model in an environment, as text for a person and as JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from envlock.cli.documents import Document, artifact_fields, finding_fields, verification_fields
from envlock.cli.rendering import (
    describe_artifact,
    describe_call,
    describe_findings,
    describe_left_over,
    describe_saver,
    describe_shape,
    row,
    rows,
)
from envlock.formats.text import first_line, printable

if TYPE_CHECKING:
    from envlock.checking import Check
    from envlock.verification import Output, Verification


def render_check(check: Check) -> str:
    """What the model is, what happened in the environment, and how to load it there or find out why it does not."""
    return "\n\n".join(map("\n".join, [_model_part(check), _environment_part(check), _use_part(check)])) + "\n"


def _model_part(check: Check) -> Iterator[str]:
    provenance = check.inspection.provenance
    yield f"The model       {_whole(str(provenance.path))}: {describe_artifact(provenance)}"
    yield row("saved by", describe_saver(check.inspection.saver))
    yield from describe_findings(item for item in check.inspection.findings if item.severity != "info")


def _environment_part(check: Check) -> Iterator[str]:
    verification = check.verification
    yield f"Environment     {_whole(str(check.environment.executable))}"
    versions = ", ".join(f"{printable(name)} {printable(version)}" for name, version in verification.versions.items())
    yield from rows("has", filter(None, [versions]))
    yield row("verified" if check.is_proven else "FAILS", _sentence(verification))
    yield from rows("left over", describe_left_over(verification))
    yield from rows("output", map(_output, verification.outputs))
    yield from rows("your code", map(printable, verification.code_errors))
    # What failed in the same way as the last is not worth being said twice.
    others = [item for item in verification.attempts if first_line(item.error) != first_line(verification.error or "")]
    yield from rows("in vain", (f"{printable(item.how)}: {printable(first_line(item.error))}" for item in others))


def _sentence(verification: Verification) -> str:
    if verification.loads:
        said = f"the model loads {describe_call(verification)}"
    else:
        said = f"the model does not load: {printable(first_line(verification.error or 'no reason given'))}"
    return f"{said}, seen in {verification.seconds:.1f} s, {verification.isolation}"


def _output(output: Output) -> str:
    announced = "" if output.fits else f", though the model announces {describe_shape(output.declared)}"
    return f"{printable(output.name)} {printable(output.dtype)} {describe_shape(output.shape)}{announced}".lstrip()


def _use_part(check: Check) -> Iterator[str]:
    path, executable = check.inspection.provenance.path, check.environment.executable
    if check.is_proven:
        yield f"Use it          {_whole(shlex.quote(str(executable)))}"
        yield from (row("", f">>> {line}") for line in check.verification.snippet(path))
    else:
        words = ["envlock", "diagnose", str(path), "--python", str(executable), "--run"]
        yield f"Find out why    {_whole(shlex.join(words))}"


def _whole(text: str) -> str:
    """*text* uncut, but without what acts on a terminal: files may be named so."""
    return printable(text, len(text))


def check_document(check: Check) -> Document:
    """``envlock/verify/1``."""
    verification, environment = check.verification, check.environment
    return {
        "schema": "envlock/verify/1",
        "artifact": artifact_fields(check.inspection.provenance),
        "environment": {
            "python": str(environment.python),
            "executable": str(environment.executable),
            "distributions": {name: str(version) for name, version in environment.distributions.items()},
        },
        "verification": {
            **verification_fields(verification),
            "attempts": [{"how": item.how, "error": item.error} for item in verification.attempts],
            "code_errors": list(verification.code_errors),
            "outputs": [_output_fields(output) for output in verification.outputs],
            "versions": dict(verification.versions),
        },
        "findings": [finding_fields(finding) for finding in check.inspection.findings],
        "seconds": round(verification.seconds, 3),
    }


def _output_fields(output: Output) -> Document:
    return {
        "name": output.name,
        "dtype": output.dtype,
        "shape": list(output.shape),
        "is_finite": output.finite,
        "fits": output.fits,
    }
