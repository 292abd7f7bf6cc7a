"""What is installed in an environment -> what does not go together there, whatever model is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.diagnosis.causes import Cause, Remedy, different_remedies
from envlock.diagnosis.remedies import Workbench
from envlock.environment.installed import InstalledEnvironment
from envlock.formats.text import printable
from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.failures import ABSENT, Failure, failure, failures_of
from envlock.knowledge.families import members_of
from envlock.knowledge.releases import find_release
from envlock.target import Target, platform_here


def find_conflicts(environment: InstalledEnvironment, bench: Workbench) -> Iterator[Cause]:
    """Failures that are to be expected, then what the metadata of TensorFlow forbids and nothing else is known of."""
    if environment.tensorflow is None:
        yield _no_tensorflow(environment, bench)
        return
    yield from _several_tensorflows(environment, bench)
    known = [*_from_bounds(environment, bench), *_from_failures(environment, bench)]
    yield from known
    told = {item.name for cause in known for remedy in cause.remedies for item in remedy.requirements}
    name, version = environment.tensorflow
    broken = [item for item in _broken_requirements(name, version, environment) if item.name not in told]
    if broken:
        by_name = sorted(broken, key=lambda item: item.name)
        yield _against_metadata(name, version, by_name, environment, bench)


def conditions_met(known: Failure, environment: InstalledEnvironment) -> Iterator[str]:
    """What is installed of the distributions that the conditions of a failure speak of, in one clause each."""
    for name in dict.fromkeys(name for condition in known.when for name in condition):
        if name == "python":
            yield f"Python is {environment.python}"
        elif name == "tensorflow" and environment.tensorflow is not None:
            yield "{} {} is installed".format(*environment.tensorflow)
        elif name in environment.distributions:
            yield f"{name} {environment.distributions[name]} is installed"
        elif any(condition.get(name) == ABSENT for condition in known.when):
            yield f"{name} is not installed"


def _no_tensorflow(environment: InstalledEnvironment, bench: Workbench) -> Cause:
    executable = str(environment.executable)
    remains = environment.remains.items()
    again = "install it again: its package went with another distribution that shares it, or was deleted"
    return Cause(
        reference="no-tensorflow",
        title="TensorFlow is not installed",
        explanation=f"{printable(executable, len(executable))} imports from folders that hold no TensorFlow.",
        likelihood="confirmed",
        evidence=(
            *(f"{name} {version} is on record as installed, and its package is gone" for name, version in remains),
            f"{len(environment.distributions)} other distributions are there",
        ),
        remedies=(
            *(bench.install_again(Requirement(f"{name}=={version}"), again) for name, version in remains),
            bench.make_environment(),
        ),
    )


def _several_tensorflows(environment: InstalledEnvironment, bench: Workbench) -> Iterator[Cause]:
    installed = {name: environment.distributions.get(name) for name in members_of("tensorflow")}
    there = {name: version for name, version in installed.items() if version is not None}
    # On some platforms one member brings another, always of its own version.
    if len(set(there.values())) > 1:
        yield Cause(
            reference="several-tensorflows",
            title="several releases of TensorFlow in one place",
            explanation="They install the same files, so that what is there is a mixture of them.",
            likelihood="predicted",
            evidence=tuple(f"{name} {version} is installed" for name, version in there.items()),
            remedies=(bench.make_environment(),),
        )


def _from_bounds(environment: InstalledEnvironment, bench: Workbench) -> Iterator[Cause]:
    """The failures of bounds that metadata lacks and that what is installed breaks."""
    for distribution, version in environment.distributions.items():
        for bound in bounds_for(distribution, version, python=environment.python_line):
            installed = environment.distributions.get(bound.requirement.name)
            if _breaks(installed, bound.requirement, is_needed=bound.is_missing):
                remedy = bench.install([bound.requirement], f"install what goes with {distribution} {version}")
                yield known_cause(failure(bound.failure), environment, [remedy])


def _from_failures(environment: InstalledEnvironment, bench: Workbench) -> Iterator[Cause]:
    for known in failures_of(environment.distributions, environment.python_line):
        if known.is_conflict:
            yield known_cause(known, environment, filter(None, map(bench.apply, known.fixes)))


def known_cause(
    known: Failure, environment: InstalledEnvironment, remedies: Iterable[Remedy], *, is_decisive: bool = False
) -> Cause:
    """A failure of the table, as something that the environment leads to."""
    return Cause(
        reference=known.id,
        title=known.title,
        explanation=known.cause,
        likelihood="predicted",
        evidence=tuple(conditions_met(known, environment)),
        remedies=different_remedies(remedies),
        sources=known.sources,
        is_decisive=is_decisive,
    )


def _against_metadata(
    name: str, version: Version, broken: list[Requirement], environment: InstalledEnvironment, bench: Workbench
) -> Cause:
    installed = environment.distributions
    return Cause(
        reference="broken-requirements",
        title=f"releases that {name} {version} does not admit",
        explanation="Something was installed later than TensorFlow, and against what its metadata asks for.",
        likelihood="predicted",
        evidence=tuple(
            f"{name} {version} requires {item}, and {item.name} {installed[item.name]} is installed" for item in broken
        ),
        remedies=(bench.install(broken, f"install what {name} {version} asks for"),),
    )


def _broken_requirements(name: str, version: Version, environment: InstalledEnvironment) -> Iterator[Requirement]:
    """What the metadata of a release asks for, and what is installed does not meet. What is missing does not count."""
    release, platform = find_release(name, version), platform_here()
    if release is None or platform is None:
        return
    markers = Target(python=environment.python_line, platform=platform).marker_environment
    for text in release.requires.get(platform.name, release.requires.get("*", ())):
        requirement = Requirement(text)
        plain = Requirement(f"{canonicalize_name(requirement.name)}{requirement.specifier}")
        is_meant = requirement.marker is None or requirement.marker.evaluate(markers)
        if is_meant and _breaks(environment.distributions.get(plain.name), plain, is_needed=False):
            yield plain


def _breaks(installed: Version | None, requirement: Requirement, *, is_needed: bool) -> bool:
    if installed is None:
        return is_needed
    return not requirement.specifier.contains(installed, prereleases=True)
