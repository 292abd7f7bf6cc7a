"""What a project says and what is -> Conflicts in words, with file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from envlock.candidates import possible_pythons
from envlock.knowledge.releases import lines_of, sort_lines
from envlock.onboarding.planning import Plan, PlannedEnvironment
from envlock.onboarding.results import Conflict, MadeEnvironment
from envlock.onboarding.settings import EnvironmentStatement, Setting, is_met
from envlock.project.interface import ApiUse, Project, PythonStatement, RequirementStatement
from envlock.target import Platform


def explain_unmet(
    statements: Iterable[EnvironmentStatement], planned: PlannedEnvironment, plan: Plan, platform: Platform
) -> Iterator[Conflict]:
    """Why each of *statements* does not hold in an environment."""
    for statement in statements:
        yield Conflict(f"{statement.place}, {say(statement)}: {_reason(statement, planned, plan, platform)}")


def explain_division(environments: Sequence[PlannedEnvironment], plan: Plan) -> Iterator[Conflict]:
    """Why the models of the first environment and of each other one do not share one."""
    for other in environments[1:]:
        for one, another in product(environments[0].models, other.models):
            settings, further = plan.served[one.name], plan.served[another.name]
            if settings.isdisjoint(further):
                needs = f"{one.name} needs {span_of(settings)}, {another.name} needs {span_of(further)}"
                yield Conflict(f"{needs}: no environment serves both")
                break


def explain_addresses(project: Project) -> Iterator[Conflict]:
    """What is asked for by an address, which no lock holds."""
    for item in project.requirements:
        if item.requirement.url is not None and not item.group:
            yield Conflict(
                f"{item.place}, asks for {item.requirement.name} by an address: it is left out",
                "install it afterwards: pip install --no-deps",
            )


_VARIABLES = {
    "--index-url": "UV_DEFAULT_INDEX",
    "--extra-index-url": "UV_INDEX",
    "--find-links": "UV_FIND_LINKS",
}
"""Variables that tell uv of the same."""


def explain_indexes(project: Project) -> Iterator[Conflict]:
    """Where the project would take distributions from, which nobody but the person decides."""
    for item in project.indexes:
        yield Conflict(
            f"{item.place}, {item.option} {item.address}: it is not asked, since files of a project do not decide"
            " where distributions come from",
            f"if you trust it, tell uv of it: {_VARIABLES[item.option]}",
        )


def explain_relaxed(made: MadeEnvironment) -> Iterator[Conflict]:
    """What the project wants beside its models, and did not get as it says."""
    for item in made.relaxed:
        yield Conflict(str(item), item.hint)
    moved = [f"{pin} is {version}" for pin, version in made.moved_pins]
    if moved:
        yield Conflict(f"not all pins of the lock file can be kept: {', '.join(moved)}")


def say(statement: EnvironmentStatement) -> str:
    """What the statement says, as the end of a sentence."""
    match statement:
        case RequirementStatement():
            return f"asks for {statement.requirement}"
        case PythonStatement():
            return f"asks for Python {statement.versions}"
        case ApiUse():
            return f"uses {statement.name}, which is in {statement.distribution} {statement.releases}"


def span_of(settings: Collection[Setting]) -> str:
    """The TensorFlow lines of *settings*, such as ``TensorFlow 2.12 or newer``, and their Python where it is one."""
    pythons = {setting.python for setting in settings}
    python = f" on Python {min(pythons)}" if len(pythons) == 1 else ""
    lines = sort_lines(setting.line for setting in settings)
    return f"TensorFlow {_range(lines, newest=lines_of('tensorflow')[-1])}{python}"


def _range(lines: Sequence[str], *, newest: str) -> str:
    first, last = lines[0], lines[-1]
    if first == last:
        return first
    return f"{first} or newer" if last == newest else f"{first} to {last}"


def _reason(statement: EnvironmentStatement, planned: PlannedEnvironment, plan: Plan, platform: Platform) -> str:
    if (wished := _wished(plan)) and not _meeting([statement], plan.ground, platform):
        return f"you asked for {wished}"
    served = [plan.served[model.name] for model in planned.models]
    for model, settings in zip(planned.models, served, strict=True):
        if not _meeting([statement], settings, platform):
            return f"{model.name} needs {_needed(statement, settings)}"
    together = frozenset.intersection(*served) if served else plan.ground
    meeting = _meeting([statement], together, platform)
    if together and not meeting and len(served) > 1:
        return f"no environment for all of {', '.join(model.name for model in planned.models)} is so"
    for other in planned.met:
        if not _meeting([other], meeting, platform):
            return f"that contradicts {other.place}, which {say(other)}"
    if meeting:
        return f"what weighs more, or is here, led to {planned.setting.name}"
    return f"nothing that can be had is so: {planned.setting.name} was taken"


def _wished(plan: Plan) -> str:
    """What the person has named; empty for nothing."""
    tensorflow = f"TensorFlow {plan.wishes.tensorflow}" if plan.wishes.tensorflow is not None else ""
    python = f"Python {plan.wishes.python}" if plan.wishes.python is not None else ""
    return " and ".join(filter(None, [tensorflow, python]))


def _needed(statement: EnvironmentStatement, settings: Collection[Setting]) -> str:
    if isinstance(statement, PythonStatement):
        lines = sort_lines(setting.python for setting in settings)
        return f"Python {_range(lines, newest=possible_pythons()[-1])}"
    return span_of(settings)


def _meeting(
    statements: Iterable[EnvironmentStatement], settings: Iterable[Setting], platform: Platform
) -> list[Setting]:
    return [setting for setting in settings if all(is_met(item, setting, platform) for item in statements)]
