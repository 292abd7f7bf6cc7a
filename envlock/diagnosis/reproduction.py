"""An artifact and an environment of anybody -> what happens when the one is loaded in the other, isolated.

Nothing is written to the environment, nor anywhere else but to a folder that is gone afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from envlock.diagnosis.observations import Observations
from envlock.diagnosis.traceback_text import Traceback, parse_traceback
from envlock.environment.installed import InstalledEnvironment
from envlock.errors import UsageError
from envlock.inspection import Inspection
from envlock.knowledge.loaders import Loader
from envlock.loading import Loading
from envlock.verification import Verification, verify


def reproduce(
    artifact: Inspection,
    environment: InstalledEnvironment,
    observed: Observations,
    *,
    code: Path | None,
    trusts_code: bool,
    variables: Mapping[str, str] | None = None,
) -> Verification:
    """Load the artifact in the *environment*, by every loader there, the most promising first.

    Args:
        artifact: What was read of it.
        environment: Holds a TensorFlow.
        observed: Tells what is expected of the loaders there.
        code: Folder with the person's own definitions.
        trusts_code: Whether code in the artifact may be run.
        variables: What the environment is to be started with.

    Raises:
        UsageError: The artifact holds code, which is not trusted.
        UnstartablePythonError: The interpreter of the environment does not start.
    """
    provenance = artifact.provenance
    if any(item.needs_trust for item in provenance.code) and not trusts_code:
        problem = f"{provenance.path}: holds code, which loading would run"
        raise UsageError(problem, hint="pass --trust if you trust where it comes from")
    loading = Loading(inspection=artifact, code=code, trusts_code=trusts_code)
    loaders = _loaders(observed, environment)
    verification = verify(
        environment.executable,
        provenance.path,
        loaders=tuple(dict.fromkeys(loader.probe for loader in loaders)),
        # Who passes no code wants to see what happens without any help.
        names=loading.names_for(loaders) if code is not None else {},
        **loading.arguments,
        modules=loading.modules_there(environment.distributions, environment.tensorflow),
        environment={**environment.variables, **(variables or {})},
    )
    # The person's own Python finds the person's packages by itself.
    return replace(verification, environment=dict(variables or {}))


def _loaders(observed: Observations, environment: InstalledEnvironment) -> list[Loader]:
    """The loaders to try: those that read this kind of artifact, where any is known to; Keras first.

    What does not come back as a Keras model may still be loaded as a graph, and the person then learns both.
    """
    loaders = [verdict.loader for verdict in observed.verdicts] or environment.loaders()
    return sorted(loaders, key=lambda loader: loader.schema is None)


def error_of(verification: Verification) -> Traceback:
    """All that went wrong, the ways that were tried in vain included, as if it had been pasted."""
    failed = [attempt.error for attempt in verification.attempts]
    return parse_traceback("\n".join([*failed, verification.traceback, verification.error or ""]))
