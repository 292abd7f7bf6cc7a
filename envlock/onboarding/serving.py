"""Models + the settings that can be had -> in which settings each model is expected to load, and how gladly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from packaging.version import Version

from envlock.candidates import Wishes
from envlock.knowledge.builds import build_for
from envlock.knowledge.loaders import Loader
from envlock.knowledge.releases import releases_of_line
from envlock.onboarding.models import Model, order_loaders
from envlock.onboarding.settings import EnvironmentStatement, Setting, narrowed, specifiers_on
from envlock.target import Platform, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which plans are made."""

    platform: Platform
    pythons: frozenset[str]
    """The Python lines that there may be environments of."""

    at_hand: frozenset[str]
    """Those of them that are on this machine."""

    wishes: Wishes = field(default_factory=Wishes)


Ranks = Mapping[str, Mapping[Setting, int]]
"""By the name of a model, the settings that it loads in, with their places in its order of preference."""

_KerasPin = tuple[str, Version]
_Homes = Mapping[Setting, Mapping[_KerasPin | None, int]]
"""Settings without Keras, what has to be added there for a model to load (``None``: nothing), and how gladly."""


def rank_settings(
    models: Iterable[Model],
    ground: Sequence[Setting],
    statements: Sequence[Iterable[EnvironmentStatement]],
    terms: Terms,
    excluded: Collection[tuple[str, Setting]],
) -> Ranks:
    """Settings are the *ground*, each with every combination of Keras distributions that any of the models asks for.

    *excluded* names models, with settings that they were seen not to load in.
    """
    known: dict[object, _Homes] = {}
    homes: dict[str, _Homes] = {}
    for model in models:
        if model.kind not in known:
            known[model.kind] = _homes(model, ground, statements, terms)
        homes[model.name] = known[model.kind]
    settings = _with_keras(ground, known.values())
    return {
        name: {
            setting: min(ranks)
            for setting in settings
            if (ranks := [*_ranks_in(setting, found)]) and (name, setting) not in excluded
        }
        for name, found in homes.items()
    }


def _ranks_in(setting: Setting, homes: _Homes) -> Iterator[int]:
    for pin, rank in homes.get(setting.base, {}).items():
        if pin is None or pin in setting.keras:
            yield rank


def _homes(
    model: Model, ground: Iterable[Setting], statements: Sequence[Iterable[EnvironmentStatement]], terms: Terms
) -> _Homes:
    loaders = order_loaders(model, platform=terms.platform, pythons=terms.at_hand, wishes=terms.wishes)
    readers = model.inspection.provenance.code_readers
    homes: dict[Setting, dict[_KerasPin | None, int]] = {}
    for base in ground:
        if readers is not None and base.python not in readers:
            continue
        for rank, loader in enumerate(loaders):
            if _can_be_had(loader, base, terms):
                pin = _pin(loader, statements) if loader.is_separate else None
                homes.setdefault(base, {}).setdefault(pin, rank)
    return homes


def _can_be_had(loader: Loader, base: Setting, terms: Terms) -> bool:
    if base.line not in loader.tensorflow:
        return False
    if loader.is_separate and not loader.release.can_be_installed(base.python, terms.platform.name):
        return False
    target = Target(python=base.python, platform=terms.platform)
    return build_for(base.tensorflow, target, terms.wishes.device, member=loader.family_member) is not None


def _pin(loader: Loader, statements: Sequence[Iterable[EnvironmentStatement]]) -> _KerasPin:
    """The last release of the line of *loader* that the project admits, else the last of all."""
    name = loader.release.distribution
    versions = [release.version for release in releases_of_line(name, loader.line)]
    return name, narrowed(versions, specifiers_on({name}, statements))[-1]


def _with_keras(ground: Iterable[Setting], homes: Iterable[_Homes]) -> list[Setting]:
    pins: dict[Setting, dict[str, set[_KerasPin]]] = {base: {} for base in ground}
    for found in homes:
        for base, ranks in found.items():
            for pin in filter(None, ranks):
                pins[base].setdefault(pin[0], set()).add(pin)
    return [
        base._replace(keras=tuple(filter(None, chosen)))
        for base, by_name in pins.items()
        for chosen in product(*([None, *sorted(by_name[name])] for name in sorted(by_name)))
    ]
