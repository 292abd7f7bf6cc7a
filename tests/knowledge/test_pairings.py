"""Which release of an add-on fits which TensorFlow line."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envlock.knowledge.datafiles import data_folder, read_toml
from envlock.knowledge.pairings import paired_lines, pairings_of, release_for_tensorflow
from envlock.knowledge.releases import lines_of, releases_of

DISTRIBUTIONS = tuple(dict.fromkeys(row["distribution"] for row in read_toml("pairings.toml")["pairing"]))
HARVESTED = {path.stem for folder in ("releases", "snapshot") for path in (data_folder() / folder).glob("*.json*")}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_row_speaks_of_tensorflow_lines_that_exist(distribution: str) -> None:
    for pairing in pairings_of(distribution):
        fitting = [line for line in lines_of("tensorflow") if SpecifierSet(pairing.tensorflow).contains(line)]
        assert fitting, pairing
        assert pairing.built_against is None or pairing.built_against in fitting, pairing
        assert pairing.basis in {"declared", "checked", "tested", "observed"}, pairing


@pytest.mark.parametrize("distribution", [name for name in DISTRIBUTIONS if name in HARVESTED])
def test_every_row_speaks_of_releases_that_exist_and_no_release_has_two(distribution: str) -> None:
    ranges = [SpecifierSet(pairing.releases) for pairing in pairings_of(distribution)]
    versions = [release.version for release in releases_of(distribution)]

    assert [str(item) for item in ranges if not any(item.contains(version) for version in versions)] == []
    assert [str(version) for version in versions if sum(item.contains(version) for item in ranges) > 1] == []


@pytest.mark.parametrize(
    ("distribution", "line", "release"),
    [
        pytest.param("tensorflow-addons", "2.3", "0.11.2", id="built against the line"),
        pytest.param("tensorflow-addons", "2.15", "0.23.0", id="the last add-ons"),
        pytest.param("tensorflow-addons", "2.16", None, id="after the end"),
        pytest.param("tensorflow-text", "2.8", "2.8.2", id="last patch release of the line"),
        pytest.param("tensorflow-probability", "2.4", "0.12.2", id="checked at import, tested with the line"),
        pytest.param("tensorflow-probability", "2.17", "0.24.0", id="newest that accepts the line"),
        pytest.param("tensorflow-io", "1.15", "0.8.1", id="tested with the line"),
        pytest.param("tensorflow-hub", "2.4", None, id="any release will do"),
    ],
)
def test_an_add_on_is_chosen_for_a_line(distribution: str, line: str, release: str | None) -> None:
    found = release_for_tensorflow(distribution, line)

    assert (str(found.version) if found else None) == release


def test_of_keras_1_the_last_release_alone_runs_on_tensorflow() -> None:
    lines = paired_lines("keras", Version("1.2.2"))

    assert (lines[0], lines[-1], len(lines)) == ("1.15", "1.4", 12)
    assert [paired_lines("keras", Version(version)) for version in ("1.0.8", "1.1.2", "1.2.1")] == [(), (), ()]


def test_the_lines_of_a_release_are_those_of_all_its_rows() -> None:
    assert paired_lines("tensorflow-addons", Version("0.12.1")) == ("2.4", "2.3")
    assert paired_lines("tensorflow-hub", Version("0.16.1"))[-1] == "2.14"
