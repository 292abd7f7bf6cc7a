"""An artifact and an environment of anybody -> Check: it is loaded and called there, isolated, and nothing is written.

What is installed there tells how it is loaded: by the implementations that are expected to read it, the best first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envlock.environment.installed import InstalledEnvironment, find_python, read_environment
from envlock.errors import EnvlockError, UsageError
from envlock.inspection import Inspection, inspect
from envlock.loading import Loading
from envlock.reporter import Reporter
from envlock.verification import Verification, verify


class NoLoaderError(EnvlockError):
    """Nothing that is installed in an environment reads this kind of artifact."""

    reference = "no-loader-installed"
    exit_code = 1

    def __init__(self, environment: str, artifact: str) -> None:
        super().__init__(environment, artifact)
        self.environment, self.artifact = environment, artifact
        self.hint = f"envlock from-model {artifact} makes an environment that does"

    def __str__(self) -> str:
        return f"{self.environment}: nothing is installed there that could load {self.artifact}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What became of an artifact in an environment."""

    inspection: Inspection
    environment: InstalledEnvironment
    verification: Verification

    @property
    def is_proven(self) -> bool:
        """Whether the model loads there, and computes as far as it was called."""
        return self.verification.loads and self.verification.predicts is not False


def check(
    artifact: Path,
    environment: Path,
    reporter: Reporter,
    *,
    code: Path | None = None,
    builder: str = "",
    trusts_code: bool = False,
) -> Check:
    """Load the artifact in an environment, and call the model on inputs made for it.

    Args:
        artifact: A file or folder.
        environment: Its folder, its interpreter, or the name of one on the search path.
        reporter: Hears of each step.
        code: Folder with the person's own definitions.
        builder: What in there builds the model that weights belong to, as ``NAME`` or ``MODULE:NAME``.
        trusts_code: Whether code that the artifact holds may be run.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: There is no such environment, or the model cannot be loaded as it was asked for.
        NoLoaderError: Nothing is installed there that could load it.
        UnstartablePythonError: The interpreter does not start.
    """
    installed = read_environment(find_python(environment), heeds_python_path=False)
    with reporter.step(f"reading {artifact.name}"):
        inspection = inspect(artifact)
    loading = Loading(inspection=inspection, code=code, builder=builder, trusts_code=trusts_code)
    return check_there(loading, installed, reporter)


def check_there(loading: Loading, environment: InstalledEnvironment, reporter: Reporter) -> Check:
    """As :func:`check` does for an artifact and an environment that were read before."""
    provenance = loading.inspection.provenance
    loading.find_definitions(reporter)
    loading.find_builder(reporter)
    if loading.obstacle is not None:
        raise UsageError(f"{provenance.path}: {loading.obstacle}")
    expected = [verdict.loader for verdict in loading.expectations(environment.loaders())]
    if not expected:
        raise NoLoaderError(str(environment.executable), str(provenance.path))
    how = loading.in_one_process(expected)
    with reporter.step(f"loading {provenance.path.name} in {environment.executable}"):
        verification = verify(
            environment.executable,
            provenance.path,
            **loading.arguments,
            loaders=how["loaders"],
            names=how["names"],
            modules=loading.modules_there(environment.distributions, environment.tensorflow),
            environment={**environment.variables, **how["environment"]},
        )
    return Check(inspection=loading.inspection, environment=environment, verification=verification)
