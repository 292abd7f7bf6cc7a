"""Against brute force in small random universes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import ResolutionError
from envlock.resolution.offline import OfflineResolver
from envlock.target import LINUX_X86_64, Target
from tests.resolution.snapshots import write_snapshot

NAMES = ("a", "b", "c", "d", "e")
VERSIONS = ("1", "2", "3")
TARGET = Target(python="3.8", platform=LINUX_X86_64)

requirement_texts = st.builds(
    "{}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(("==", "!=", ">=", "<=", "<", ">")),
    st.sampled_from(VERSIONS),
)
requirement_lists = st.lists(requirement_texts, max_size=3)
days = st.sampled_from(("2020-01-01", "2021-01-01", "2022-01-01"))
releases = st.fixed_dictionaries(
    {"requires": requirement_lists, "uploaded": days},
    optional={"yanked": st.just("bad"), "python": st.just(">=3.9")},
)
packages = st.dictionaries(st.sampled_from(VERSIONS), releases, min_size=1).map(
    lambda found: {version: found[version] for version in sorted(found)}
)
universes = st.dictionaries(st.sampled_from(NAMES), packages, min_size=2)


def _solutions(universe: dict, asked: list[str]) -> Iterator[dict[str, str]]:
    """Every choice of at most one release a package that satisfies all requirements of what is chosen."""
    for versions in product(*((None, *universe[name]) for name in universe)):
        chosen = {name: version for name, version in zip(universe, versions, strict=True) if version is not None}
        if any("python" in universe[name][version] for name, version in chosen.items()):
            continue
        if _satisfies(universe, asked, chosen):
            yield chosen


def _satisfies(universe: dict, asked: list[str], chosen: dict[str, str]) -> bool:
    demanded = [*asked, *(text for name, version in chosen.items() for text in universe[name][version]["requires"])]
    requirements = [Requirement(text) for text in demanded]
    return all(item.name in chosen and item.specifier.contains(chosen[item.name]) for item in requirements)


@given(universe=universes, asked=st.lists(requirement_texts, min_size=1, max_size=3))
@settings(max_examples=300)
def test_a_solution_is_found_if_and_only_if_there_is_one(universe: dict, asked: list[str]) -> None:
    with TemporaryDirectory() as folder:
        resolver = OfflineResolver(write_snapshot(Path(folder), universe))
        try:
            resolution = resolver.resolve(
                [Requirement(text) for text in asked], constraints=[], target=TARGET, interpreter=None
            )
        except ResolutionError:
            assert next(_solutions(universe, asked), None) is None
            return

    chosen = {pin.name: str(pin.version) for pin in resolution.pins}
    assert _satisfies(universe, asked, chosen)
    assert not any("python" in universe[name][version] for name, version in chosen.items())
    demanded = {Requirement(text).name for text in asked}
    assert all(pin.via or pin.name in demanded for pin in resolution.pins)
    assert all(pin.version == Version(chosen[pin.name]) for pin in resolution.pins)
