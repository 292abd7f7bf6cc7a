"""Recipes make failures of the table, and what comes of one is told as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.failures import all_failures
from tests.matrix.reproduce_failures import (
    Environment,
    Laboratory,
    Recipe,
    Trial,
    read_recipes,
    reproduce,
)

ERROR = "print(\"AttributeError: 'str' object has no attribute 'decode'\"); raise SystemExit(1)"
NOTICE = "print(\"Could not load dynamic library 'libcudart.so.11.0'\")"
HERE = Environment(python=f"{sys.version_info.major}.{sys.version_info.minor}")


def test_each_failure_that_was_observed_has_a_recipe_or_a_bound() -> None:
    _, recipes = read_recipes()
    bounds = {row["failure"] for row in read_toml("bounds.toml")["bound"]}

    observed = {item.id for item in all_failures() if item.observed}

    assert observed - bounds <= {recipe.failure for recipe in recipes}


def test_recipes_need_savers_that_there_are_and_make_a_failure_once() -> None:
    savers, recipes = read_recipes()

    assert {name for recipe in recipes for name in recipe.saved} <= savers.keys()
    assert len({recipe.failure for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize(
    ("environment", "fix", "changed"),
    [
        pytest.param(
            Environment(python="3.8", install=("tensorflow-cpu==2.3.4", "h5py==3.1.0"), overrides=("h5py==3.1.0",)),
            "h5py<3",
            Environment(python="3.8", install=("tensorflow-cpu==2.3.4", "h5py<3")),
            id="a release takes the place of another",
        ),
        pytest.param(
            Environment(python="3.11", install=("tensorflow==2.16.2",)),
            "tf-keras==2.16.*",
            Environment(python="3.11", install=("tensorflow==2.16.2", "tf-keras==2.16.*")),
            id="a distribution is added",
        ),
        pytest.param(
            Environment(python="3.11", install=("numpy",), forced=("tensorflow-hub==0.15.0", "tensorflow-text==2.12.1")),
            "tensorflow-text==2.15.*",
            Environment(
                python="3.11", install=("numpy",), forced=("tensorflow-hub==0.15.0", "tensorflow-text==2.15.*")
            ),
            id="what is installed alone remains so",
        ),
    ],
)  # fmt: skip
def test_a_fix_changes_one_requirement(environment: Environment, fix: str, changed: Environment) -> None:
    assert environment.with_fix(fix) == changed


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path / "work", {}, tmp_path / "environments")
    yield made
    made.close()


def trial(code: str) -> Trial:
    return Trial(environment=HERE, command=("{python}", "-c", code))


@pytest.mark.parametrize(
    ("failure", "failing", "mended", "outcome"),
    [
        pytest.param("h5py-returns-str", ERROR, "pass", "mended", id="mended"),
        pytest.param("h5py-returns-str", "pass", "pass", "did not fail", id="no failure"),
        pytest.param("numpy-2", ERROR, "pass", "not recognised", id="another failure"),
        pytest.param("h5py-returns-str", ERROR, ERROR, "not mended", id="a fix that does not help"),
        pytest.param("cuda-library-missing", NOTICE, "pass", "mended", id="a notice that is gone"),
        pytest.param("cuda-library-missing", NOTICE, NOTICE, "not mended", id="a notice that is still there"),
    ],
)
def test_what_comes_of_a_recipe_is_told(
    laboratory: Laboratory, failure: str, failing: str, mended: str, outcome: str
) -> None:
    recipe = Recipe(failure=failure, fix="", saved=(), failing=trial(failing), mended=trial(mended))

    assert reproduce(recipe, laboratory)["outcome"] == outcome


def test_environments_are_deleted(laboratory: Laboratory) -> None:
    laboratory.run(trial("pass"))
    kept = list(laboratory.work.iterdir())

    laboratory.close()

    assert (len(kept), list(laboratory.work.iterdir())) == (1, [])
