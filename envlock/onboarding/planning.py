"""Models + what a project says -> Plan: the fewest environments, and which model goes where.

What the models need comes first. Among environments that serve them, the one is taken that is most as their stamps say;
then the one against which the fewest statements of the project stand: pins of lock files before what is declared, that
before what is hinted at, and that before the API that the code uses. Then what is nearest to the savers, on a Python
that is here, and nearest to the era.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from envlock.candidates import Wishes
from envlock.knowledge.releases import line_order, releases_of_line
from envlock.onboarding.cover import fewest_sets
from envlock.onboarding.models import Model
from envlock.onboarding.serving import Ranks, Terms, rank_settings
from envlock.onboarding.settings import (
    EnvironmentStatement,
    Setting,
    bases,
    is_implementation,
    is_implementation_module,
    is_in_force,
    is_met,
    statements_of,
)
from envlock.project.interface import Era, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEnvironment:
    """An environment to make."""

    setting: Setting
    models: tuple[Model, ...]
    """Those that it is for; empty where the project holds none that can be loaded."""

    met: tuple[EnvironmentStatement, ...]
    """What holds of all that the project says of TensorFlow, Keras, add-ons and Python, what weighs most first."""

    unmet: tuple[EnvironmentStatement, ...]
    """What does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every environment of a project, the one that is most as the project says first."""

    environments: tuple[PlannedEnvironment, ...]
    served: Mapping[str, frozenset[Setting]]
    """The settings in which each model is expected to load, by its name."""

    ground: frozenset[Setting]
    """All settings that can be had, without Keras."""

    wishes: Wishes
    """Of the person, which limit them."""


def plan_environments(
    models: Sequence[Model],
    project: Project,
    terms: Terms,
    *,
    excluded: Collection[tuple[str, Setting]] = frozenset(),
) -> Plan:
    """The fewest environments in which all *models* are expected to load.

    Without a model there is one for the code, where that speaks of TensorFlow or Keras, and none where it does not.
    *excluded* names models, with settings that they were seen not to load in.
    """
    statements = statements_of(project)
    wishes = terms.wishes
    # What a stamp says is sure, whatever the files of the project ask for.
    asked = (tuple(chain(*(model.stamped for model in models))), *statements)
    ground = tuple(
        bases(
            asked,
            pythons=terms.pythons if wishes.python is None else terms.pythons & {wishes.python},
            platform=terms.platform,
            device=wishes.device,
            wished=wishes.tensorflow,
        )
    )
    ranks = rank_settings(models, ground, asked, terms, excluded)
    choice = _Choice(statements, ranks, project.era, terms)
    environments = [choice.environment_for(group, _settings_for(group, ranks)) for group in _groups(models, choice)]
    if not environments and ground and is_about_tensorflow(project):
        environments = [choice.environment_for((), ground)]
    return Plan(
        environments=tuple(sorted(environments, key=choice.precedence)),
        served={name: frozenset(found) for name, found in ranks.items()},
        ground=frozenset(ground),
        wishes=wishes,
    )


def is_about_tensorflow(project: Project) -> bool:
    """Whether the project asks for TensorFlow or Keras, imports it, or calls it by its API."""
    return (
        any(is_implementation(item.requirement.name) for item in project.requirements)
        or any(is_implementation_module(item.module) for item in project.imports)
        or any(is_implementation(use.distribution) for use in project.uses)
    )


# --- which models go together --------------------------------------------------------------------------------


def _groups(models: Sequence[Model], choice: _Choice) -> Iterator[tuple[Model, ...]]:
    """Models that share an environment: as few groups as serve all that can be served."""
    held: dict[Setting, set[str]] = {}
    for name, found in choice.ranks.items():
        for setting in found:
            held.setdefault(setting, set()).add(name)
    costs: dict[frozenset[str], int] = {}
    for setting, names in sorted(held.items()):
        group, cost = frozenset(names), choice.objections(setting)
        costs[group] = min(cost, costs.get(group, cost))
    # What is held by a set together with more is no better off alone, and the rest of the order is by cost.
    largest = [group for group in costs if not any(group < other for other in costs)]
    chosen = fewest_sets(sorted(largest, key=costs.__getitem__), cost=costs.__getitem__)
    served: dict[frozenset[str], list[Model]] = {group: [] for group in chosen}
    for model in models:
        holding = [group for group in chosen if model.name in group]
        if holding:
            served[min(holding, key=lambda group: choice.best_rank(model, group))].append(model)
    return (tuple(group) for group in served.values())


def _settings_for(group: Sequence[Model], ranks: Ranks) -> list[Setting]:
    """The settings that all models of the group load in."""
    first, *others = (ranks[model.name] for model in group)
    return [setting for setting in first if all(setting in found for found in others)]


# --- which setting it is -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Choice:
    """What decides between settings."""

    statements: tuple[tuple[EnvironmentStatement, ...], ...]
    ranks: Ranks
    era: Era | None
    terms: Terms
    _objections: dict[Setting, int] = field(default_factory=dict)
    """What was counted already."""

    def environment_for(self, group: tuple[Model, ...], settings: Sequence[Setting]) -> PlannedEnvironment:
        """The environment of the best of *settings* for the models of *group*."""
        best = min(settings, key=lambda setting: self._cost(setting, group))
        platform = self.terms.platform
        said = chain(*(model.stamped for model in group), *self.statements)
        told = [item for item in said if is_in_force(item, best, platform)]
        met = tuple(item for item in told if is_met(item, best, platform))
        unmet = tuple(item for item in told if item not in met)
        return PlannedEnvironment(setting=best, models=group, met=met, unmet=unmet)

    def precedence(self, environment: PlannedEnvironment) -> tuple[object, ...]:
        """Sort key of environments."""
        return self.objections(environment.setting), -len(environment.models), environment.setting

    def objections(self, setting: Setting) -> int:
        """How many statements do not hold there, as a number in which one of more weight outweighs all of less."""
        if setting not in self._objections:
            total = 0
            for group in self.statements:
                total = total * 1000 + sum(not is_met(item, setting, self.terms.platform) for item in group)
            self._objections[setting] = total
        return self._objections[setting]

    def best_rank(self, model: Model, group: frozenset[str]) -> int:
        """How near to its best the model is in a setting for all of *group*."""
        found = self.ranks[model.name]
        return min(rank for setting, rank in found.items() if all(setting in self.ranks[name] for name in group))

    def _cost(self, setting: Setting, group: Sequence[Model]) -> tuple[object, ...]:
        is_missing, era = setting.python not in self.terms.at_hand, self._distance_from_era(setting.line)
        newest_first = tuple(-part for part in line_order(setting.line))
        return (
            newest_first if self.terms.wishes.prefer == "newest" else (),
            sum(not is_met(item, setting, self.terms.platform) for model in group for item in model.stamped),
            self.objections(setting),
            sum(self.ranks[model.name][setting] for model in group),
            # Of a project without models the era tells more than what happens to be on this machine.
            (is_missing, *era) if group else (*era, is_missing),
            len(setting.keras),
            tuple(-part for part in line_order(setting.python)),
            setting,
        )

    def _distance_from_era(self, line: str) -> tuple[bool, int]:
        """Lines that had not come out yet are last; without an era, the newest is the first."""
        day = date.fromisoformat(releases_of_line("tensorflow", line)[0].uploaded)
        if self.era is None:
            return False, -day.toordinal()
        return day > self.era.day, abs((self.era.day - day).days)
