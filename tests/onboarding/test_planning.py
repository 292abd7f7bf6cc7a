"""The fewest environments for the models of a project, as much as possible as the project says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.onboarding.conflicts import explain_division, explain_unmet
from envlock.project.interface import Project
from envlock.target import LINUX_X86_64
from tests.onboarding.projects import (
    EVERYWHERE,
    KERAS_2_2,
    KERAS_3,
    TENSORFLOW_2_3,
    asks,
    asks_for_python,
    imports,
    plan,
    project,
    settings,
    uses,
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(project(TENSORFLOW_2_3), ["TensorFlow 2.4.4 on Python 3.8"], id="the model alone: its saver"),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow==2.3.0")),
            ["TensorFlow 2.3.0 on Python 3.8"],
            id="a pin that the model loads with",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow-gpu==2.5.1")),
            ["TensorFlow 2.5.1 on Python 3.9"],
            id="another of the family is TensorFlow too",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow==1.3.0")),
            ["TensorFlow 2.4.4 on Python 3.8"],
            id="what the model needs comes first",
        ),
        pytest.param(
            project(
                TENSORFLOW_2_3,
                requirements=[
                    *asks("tensorflow==2.5.0", file="setup.py"),
                    *asks("tensorflow==2.3.2", file="poetry.lock", strength="locked"),
                ],
            ),
            ["TensorFlow 2.3.2 on Python 3.8"],
            id="a locked pin outweighs a declared one",
        ),
        pytest.param(
            project(KERAS_2_2, requirements=asks("tensorflow==1.12.0", "Keras==2.2.4")),
            ["TensorFlow 1.12.0 + keras 2.2.4 on Python 3.6"],
            id="the Keras that is asked for, not the last of its line",
        ),
        pytest.param(
            project(KERAS_2_2, era=date(2019, 1, 10)),
            ["TensorFlow 1.12.3 + keras 2.2.5 on Python 3.6"],
            id="the era decides between lines that serve alike",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, pythons=[asks_for_python("==3.7.*")]),
            ["TensorFlow 2.4.4 on Python 3.7"],
            id="a Python that is asked for",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, uses=[uses("tf.keras.Something", "tensorflow", ">=2.6")]),
            ["TensorFlow 2.6.5 on Python 3.9"],
            id="the API that the code uses",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow-addons==0.16.1")),
            ["TensorFlow 2.6.5 on Python 3.9"],
            id="the TensorFlow of an add-on",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow<2; python_version<'3'", "tensorflow>=2.3,<2.4")),
            ["TensorFlow 2.3.4 on Python 3.8"],
            id="a marker that does not hold has no say",
        ),
    ],
)
def test_one_environment_serves_a_model_as_the_project_says(found: Project, expected: list[str]) -> None:
    assert settings(plan(found)) == expected


def test_what_a_marker_leaves_to_other_pythons_is_no_reason() -> None:
    asked = asks("tensorflow<2; python_version<'3'", "tensorflow>=2.3,<2.4")

    made = plan(project(TENSORFLOW_2_3, requirements=asked)).environments[0]

    assert (made.met, made.unmet) == ((asked[1],), ())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            project(requirements=asks("tensorflow>=1.10"), era=date(2019, 3, 1)),
            ["TensorFlow 1.13.2 on Python 3.7"],
            id="by its era",
        ),
        pytest.param(
            project(imports=imports("keras.models"), uses=[uses("tf.contrib", "tensorflow", "<2")]),
            ["TensorFlow 1.15.5 on Python 3.7"],
            id="by the API that it uses",
        ),
        pytest.param(
            project(requirements=asks("tf-keras")), ["TensorFlow 2.21.0 on Python 3.13"], id="by nothing else"
        ),
        pytest.param(project(requirements=asks("numpy"), imports=imports("numpy")), [], id="without TensorFlow: none"),
    ],
)
def test_a_project_without_models_gets_an_environment_for_its_code(found: Project, expected: list[str]) -> None:
    assert settings(plan(found)) == expected


def test_models_that_one_environment_serves_share_it() -> None:
    made = plan(project(KERAS_2_2, KERAS_3))

    assert [len(environment.models) for environment in made.environments] == [2]
    assert settings(made) == ["TensorFlow 2.16.2 + keras 3.15.1 + tf-keras 2.16.0 on Python 3.12"]


def test_models_that_none_serves_together_are_divided_and_it_is_said_why() -> None:
    found = project("lambda_layer/model.h5", "lambda_layer/python_2_model.h5")

    made = plan(found)

    assert settings(made) == ["TensorFlow 1.12.3 on Python 2.7", "TensorFlow 2.15.1 on Python 3.11"]
    assert [conflict.message for conflict in explain_division(made.environments, made)] == [
        "lambda_layer/python_2_model.h5 needs TensorFlow 1.12 to 2.1 on Python 2.7, "
        "lambda_layer/model.h5 needs TensorFlow 2.12 or newer: no environment serves both"
    ]


def test_a_model_that_failed_somewhere_is_planned_elsewhere() -> None:
    found = project(TENSORFLOW_2_3)
    first = plan(found).environments[0]

    again = plan(found, excluded={(first.models[0].name, first.setting)})

    assert settings(again) == ["TensorFlow 2.4.4 on Python 3.7"]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        pytest.param(Wishes(python="3.10"), ["TensorFlow 2.10.1 on Python 3.10"], id="a Python"),
        pytest.param(Wishes(tensorflow=SpecifierSet("==2.7.*")), ["TensorFlow 2.7.4 on Python 3.9"], id="a TensorFlow"),
        pytest.param(Wishes(prefer="newest"), ["TensorFlow 2.21.0 + tf-keras 2.21.0 on Python 3.13"], id="the newest"),
        pytest.param(Wishes(prefer="saver"), ["TensorFlow 2.4.4 on Python 3.8"], id="the saver"),
    ],
)
def test_wishes_of_the_person_limit_the_choice(wishes: Wishes, expected: list[str]) -> None:
    assert settings(plan(project(TENSORFLOW_2_3), replace(EVERYWHERE, wishes=wishes))) == expected


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param(
            project(KERAS_3, requirements=asks("tensorflow==2.3.0")),
            "requirements.txt, line 1, asks for tensorflow==2.3.0: "
            "keras/tf-2.21-functional.keras needs TensorFlow 2.16 or newer",
            id="a release that the model does not load with",
        ),
        pytest.param(
            project(TENSORFLOW_2_3, requirements=asks("tensorflow==2.3.0", "tensorflow==2.4.0")),
            "requirements.txt, line 1, asks for tensorflow==2.3.0: "
            "that contradicts requirements.txt, line 2, which asks for tensorflow==2.4.0",
            id="two that contradict each other",
        ),
        pytest.param(
            project(KERAS_3, pythons=[asks_for_python("<3.8")]),
            "setup.py, line 7, asks for Python <3.8: keras/tf-2.21-functional.keras needs Python 3.11 or newer",
            id="a Python that the model does not load on",
        ),
        pytest.param(
            project(KERAS_3, uses=[uses("tensorflow.contrib", "tensorflow", "<2")]),
            "train.py, line 3, uses tensorflow.contrib, which is in tensorflow <2: "
            "keras/tf-2.21-functional.keras needs TensorFlow 2.16 or newer",
            id="an API that is gone",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_line(found: Project, message: str) -> None:
    made = plan(found)

    told = [
        conflict.message
        for item in made.environments
        for conflict in explain_unmet(item.unmet, item, made, LINUX_X86_64)
    ]

    assert told == [message]
