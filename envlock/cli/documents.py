"""Results as JSON documents: what scripts rely on. Fields are added, never taken away."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Types only: a command must not wait for stages that it does not use.
if TYPE_CHECKING:
    from envlock.candidates import EnvironmentCandidate
    from envlock.errors import EnvlockError
    from envlock.inspection import Inspection
    from envlock.isolation.choice import Isolation
    from envlock.own_code.definitions import Definition
    from envlock.own_code.imports import Need
    from envlock.pipeline.attempts import Attempt
    from envlock.pipeline.counterpart import Counterpart
    from envlock.pipeline.outcome import Outcome
    from envlock.provenance import Finding, Provenance, Signature, TensorSpec
    from envlock.stamps import Stamp
    from envlock.verification import Verification
    from envlock.writers import Differences

Document = dict[str, Any]


def write_document(document: Document, *, on_one_line: bool = False) -> None:
    """Print a document to standard output; *on_one_line* where several follow each other."""
    sys.stdout.write(json.dumps(document, indent=None if on_one_line else 2) + "\n")


def inspection_document(inspection: Inspection) -> Document:
    """``envlock/inspect/1``."""
    provenance, saver = inspection.provenance, inspection.saver
    return {
        "schema": "envlock/inspect/1",
        "artifact": artifact_fields(provenance),
        "saver": {
            "tensorflow": {"recorded": saver.recorded_tensorflow, "lines": list(saver.tensorflow_lines)},
            "keras": {
                "recorded": saver.recorded_keras,
                "implementation": saver.implementation,
                "lines": list(saver.keras_lines),
            },
            "python": {"lines": list(saver.python_lines)},
        },
        "requires": {
            "custom_objects": [
                {"name": item.name, "kind": item.kind, "distribution": item.distribution} for item in inspection.custom
            ],
            "operations": [operation.name for operation in provenance.operations],
        },
        "inputs": [_tensor(spec) for spec in provenance.inputs],
        "signatures": [_signature(signature) for signature in provenance.signatures],
        "evidence": [
            {"fact": item.fact, "value": item.value, "location": item.location} for item in provenance.evidence
        ],
        "stamp": stamp_fields(inspection.stamp) if inspection.stamp is not None else None,
        "findings": [finding_fields(finding) for finding in inspection.findings],
    }


def outcome_document(outcome: Outcome) -> Document:
    """``envlock/from-model/1``."""
    return {
        "schema": "envlock/from-model/1",
        "artifact": artifact_fields(outcome.inspection.provenance),
        "candidate": candidate_fields(outcome.candidate),
        "lock": str(outcome.lock_path) if outcome.lock_path is not None else None,
        "venv": str(outcome.environment.path) if outcome.environment else None,
        "loader": outcome.verification.how if outcome.verification else None,
        "verification": verification_fields(outcome.verification) if outcome.verification else None,
        "verified_at": outcome.verified.time if outcome.verified else None,
        "already_verified": outcome.is_recalled,
        "unverified": outcome.unverified,
        "against": _counterpart(outcome.counterpart) if outcome.counterpart else None,
        "code": {
            "builder": _definition(outcome.builder.name, outcome.builder) if outcome.builder else None,
            "definitions": [_definition(name, item) for name, item in outcome.definitions.items()],
            "imports": [_import(need, outcome) for need in outcome.needs],
        },
        "script": str(outcome.script_path) if outcome.script is not None else None,
        "kernel": {"name": outcome.kernel.name, "folder": str(outcome.kernel.folder)} if outcome.kernel else None,
        "passed_over": [
            {"candidate": candidate_fields(item.candidate), "command": item.command} for item in outcome.passed_over
        ],
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
        "findings": [finding_fields(finding) for finding in outcome.inspection.findings],
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
    }


def check_document(differences: Differences, lock_path: str) -> Document:
    """``envlock/check/1``."""
    return {
        "schema": "envlock/check/1",
        "lock": lock_path,
        "is_stale": differences.is_stale,
        "added": {name: str(version) for name, version in differences.added},
        "removed": {name: str(version) for name, version in differences.removed},
        "changed": {name: [str(before), str(after)] for name, before, after in differences.changed},
        "other_files": list(differences.other_files),
    }


def error_document(error: EnvlockError, *, path: Path | None) -> Document:
    """``envlock/error/1``."""
    document: Document = {
        "schema": "envlock/error/1",
        "path": None if path is None else str(path),
        "reference": error.reference,
        "message": str(error),
        "hint": error.hint,
    }
    attempts = getattr(error, "attempts", ())
    if attempts:
        document["attempts"] = [_attempt(attempt) for attempt in attempts]
    return document


def stamp_fields(stamp: Stamp) -> Document:
    """What was written down for an artifact."""
    return {
        "time": stamp.time,
        "is_verified": stamp.is_verified,
        "python": str(stamp.python),
        "distributions": {name: str(version) for name, version in stamp.distributions.items()},
        "loader": stamp.loader or None,
        "how": stamp.how or None,
    }


def artifact_fields(provenance: Provenance) -> Document:
    """What an artifact is."""
    return {
        "path": str(provenance.path),
        "format": provenance.format,
        "content": provenance.content,
        "bytes": provenance.size,
    }


def candidate_fields(candidate: EnvironmentCandidate) -> Document:
    """What an environment is to hold, and what is expected of it."""
    return {
        "tensorflow": str(candidate.tensorflow.version),
        "distribution": candidate.tensorflow.distribution,
        "python": candidate.target.python,
        "implementation": candidate.loader.implementation,
        "line": candidate.loader.line,
        "requirements": [str(requirement) for requirement in candidate.requirements],
        "platform": candidate.target.platform.name,
        "needs": list(candidate.needs),
        "verdict": candidate.verdict.verdict,
        "is_saver": candidate.is_saver,
        "is_stamped": candidate.stamp is not None,
    }


def _definition(name: str, definition: Definition) -> Document:
    return {
        "name": name,
        "file": str(definition.file),
        "line": definition.line,
        "module": definition.module,
    }


def _import(need: Need, outcome: Outcome) -> Document:
    return {
        "module": need.first.module,
        "file": str(need.first.file),
        "line": need.first.line,
        "distribution": need.distribution,
        "supply": outcome.supply_of(need),
    }


def verification_fields(verification: Verification) -> Document:
    """What became of loading a model and calling it."""
    return {
        "loads": verification.loads,
        "predicts": verification.predicts,
        "loader": verification.loader,
        "how": verification.how,
        "environment": dict(verification.environment),
        "left_over": list(verification.left_over),
        "error": verification.error,
        "isolation": _isolation(verification.isolation) if verification.isolation is not None else None,
    }


def _counterpart(counterpart: Counterpart) -> Document:
    environment, verification, comparison = counterpart.environment, counterpart.verification, counterpart.comparison
    return {
        "python": str(environment.executable),
        "distributions": {name: str(version) for name, version in environment.distributions.items()},
        "verification": verification_fields(verification) if verification else None,
        "agrees": comparison.agrees,
        "obstacle": comparison.obstacle,
        "outputs": [
            {
                "name": item.name,
                "agrees": item.is_small,
                "absolute": _number(item.absolute),
                "relative": _number(item.relative),
            }
            for item in comparison.differences
        ],
    }


def _number(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def _isolation(isolation: Isolation) -> Document:
    return {
        "level": isolation.level,
        "guarantees": sorted(isolation.guarantees),
        "passed_over": dict(isolation.passed_over),
    }


def _attempt(attempt: Attempt) -> Document:
    return {"candidate": candidate_fields(attempt.candidate), "stage": attempt.stage, "error": attempt.error}


def finding_fields(finding: Finding) -> Document:
    """What a person should know about an artifact."""
    return {
        "reference": finding.reference,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
    }


def _tensor(spec: TensorSpec) -> Document:
    return {"name": spec.name, "dtype": spec.dtype, "shape": None if spec.shape is None else list(spec.shape)}


def _signature(signature: Signature) -> Document:
    return {
        "name": signature.name,
        "inputs": [_tensor(spec) for spec in signature.inputs],
        "outputs": [_tensor(spec) for spec in signature.outputs],
    }
