"""Which distribution brings a class or function that is not built into Keras, and which import makes it known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from envlock.knowledge.datafiles import read_rows


class Provider(NamedTuple):
    """One distribution that brings an object of the name that was asked for."""

    distribution: str
    requirement: str
    """What an installer takes: the distribution, or a direct reference where the package index has none."""

    module: str
    """The import that registers the object, or that has it as an attribute."""

    kind: str
    """``layer``, ``model``, ``optimizer``, ``loss``, ``function`` and so on; ``object`` where the source is silent."""

    packages: tuple[str, ...]
    """Packages under which it is registered, such as ``Addons`` of ``Addons>GELU``; empty where it has to be passed."""

    releases: tuple[tuple[str, str], ...]
    """First and last of each run of releases that have it, among those that were read; empty where none were."""

    is_certain: bool
    """Whether the name alone tells the distribution. Others may have the name too; so may the person's own code."""


def providers_of(name: str, kind: str | None = None) -> tuple[Provider, ...]:
    """Every distribution known to bring the class or function *name*: the certain first, then by preference.

    *name* is a registered name such as ``Addons>GELU``, or a plain one. A plain name that some Keras has itself has no
    provider. *kind* leaves out what is known to be of another kind; layers and models stand for each other.
    """
    package, _, plain = name.rpartition(">")
    found = [
        provider
        for row in _rows(plain, is_registered=bool(package))
        if (provider := _read(row, package, plain)) is not None and _fits(provider.kind, kind)
    ]
    brought = {provider.distribution for provider in found}
    found += [
        _provider(distribution, kind=kind or "object", packages=(package,), is_certain=True)
        for distribution in _claimants(package)
        if distribution not in brought
    ]
    order = {distribution: place for place, distribution in enumerate(_curated())}
    return tuple(sorted(found, key=lambda item: (not item.is_certain, order[item.distribution])))


def find_provider(class_name: str, registered_name: str | None) -> str | None:
    """The distribution that certainly defines the class, or ``None``."""
    for name in (registered_name, class_name):
        if name and (first := next(iter(providers_of(name)), None)) is not None and first.is_certain:
            return first.distribution
    return None


def module_of(distribution: str) -> str | None:
    """The module whose import makes the classes of *distribution* known, or ``None``."""
    curated = _curated().get(distribution)
    return str(curated["module"]) if curated is not None else None


def _curated() -> Mapping[str, Mapping[str, Any]]:
    """The curated rows by distribution, in the order of preference."""
    rows: Mapping[str, Mapping[str, Any]] = read_rows("custom_objects.json")["providers"]
    return rows


def _claimants(package: str) -> Iterator[str]:
    """Distributions to which every registered name of the package belongs."""
    return (name for name, row in _curated().items() if package and package in row.get("packages", ()))


def _rows(plain: str, *, is_registered: bool) -> Iterable[list[Any]]:
    """Generated rows, and those of curated distributions that are not read."""
    table = read_rows("custom_objects.json")
    yield from table["objects"].get(plain, ())
    if is_registered:
        yield from table["homonyms"].get(plain, ())
    for distribution, curated in _curated().items():
        if plain in curated.get("objects", {}):
            yield [distribution, curated["objects"][plain], "", [], []]


def _read(row: list[Any], package: str, plain: str) -> Provider | None:
    distribution, kind, module, packages, spans = row
    # Keras names the class alone, or `Custom`, where nothing else was registered.
    if package not in {"", "Custom", *packages}:
        return None
    versions = read_rows("custom_objects.json")["versions"].get(distribution, ())
    return _provider(
        distribution,
        module=module,
        kind=kind,
        packages=tuple(packages),
        releases=tuple((versions[first], versions[last]) for first, last in spans),
        is_certain=package in {*packages} - {"Custom"}
        or any(fnmatchcase(plain, pattern) for pattern in _curated()[distribution].get("claims", ())),
    )


def _provider(
    distribution: str,
    *,
    kind: str,
    packages: tuple[str, ...],
    is_certain: bool,
    module: str = "",
    releases: tuple[tuple[str, str], ...] = (),
) -> Provider:
    curated = _curated()[distribution]
    return Provider(
        distribution=distribution,
        requirement=curated.get("requirement", distribution),
        module=module or curated["module"],
        kind=kind,
        packages=packages,
        releases=releases,
        is_certain=is_certain,
    )


def _fits(known: str, wanted: str | None) -> bool:
    alike = {"model": "layer"}
    return wanted in {None, "object"} or known == "object" or alike.get(known, known) == alike.get(str(wanted), wanted)
