"""Environments -> SmokeTest: the modules of the project are imported there, and what they miss is added once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.errors import NoCandidateError
from envlock.onboarding.making import make
from envlock.onboarding.model_results import in_order_of_loading
from envlock.onboarding.order import Order
from envlock.onboarding.results import MadeEnvironment
from envlock.onboarding.smoke import ImportedModule, SmokeTest, import_modules
from envlock.onboarding.wanted import Wish
from envlock.project.interface import Place, Project
from envlock.reporter import Reporter


def reason_not_to_import(project: Project, made: Sequence[MadeEnvironment], order: Order) -> str:
    """Why the modules of the project are not imported; empty where they are."""
    if not project.modules:
        return "the project holds no module of its own"
    if not order.makes_environments or not made:
        return "no environment was made"
    if not order.verifies:
        return "it was not asked for"
    if not order.trusts_code:
        return "it runs the code of the project: --trust does it, in isolation"
    return ""


def import_project(
    project: Project, made: Sequence[MadeEnvironment], order: Order, reporter: Reporter
) -> tuple[SmokeTest, tuple[MadeEnvironment, ...]]:
    """How the modules of the project are imported, and the environments, the first of them made again where it helps.

    It is made again with what modules miss and is known to be brought by something that was not let go before.
    """
    test = _import_everywhere(project, made, reporter)
    first, *others = made
    told = (*first.wanted.besides, *(item.wish for item in first.relaxed))
    known = {canonicalize_name(wish.requirement.name) for wish in told}
    wishes = {
        item.distribution: Wish(
            requirement=Requirement(item.distribution), place=item.place or Place(Path(item.name)), reason="imported"
        )
        for item in test.modules
        if item.distribution is not None and item.distribution not in known
    }
    again = _make_again(first, wishes.values(), order, reporter) if wishes else None
    if again is None:
        return test, tuple(made)
    made = (again, *others)
    return _import_everywhere(project, made, reporter), made


def _make_again(
    first: MadeEnvironment, wishes: Collection[Wish], order: Order, reporter: Reporter
) -> MadeEnvironment | None:
    """The environment with more in it; ``None`` where it cannot be had, and is as it was."""
    wanted = replace(first.wanted, besides=(*first.wanted.besides, *wishes))
    models = in_order_of_loading([result.model for result in first.results], order)
    try:
        again = make(first.planned, models, wanted, first.places, order, reporter)
    except NoCandidateError as error:
        reporter.note(str(error))
        return None
    return replace(again, relaxed=(*first.relaxed, *again.relaxed))


def _import_everywhere(project: Project, made: Sequence[MadeEnvironment], reporter: Reporter) -> SmokeTest:
    """As each module is imported in the first environment, or in the first of the others where it can be."""
    tests: list[SmokeTest] = []
    for item in made:
        environment = item.outcome.environment
        if environment is not None and not (tests and tests[-1].passes):
            with reporter.step(f"importing the modules of the project in {environment.path}"):
                variables = item.outcome.candidate.loader.environment
                root = project.root.absolute()
                tests.append(import_modules(environment.python, project.modules, root, variables=variables))
    columns = zip(*(test.modules for test in tests), strict=True)
    return replace(tests[0], modules=tuple(next(filter(_is_imported, column), column[0]) for column in columns))


def _is_imported(module: ImportedModule) -> bool:
    return module.outcome == "imported"
