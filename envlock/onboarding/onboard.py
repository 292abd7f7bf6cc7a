"""Project -> Onboarding: it is read, its environments are made, its models loaded and its modules imported there."""

from __future__ import annotations

from dataclasses import replace

from envlock.onboarding.conflicts import explain_addresses, explain_indexes
from envlock.onboarding.environments import Environments
from envlock.onboarding.models import read_models
from envlock.onboarding.module_imports import import_project, reason_not_to_import
from envlock.onboarding.order import Order
from envlock.onboarding.page import write_page
from envlock.onboarding.results import Onboarding
from envlock.project import read_project
from envlock.reporter import Reporter


def from_project(order: Order, reporter: Reporter) -> Onboarding:
    """Make the fewest environments in which all models of a project load, and prove it.

    Raises:
        UsageError: The project is no folder, or outputs would lie inside a model.
        OccupiedPathError: Something that envlock did not make is in the way.
        NetworkError, WriteError: The outside world failed.
    """
    with reporter.step(f"reading {order.project.absolute().name}"):
        project = read_project(order.project)
    models = read_models(project.artifacts, order.project.absolute(), reporter)
    environments = Environments(order, project, reporter)
    environments.make_all(models.read)
    made, smoke = tuple(environments.made), None
    untested = reason_not_to_import(project, made, order)
    if not untested:
        smoke, made = import_project(project, made, order, reporter)
    onboarding = Onboarding(
        project=project,
        models=models,
        environments=made,
        unserved=tuple(environments.unserved),
        conflicts=(*explain_indexes(project), *explain_addresses(project), *environments.conflicts),
        smoke=smoke,
        untested=untested,
        page=None,
    )
    return replace(onboarding, page=write_page(onboarding, order, reporter))
