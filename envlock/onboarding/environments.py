"""Models -> their environments, one after the other; what fails in one is planned anew without it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from envlock.candidates import explain_no_candidate, possible_pythons
from envlock.errors import NoCandidateError
from envlock.interpreters import (
    UnavailablePythonError,
    command_to_get,
    fetch_interpreter,
    find_interpreters,
    search_is_restricted,
)
from envlock.onboarding.conflicts import explain_division, explain_relaxed, explain_unmet, span_of
from envlock.onboarding.making import make
from envlock.onboarding.model_results import in_order_of_loading
from envlock.onboarding.models import Model
from envlock.onboarding.order import Order
from envlock.onboarding.places import choose_places
from envlock.onboarding.planning import Plan, PlannedEnvironment, plan_environments
from envlock.onboarding.results import Conflict, MadeEnvironment, Unserved
from envlock.onboarding.serving import Terms
from envlock.onboarding.settings import Setting, is_locked
from envlock.onboarding.wanted import find_wanted
from envlock.pipeline.attempts import Attempt
from envlock.project.interface import Project
from envlock.reporter import Reporter

_MOST_FAILURES = 4
"""Environments that are made in vain before the models that are left are given up."""


class _Failure(NamedTuple):
    """An environment in which a model was expected to load, and does not."""

    setting: Setting
    cause: str


@dataclass
class Environments:
    """Those of a project: what was made, what could not be, and what does not fit."""

    order: Order
    project: Project
    reporter: Reporter
    made: list[MadeEnvironment] = field(default_factory=list)
    unserved: list[Unserved] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    _failures: dict[str, list[_Failure]] = field(default_factory=dict)
    """By the names of models, in the order of the environments."""

    _excluded: set[tuple[str, Setting]] = field(default_factory=set)
    """Names of models, with settings that they are not tried in any more."""

    def make_all(self, models: Sequence[Model]) -> None:
        """Make environments until every model has one, or none is left to try.

        A model that does not load where it was expected to gets one of its own, after the others have theirs.
        """
        terms, waiting = _terms_of(self.order), [*models]
        in_vain = 0
        plan = ideal = plan_environments(waiting, self.project, terms)
        self.conflicts += explain_division(ideal.environments, ideal)
        while in_vain <= _MOST_FAILURES and (planned := self._next(plan)) is not None:
            if not self._can_have(planned.setting, terms):
                terms = replace(terms, pythons=terms.pythons - {planned.setting.python})
            else:
                in_vain += not self._make(planned, ideal)
                if not planned.models:
                    break
                waiting = [model for model in waiting if not self._is_settled(model)]
            fresh = [model for model in waiting if model.name not in self._failures]
            plan = plan_environments(fresh, self.project, terms, excluded=self._excluded)
            if self._next(plan) is None or not plan.environments[0].models:
                again = [model for model in waiting if self._is_worth_another(model)]
                plan = plan_environments(again, self.project, terms, excluded=self._excluded)
        self.unserved += (self._unserved(model, ideal) for model in waiting)

    def _is_settled(self, model: Model) -> bool:
        return any(result.model is model for made in self.made for result in made.results)

    def _is_worth_another(self, model: Model) -> bool:
        """Whether another environment may be better: not where two have failed alike."""
        causes = [failure.cause for failure in self._failures.get(model.name, ())]
        return len({*causes}) == len(causes)

    def _next(self, plan: Plan) -> PlannedEnvironment | None:
        """The next environment to make; the code alone gets one only where there is no other."""
        first = next(iter(plan.environments), None)
        return None if first is None or (self.made and not first.models) else first

    def _can_have(self, setting: Setting, terms: Terms) -> bool:
        """Whether there is a Python of the line, or it was fetched just now; what to do about it is told where not."""
        if setting.python in terms.at_hand:
            return True
        try:
            if self.order.fetches and not search_is_restricted():
                fetch_interpreter(setting.python, self.reporter)
                return True
        except UnavailablePythonError as error:
            self.reporter.note(str(error))
        command = command_to_get(setting.python)
        hint = f"get it with: {command}" if command else ""
        self.conflicts.append(Conflict(f"{setting.name} would come first: its Python is not here", hint))
        return False

    def _make(self, planned: PlannedEnvironment, ideal: Plan) -> bool:
        """Make an environment; whether it is there, and all of its models load in it.

        What is not as the project says is explained by the *ideal* plan, for which every Python can be had.
        """
        models = in_order_of_loading(planned.models, self.order)
        # Pins of a lock file belong to the TensorFlow that it pins.
        keeps_pins = not any(is_locked(statement) for statement in planned.unmet)
        wanted = find_wanted(self.project, planned.setting, self.order.platform, keeps_pins=keeps_pins)
        places = choose_places(planned.setting, self.order, [made.places for made in self.made], self.reporter)
        try:
            made = make(planned, models, wanted, places, self.order, self.reporter)
        except NoCandidateError as error:
            self._note_failure(planned, models, error, ideal)
            return False
        failed = [result for result in made.results if result.state == "failed"]
        for result in failed:
            self._add_failure(result.model, _Failure(planned.setting, result.reason), _alike(planned.setting, ideal))
        kept = tuple(result for result in made.results if result.state != "failed")
        # What holds in one environment need not hold in every other.
        met = [statement for other in self.made for statement in other.planned.met]
        unmet = [statement for statement in planned.unmet if statement not in met]
        self.conflicts += explain_unmet(unmet, planned, ideal, self.order.platform)
        self.conflicts += (item for item in explain_relaxed(made) if item not in self.conflicts)
        self.made.append(replace(made, results=kept))
        return not failed

    def _note_failure(
        self, planned: PlannedEnvironment, models: Sequence[Model], error: NoCandidateError, ideal: Plan
    ) -> None:
        """Remember the models that have no place there: the first where it was built for that, else all of them."""
        told = f"{planned.setting.name}: {error}"
        self.reporter.note(told)
        if not models:
            self.conflicts.append(Conflict(told, error.hint))
        attempts = [item for item in error.attempts if isinstance(item, Attempt)]
        is_built = any(item.stage == "verification" for item in attempts)
        cause = next((item.cause for item in attempts if item.cause), str(error))
        settings = _alike(planned.setting, ideal) if is_built else {planned.setting}
        for model in models[:1] if is_built else models:
            self._add_failure(model, _Failure(planned.setting, cause), settings)

    def _add_failure(self, model: Model, failure: _Failure, settings: Collection[Setting]) -> None:
        """Remember a failure, after which the model is not tried in any of *settings*."""
        self._failures.setdefault(model.name, []).append(failure)
        self._excluded |= {(model.name, setting) for setting in settings}

    def _unserved(self, model: Model, ideal: Plan) -> Unserved:
        """Why there is no environment for the model."""
        if model.name in self._failures:
            told = "; ".join(f"{item.setting.name}: {item.cause}" for item in self._failures[model.name])
            return Unserved(model, f"it was expected to load, and does not: {told}", f"envlock diagnose {model.name}")
        if ideal.served[model.name]:
            return Unserved(model, f"it needs {span_of(ideal.served[model.name])}, whose Python is not here", "")
        error = explain_no_candidate(model.verdicts, platform=self.order.platform, wishes=self.order.wishes)
        return Unserved(model, str(error), error.hint)


def _alike(setting: Setting, plan: Plan) -> set[Setting]:
    """The setting on any Python: a model that does not load seldom does so for its sake."""
    packages = (setting.tensorflow, setting.keras)
    found = (item for served in plan.served.values() for item in served)
    return {setting, *(item for item in found if (item.tensorflow, item.keras) == packages)}


def _terms_of(order: Order) -> Terms:
    everywhere = frozenset(possible_pythons())
    here = frozenset(item.line for item in find_interpreters()) if order.makes_environments else everywhere
    return Terms(platform=order.platform, pythons=everywhere, at_hand=here, wishes=order.wishes)
