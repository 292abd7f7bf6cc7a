"""PlannedEnvironment -> MadeEnvironment: locked, made, and every model of it loaded there.

What the project wants besides is asked for as it says. Where that has no solution, some of it is let go until there is
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.candidates import Wishes
from envlock.environment.installed import find_python, read_environment
from envlock.errors import NoCandidateError
from envlock.onboarding.model_results import check_model, code_for, result_of
from envlock.onboarding.models import Model
from envlock.onboarding.order import Order
from envlock.onboarding.places import Places
from envlock.onboarding.planning import PlannedEnvironment
from envlock.onboarding.relaxation import joined, let_go
from envlock.onboarding.results import MadeEnvironment, Relaxed
from envlock.onboarding.smoke import import_from_elsewhere
from envlock.onboarding.wanted import Wanted
from envlock.onboarding.without_model import lock_without_model
from envlock.pipeline.from_model import from_model
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request
from envlock.reporter import Reporter
from envlock.writers import WRITERS

_MOST_RELAXATIONS = 40
"""Times that something is let go before an environment is given up."""


def make(
    planned: PlannedEnvironment,
    models: Sequence[Model],
    wanted: Wanted,
    places: Places,
    order: Order,
    reporter: Reporter,
) -> MadeEnvironment:
    """Make the environment for the first of *models*, and load the others there too.

    Raises:
        NoCandidateError: It does not resolve, install, or load the first of its models.
        NetworkError, WriteError, OccupiedPathError: The outside world failed.
    """
    outcome, granted, relaxed = _first_that_resolves(planned, models, wanted, places, order, reporter)
    environment = read_environment(find_python(outcome.environment.path)) if outcome.environment is not None else None
    results = [
        *(result_of(model, outcome, order) for model in models[:1]),
        *(check_model(model, environment, order, reporter) for model in models[1:]),
    ]
    imports = None
    if environment is not None and order.verifies and not models:
        with reporter.step("importing what the code imports"):
            names = sorted({"tensorflow", *granted.modules})
            imports = import_from_elsewhere(environment.executable, names)
    return MadeEnvironment(
        planned=planned,
        places=places,
        outcome=outcome,
        results=tuple(sorted(results, key=lambda result: result.model.name)),
        wanted=granted,
        relaxed=relaxed,
        imports=imports,
    )


def _first_that_resolves(
    planned: PlannedEnvironment,
    models: Sequence[Model],
    wanted: Wanted,
    places: Places,
    order: Order,
    reporter: Reporter,
) -> tuple[Outcome, Wanted, tuple[Relaxed, ...]]:
    """What was made, what of the *wanted* is in it, and what is not, or in another version."""
    relaxed: tuple[Relaxed, ...] = ()
    times = 0
    while True:
        request = _request(planned, models, wanted, places, order)
        try:
            outcome = from_model(request, reporter) if models else lock_without_model(request, reporter)
            return outcome, wanted, relaxed
        except NoCandidateError as error:
            found = let_go(wanted, error)
            if found is None or times == _MOST_RELAXATIONS:
                raise
        wanted, latest = found
        relaxed = joined(relaxed, latest)
        times += 1
        reporter.note(str(latest))


def _request(
    planned: PlannedEnvironment, models: Sequence[Model], wanted: Wanted, places: Places, order: Order
) -> Request:
    setting, first = planned.setting, models[0] if models else None
    return Request(
        artifact=first.path if first is not None else order.project,
        platform=order.platform,
        resolvers=order.resolvers,
        writer=WRITERS[0],
        lock_path=places.lock,
        environment_path=places.environment if order.makes_environments else None,
        wishes=Wishes(
            tensorflow=SpecifierSet(f"=={setting.tensorflow}"),
            python=setting.python,
            device=order.wishes.device,
            pins=_pins(planned, wanted),
        ),
        besides=(*setting.requirements, *order.besides, *(wish.requirement for wish in wanted.besides)),
        constraints=(*order.constraints, *(wish.requirement for wish in wanted.bounds)),
        preferred=wanted.pins,
        command=order.command,
        fetches=order.fetches,
        code=code_for(first, order) if first is not None else None,
        trusts_code=order.trusts_code,
        verifies=order.verifies,
        clears=order.clears,
    )


def _pins(planned: PlannedEnvironment, wanted: Wanted) -> Mapping[str, Version]:
    """What the plan has settled, and what the project says of the add-ons that its models may need."""
    needed = {item.distribution for model in planned.models for item in model.inspection.custom}
    exact = {
        canonicalize_name(wish.requirement.name): pinned
        for wish in wanted.besides
        if (pinned := wish.pinned_version) is not None
    }
    return {name: version for name, version in exact.items() if name in needed} | dict(planned.setting.keras)
