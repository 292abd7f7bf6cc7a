"""Job + another environment -> Counterpart: what the same artifact computes there, from the same inputs.

That environment is a person's own. What is installed there tells how the artifact is loaded; the loading is isolated as
in the environment that was made, and nothing is written into either.
"""

from __future__ import annotations

from dataclasses import dataclass

from envlock.environment.installed import InstalledEnvironment
from envlock.isolation.choice import UnstartablePythonError
from envlock.knowledge.loaders import Loader
from envlock.pipeline.job import Job
from envlock.verification import Verification, verify
from envlock.verification.comparison import Comparison, compare_outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """Another environment, and what the artifact gave there."""

    environment: InstalledEnvironment
    verification: Verification | None
    """``None`` where nothing is there that could load it."""

    comparison: Comparison
    """With the environment that was made, which comes first."""


def compare_with(environment: InstalledEnvironment, verification: Verification, job: Job) -> Counterpart:
    """Load and call the artifact in *environment* too, and compare what comes out with that of *verification*."""
    loaders = _loaders_there(environment, verification, job)
    if not loaders:
        return _without_numbers(environment, "nothing is installed there that could load the model")
    how = job.loading.in_one_process(loaders)
    try:
        with job.step(f"loading the model in {environment.executable}", "counterpart"):
            found = verify(
                environment.executable,
                job.inspection.provenance.path,
                **job.loading.arguments,
                loaders=how["loaders"],
                names=how["names"],
                modules=verification.modules,
                environment={**environment.variables, **how["environment"]},
                recipe=verification.recipe,
            )
    except UnstartablePythonError as error:
        return _without_numbers(environment, str(error))
    comparison = compare_outputs(verification, found)
    return Counterpart(environment=environment, verification=found, comparison=comparison)


def _without_numbers(environment: InstalledEnvironment, obstacle: str) -> Counterpart:
    comparison = Comparison(differences=(), obstacle=obstacle)
    return Counterpart(environment=environment, verification=None, comparison=comparison)


def _loaders_there(environment: InstalledEnvironment, verification: Verification, job: Job) -> list[Loader]:
    """The loaders that are installed, those first that are expected to load the artifact, and then did so here."""
    likely = job.loading.expectations(environment.loaders(), preferred=verification.loader)
    return [verdict.loader for verdict in likely]
