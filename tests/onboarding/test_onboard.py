"""From a project to its environments, with stand-ins for all that takes minutes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.errors import ResolutionError
from envlock.onboarding.conflicts import say
from envlock.onboarding.models import read_models
from envlock.onboarding.planning import plan_environments
from envlock.onboarding.results import Onboarding
from envlock.onboarding.smoke import ImportedModule, SmokeTest
from envlock.project import read_project
from envlock.reporter import SilentReporter
from tests.onboarding.conftest import Workshop
from tests.onboarding.projects import EVERYWHERE, KERAS_2_2, KERAS_3, TENSORFLOW_2_3
from tests.test_stamp import render as render_test_stamp

TENSORFLOW_2_15 = "keras/tf-2.15-functional.keras"


def places(onboarding: Onboarding) -> list[tuple[str, str, str]]:
    """Setting, environment and lock of each."""
    return [
        (
            made.planned.setting.name,
            made.outcome.environment.path.name if made.outcome.environment else "",
            made.outcome.lock_path.name if made.outcome.lock_path else "",
        )
        for made in onboarding.environments
    ]


def results(onboarding: Onboarding) -> list[tuple[str, str, str]]:
    return [(item.model.name, item.state, item.reason) for item in onboarding.results]


def messages(onboarding: Onboarding) -> list[str]:
    return [item.message for item in onboarding.conflicts]


def test_models_of_one_environment_are_all_loaded_in_it(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "models/a.h5")
    workshop.put(TENSORFLOW_2_3, "models/b.h5")

    onboarding = workshop.onboard()

    assert places(onboarding) == [("TensorFlow 2.4.4 on Python 3.8", ".venv", "requirements.txt")]
    assert results(onboarding) == [("models/a.h5", "verified", ""), ("models/b.h5", "verified", "")]
    assert workshop.loaded == ["a.h5", "b.h5"]
    assert onboarding.is_proven
    assert messages(onboarding) == []
    assert sorted(path.name for path in workshop.folder.iterdir()) == [
        ".venv",
        "ONBOARDING.md",
        "models",
        "requirements.txt",
    ]


def test_the_same_command_once_more_changes_nothing(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("train.py", "import numpy\n")
    workshop.resolver.releases["numpy"] = ["1.18.5"]
    workshop.onboard()
    before = {path.name: path.read_bytes() for path in workshop.folder.iterdir() if path.is_file()}

    onboarding = workshop.onboard()

    assert {path.name: path.read_bytes() for path in workshop.folder.iterdir() if path.is_file()} == before
    assert places(onboarding) == [("TensorFlow 2.4.4 on Python 3.8", ".venv", "requirements.txt")]
    assert workshop.loaded == ["a.h5"]


def test_a_model_that_fails_among_others_gets_an_environment_of_its_own(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.put(TENSORFLOW_2_3, "b.h5")
    workshop.failing = {"b.h5": {"2.4.4"}}

    onboarding = workshop.onboard(wishes=Wishes(tensorflow=SpecifierSet(">=2.3,<2.5")))

    assert [(item[0], item[1]) for item in places(onboarding)] == [
        ("TensorFlow 2.4.4 on Python 3.8", ".venv"),
        ("TensorFlow 2.3.4 on Python 3.8", ".venv-tensorflow-2.3"),
    ]
    assert results(onboarding) == [("a.h5", "verified", ""), ("b.h5", "verified", "")]


def test_a_first_model_that_fails_leaves_the_environment_to_the_others(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.put(TENSORFLOW_2_3, "b.h5")
    workshop.failing = {"a.h5": {"2.4.4", "2.3.4", "2.5.3", "2.6.5"}}

    onboarding = workshop.onboard(wishes=Wishes(tensorflow=SpecifierSet(">=2.3,<2.6")))

    assert places(onboarding) == [("TensorFlow 2.4.4 on Python 3.8", ".venv", "requirements.txt")]
    assert results(onboarding) == [("b.h5", "verified", "")]
    (unserved,) = onboarding.unserved
    assert unserved.reason == (
        "it was expected to load, and does not: TensorFlow 2.4.4 on Python 3.8: TypeError: no; "
        "TensorFlow 2.3.4 on Python 3.8: TypeError: no"
    )
    assert not onboarding.is_proven


def test_the_usual_names_are_for_the_first_environment_that_serves(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.failing = {"a.h5": {"2.4.4"}}

    onboarding = workshop.onboard()

    assert places(onboarding) == [("TensorFlow 2.3.4 on Python 3.8", ".venv", "requirements.txt")]
    assert onboarding.is_proven


def test_two_models_of_different_lines_get_two_environments(workshop: Workshop) -> None:
    workshop.put("lambda_layer/model.h5", "lambda.h5")
    workshop.put("keras/keras-2.0.9-lambda.h5", "old_lambda.h5")

    onboarding = workshop.onboard(trusts_code=True)

    assert len(onboarding.environments) == 2
    assert messages(onboarding)[-1].endswith("no environment serves both")


def test_an_environment_holds_the_keras_of_all_of_its_models(workshop: Workshop) -> None:
    workshop.put(KERAS_2_2, "a.h5")
    workshop.put(KERAS_3, "b.keras")

    workshop.onboard(makes_environments=False)

    lock = (workshop.folder / "requirements.txt").read_text()
    assert "\nkeras==3.15.1 " in lock
    assert "\ntf-keras==2.16.0 " in lock


def test_an_environment_is_called_by_the_keras_that_its_models_were_given(workshop: Workshop) -> None:
    workshop.put(KERAS_2_2, "a.h5")

    (made,) = workshop.onboard(makes_environments=False).environments

    planned = replace(made.planned, setting=made.planned.setting.base)
    assert planned.setting.name == "TensorFlow 1.15.5 on Python 3.7"
    assert replace(made, planned=planned).name == "TensorFlow 1.15.5 + keras 2.2.5 on Python 3.7"


def test_the_keras_that_is_asked_for_is_taken_in_place_of_the_last_of_its_line(workshop: Workshop) -> None:
    workshop.put(KERAS_2_2, "a.h5")
    workshop.write("setup.py", "from setuptools import setup\nsetup(install_requires=['Keras==2.2.4'])\n")

    onboarding = workshop.onboard()

    assert [made.outcome.candidate.name for made in onboarding.environments] == [
        "tensorflow 1.13.2 + keras 2.2.4 on Python 3.7"
    ]
    assert messages(onboarding) == []


def test_pins_of_a_lock_file_are_kept_where_they_can_be(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("Pipfile", "[packages]\nnumpy = '*'\nsix = '>1.14'\n")
    pins = {"tensorflow": "==2.4.1", "numpy": "==1.18.1", "six": "==1.13.0", "wheel": "==0.36.2"}
    workshop.write("Pipfile.lock", json.dumps({"default": {name: {"version": text} for name, text in pins.items()}}))
    workshop.resolver.releases |= {"numpy": ["1.18.1", "1.18.5"], "six": ["1.13.0", "1.15.0"]}

    onboarding = workshop.onboard()

    lock = (workshop.folder / "requirements.txt").read_text()
    assert "\ntensorflow-cpu==2.4.1 " in lock
    assert "\nnumpy==1.18.1 " in lock
    assert "\nwheel==" not in lock
    assert messages(onboarding) == ["not all pins of the lock file can be kept: six==1.13.0 is 1.15.0"]


def test_wrong_pins_give_way_one_by_one_and_it_is_said(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("requirements.txt", "tensorflow==1.3.0\npandas==9.9\nnumpy==1.18.5\nnosuch>1\n")
    workshop.resolver.releases |= {"pandas": ["1.1.3"], "numpy": ["1.18.5"], "nosuch": []}

    onboarding = workshop.onboard()

    assert places(onboarding) == [("TensorFlow 2.4.4 on Python 3.8", ".venv", "requirements-tensorflow-2.4.txt")]
    assert messages(onboarding) == [
        "requirements.txt, line 1, asks for tensorflow==1.3.0: a.h5 needs TensorFlow 2.3 or newer",
        "requirements.txt, line 2, asks for pandas==9.9: pandas is taken in any version, since offline has no pandas==9.9",
        "requirements.txt, line 4, asks for nosuch>1: it is left out, since offline has no nosuch",
    ]
    lock = (workshop.folder / "requirements-tensorflow-2.4.txt").read_text()
    assert "\npandas==1.1.3 " in lock
    assert "\nnumpy==1.18.5 " in lock


def test_a_project_without_models_gets_an_environment_for_its_code(workshop: Workshop) -> None:
    workshop.write("requirements.txt", "tensorflow==2.15.0\n")
    workshop.write("train.py", "import tensorflow as tf\nimport json\nimport scipy.stats\n")
    workshop.resolver.releases["scipy"] = ["1.11.4"]

    onboarding = workshop.onboard()

    assert places(onboarding) == [("TensorFlow 2.15.0 on Python 3.11", ".venv", "requirements-tensorflow-2.15.txt")]
    assert [item.name for made in onboarding.environments if made.imports for item in made.imports.modules] == [
        "scipy",
        "tensorflow",
    ]
    assert workshop.loaded == []
    assert onboarding.is_proven


def test_code_whose_environment_cannot_be_had_is_told(workshop: Workshop) -> None:
    workshop.write("train.py", "import tensorflow as tf\n")
    workshop.resolver.error = ResolutionError("all", "nothing fits")

    onboarding = workshop.onboard()

    assert places(onboarding) == []
    assert messages(onboarding) == [
        "TensorFlow 2.21.0 on Python 3.11: tensorflow-cpu 2.21.0 on Python 3.11: resolution failed: nothing fits"
    ]
    assert not onboarding.is_locked


def test_a_project_without_tensorflow_gets_nothing_but_a_page(workshop: Workshop) -> None:
    workshop.write("requirements.txt", "numpy\n")

    assert places(workshop.onboard()) == []
    assert sorted(path.name for path in workshop.folder.iterdir()) == ["ONBOARDING.md", "requirements.txt"]
    page = (workshop.folder / "ONBOARDING.md").read_text()
    assert "\n\nNone is needed: nothing in it is a model, or asks for TensorFlow or Keras.\n\n" in page


def test_damaged_models_are_told_and_the_others_served(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("b.h5", "")
    workshop.write("c.keras", "version https://git-lfs.github.com/spec/v1\n")

    onboarding = workshop.onboard()

    assert results(onboarding) == [("a.h5", "verified", "")]
    assert [item.name for item in onboarding.models.unread] == ["b.h5", "c.keras"]
    assert not onboarding.is_proven


def test_code_of_the_project_runs_with_trust_alone(workshop: Workshop) -> None:
    workshop.put("custom_layer/model.h5", "model.h5")
    workshop.put("custom_layer/code/scaling.py", "layers/scaling.py")

    onboarding = workshop.onboard()

    assert results(onboarding) == [
        (
            "model.h5",
            "not-verified",
            "it needs the definitions of Scale (layers/scaling.py, line 6): --trust runs them",
        )
    ]
    assert onboarding.untested == "it runs the code of the project: --trust does it, in isolation"
    assert workshop.loaded == []


def test_definitions_that_the_project_lacks_are_named(workshop: Workshop) -> None:
    workshop.put("custom_layer/model.h5", "model.h5")

    assert results(workshop.onboard(trusts_code=True)) == [
        (
            "model.h5",
            "not-verified",
            "it needs the definitions of Scale, and no file of the project defines Scale",
        )
    ]


def test_what_a_module_misses_is_added_once(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("plots.py", "try:\n    import matplotlib\nexcept ImportError:\n    raise\n")
    workshop.resolver.releases["matplotlib"] = ["3.3.2"]
    tests = [
        ImportedModule(name="plots", outcome="missing", missing="matplotlib", distribution="matplotlib"),
        ImportedModule(name="plots", outcome="imported"),
    ]
    monkeypatch.setattr(
        "envlock.onboarding.module_imports.import_modules",
        lambda *_, **__: SmokeTest(modules=(tests.pop(0),), isolation=None),
    )

    onboarding = workshop.onboard(trusts_code=True)

    assert onboarding.smoke is not None
    assert onboarding.smoke.passes
    assert "\nmatplotlib==3.3.2 " in (workshop.folder / "requirements.txt").read_text()
    assert workshop.loaded == ["a.h5", "a.h5"]


def test_a_python_that_cannot_be_had_is_told_and_passed_over(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("runtime.txt", "python-3.6.8\n")

    onboarding = workshop.onboard()

    assert places(onboarding)[0][0] == "TensorFlow 2.4.4 on Python 3.8"
    assert messages(onboarding) == [
        "TensorFlow 2.4.4 on Python 3.6 would come first: its Python is not here",
        "runtime.txt, line 1, asks for Python ==3.6.*: what weighs more, or is here, led to TensorFlow 2.4.4 on Python 3.8",
    ]


def test_locks_alone_are_for_any_python(workshop: Workshop) -> None:
    workshop.put(KERAS_3, "a.keras")
    workshop.write("setup.py", "from setuptools import setup\nsetup(install_requires=['tensorflow==2.3.0'])\n")

    onboarding = workshop.onboard(makes_environments=False)

    assert places(onboarding) == [("TensorFlow 2.16.2 + keras 3.15.1 on Python 3.12", "", "requirements.txt")]
    assert results(onboarding) == [("a.keras", "not-verified", "no environment was asked for")]
    assert messages(onboarding) == [
        "setup.py, line 2, asks for tensorflow==2.3.0: a.keras needs TensorFlow 2.16 or newer"
    ]
    assert sorted(path.name for path in workshop.folder.iterdir()) == [
        "ONBOARDING.md",
        "a.keras",
        "requirements.txt",
        "setup.py",
    ]


def test_what_somebody_else_made_is_left_alone(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write(".venv/mine.txt", "mine")
    workshop.write("ONBOARDING.md", "mine")
    workshop.write("requirements.txt", "numpy\n")
    workshop.resolver.releases["numpy"] = ["1.18.5"]

    onboarding = workshop.onboard()

    assert places(onboarding) == [
        ("TensorFlow 2.4.4 on Python 3.8", ".venv-tensorflow-2.4", "requirements-tensorflow-2.4.txt")
    ]
    assert onboarding.page is None
    assert (workshop.folder / "ONBOARDING.md").read_text() == "mine"
    assert (workshop.folder / ".venv/mine.txt").read_text() == "mine"


def test_the_page_is_written_anew_until_a_person_changes_it(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.onboard()
    page = workshop.folder / "ONBOARDING.md"
    first = page.read_text()

    workshop.put(TENSORFLOW_2_3, "b.h5")
    assert workshop.onboard().page == page
    assert page.read_text() != first

    page.write_text(page.read_text() + "\nAsk Ada.\n")
    assert workshop.onboard().page is None
    assert page.read_text().endswith("Ask Ada.\n")


def test_everything_goes_where_it_is_ordered(workshop: Workshop, tmp_path: Path) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    workshop.onboard(folder=elsewhere)

    assert [path.name for path in workshop.folder.iterdir()] == ["a.h5"]
    assert sorted(path.name for path in elsewhere.iterdir()) == [".venv", "ONBOARDING.md", "requirements.txt"]


def test_an_index_that_the_project_names_is_told_and_not_asked(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.write("needs/requirements.txt", "--extra-index-url https://host/simple\n--find-links wheels\n")

    onboarding = workshop.onboard()

    told = "it is not asked, since files of a project do not decide where distributions come from"
    assert [(item.message, item.hint) for item in onboarding.conflicts] == [
        (
            f"needs/requirements.txt, line 1, --extra-index-url https://host/simple: {told}",
            "if you trust it, tell uv of it: UV_INDEX",
        ),
        (
            f"needs/requirements.txt, line 2, --find-links wheels: {told}",
            "if you trust it, tell uv of it: UV_FIND_LINKS",
        ),
    ]


def test_a_stamp_says_exactly_what_its_model_gets_against_what_files_ask_for(workshop: Workshop) -> None:
    for name, pins in {
        "a.h5": {"tensorflow-cpu": "2.3.1", "numpy": "1.18.5"},
        "b.h5": {"tensorflow-gpu": "2.4.2"},
        "c.h5": {},
    }.items():
        workshop.put(TENSORFLOW_2_3, name)
        if pins:
            workshop.write(f"{name}.envlock.toml", render_test_stamp(workshop.folder / name, python="3.8.5", **pins))
    workshop.write("needs/requirements.txt", "tensorflow==2.4.1\n")

    alone = plan_environments(
        read_models([workshop.folder / "a.h5"], workshop.folder, SilentReporter()).read,
        read_project(workshop.folder),
        EVERYWHERE,
    )
    onboarding = workshop.onboard()

    (planned,) = alone.environments
    assert planned.setting.name == "TensorFlow 2.3.1 on Python 3.8"
    assert [f"{item.place}, {say(item)}" for item in planned.met] == [
        "a.h5.envlock.toml, asks for tensorflow-cpu==2.3.1",
        "a.h5.envlock.toml, asks for Python ==3.8.*",
    ]
    # Stamps do not divide what one environment serves.
    assert [state for _, state, _ in results(onboarding)] == ["verified"] * 3
    assert [place for place, _, _ in places(onboarding)] == ["TensorFlow 2.4.2 on Python 3.8"]


def test_what_was_seen_before_is_not_loaded_again_until_it_changes(workshop: Workshop) -> None:
    workshop.put(TENSORFLOW_2_3, "a.h5")
    workshop.put(TENSORFLOW_2_3, "b.h5")
    workshop.onboard()

    again = workshop.onboard()

    assert workshop.loaded == ["a.h5", "b.h5"]
    assert [(item.model.name, item.state, item.is_recalled) for item in again.results] == [
        ("a.h5", "verified", True),
        ("b.h5", "verified", True),
    ]

    workshop.put("keras/tf-2.3-weights.h5", "c.h5")
    (workshop.folder / "b.h5").write_bytes((workshop.folder / "b.h5").read_bytes() + b"\0")
    workshop.onboard()

    assert workshop.loaded == ["a.h5", "b.h5", "b.h5"]
