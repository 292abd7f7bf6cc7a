"""What an environment is to hold beside what its models need."""

from __future__ import annotations

import pytest
from packaging.version import Version

from envlock.onboarding.settings import Setting
from envlock.onboarding.wanted import Wanted, find_wanted
from envlock.project.interface import Project
from envlock.target import LINUX_X86_64
from tests.onboarding.projects import asks, imports, project, uses

OLD = Setting(Version("1.12.0"), "3.6")
WITH_KERAS = Setting(Version("1.12.0"), "3.6", (("keras", Version("2.2.4")),))
LATER = Setting(Version("2.3.4"), "3.8")
NEW = Setting(Version("2.15.1"), "3.11")
NEWEST = Setting(Version("2.16.2"), "3.12")


def wanted(found: Project, setting: Setting) -> Wanted:
    return find_wanted(found, setting, LINUX_X86_64, keeps_pins=True)


@pytest.mark.parametrize(
    ("found", "setting", "told"),
    [
        pytest.param(
            project(requirements=asks("tensorflow==2.3.0", "pandas==1.1.3", "scipy")),
            LATER,
            [
                "requirements.txt, line 2, asks for pandas==1.1.3",
                "requirements.txt, line 3, asks for scipy",
            ],
            id="requirements, without TensorFlow, which is chosen",
        ),
        pytest.param(
            project(requirements=asks("enum34; python_version<'3.4'", "six; python_version>='3'")),
            LATER,
            ["requirements.txt, line 2, asks for six"],
            id="those whose marker holds",
        ),
        pytest.param(
            project(requirements=[*asks("pandas"), *asks("pytest", group="dev")]),
            LATER,
            ["requirements.txt, line 1, asks for pandas"],
            id="none of an extra or a group",
        ),
        pytest.param(
            project(requirements=asks("tool @ git+https://example.com/tool")), LATER, [], id="none by an address"
        ),
        pytest.param(
            project(imports=imports("os", "tensorflow", "tensorflow.keras", "cv2", "sklearn.svm")),
            LATER,
            ["train.py, line 4, imports from opencv-python", "train.py, line 5, imports from scikit-learn"],
            id="what brings the imports",
        ),
        pytest.param(
            project(imports=imports("cv2", is_conditional=True)), LATER, [], id="nothing that code can do without"
        ),
        pytest.param(
            project(requirements=asks("opencv-python==4.5.1.48"), imports=imports("cv2")),
            LATER,
            ["requirements.txt, line 1, asks for opencv-python==4.5.1.48"],
            id="each distribution once",
        ),
        pytest.param(
            project(imports=imports("keras.models")),
            OLD,
            ["train.py, line 1, imports from keras==2.2.5"],
            id="the Keras that belongs to a TensorFlow without",
        ),
        pytest.param(
            project(requirements=asks("Keras>=2.1,<2.2"), imports=imports("keras")),
            OLD,
            ["requirements.txt, line 1, asks for keras==2.1.6"],
            id="the Keras that is asked for",
        ),
        pytest.param(project(imports=imports("keras")), WITH_KERAS, [], id="no Keras where one is chosen"),
        pytest.param(project(imports=imports("keras")), NEW, [], id="no Keras where TensorFlow brings it"),
        pytest.param(
            project(requirements=asks("keras==3.9.0"), imports=imports("keras")),
            NEWEST,
            ["requirements.txt, line 1, asks for keras==3.9.0"],
            id="the Keras that is asked for where TensorFlow brings some",
        ),
        pytest.param(
            project(imports=imports("tensorflow_addons")),
            LATER,
            ["train.py, line 1, imports from tensorflow-addons==0.11.2"],
            id="the add-on that belongs to the TensorFlow",
        ),
        pytest.param(
            project(requirements=asks("numpy==1.18.5", "six==1.15.0", file="poetry.lock", strength="locked")),
            LATER,
            ["poetry.lock, line 1, asks for numpy", "poetry.lock, line 2, asks for six"],
            id="all of a lock file where nothing else says what is there for its own sake",
        ),
        pytest.param(
            project(
                requirements=[
                    *asks("numpy"),
                    *asks("numpy==1.18.5", "six==1.15.0", file="poetry.lock", strength="locked"),
                ]
            ),
            LATER,
            ["requirements.txt, line 1, asks for numpy"],
            id="of a lock file nothing else",
        ),
    ],
)
def test_the_environment_holds_what_the_project_asks_for_and_imports(
    found: Project, setting: Setting, told: list[str]
) -> None:
    assert [str(wish) for wish in wanted(found, setting).besides] == told


def test_pins_of_lock_files_are_preferred_without_what_the_setting_has_settled() -> None:
    locked = asks("tensorflow==2.3.0", "keras==2.4.3", "numpy==1.18.5", file="Pipfile.lock", strength="locked")
    found = project(requirements=[*asks("numpy"), *locked])

    assert [*map(str, wanted(found, LATER).pins)] == ["numpy==1.18.5"]
    assert [*map(str, wanted(found, NEWEST).pins)] == ["keras==2.4.3", "numpy==1.18.5"]
    assert find_wanted(found, LATER, LINUX_X86_64, keeps_pins=False).pins == ()


def test_constraints_and_apis_that_have_gone_bound_what_is_taken() -> None:
    found = project(
        requirements=asks("scipy<1.5", file="constraints.txt", group="constraints"),
        uses=[uses("numpy.bool", "numpy", "<1.24"), uses("tensorflow.contrib", "tensorflow", "<2")],
    )

    assert [str(wish) for wish in wanted(found, LATER).bounds] == [
        "constraints.txt, line 1, bounds scipy<1.5",
        "train.py, line 3, needs numpy<1.24",
    ]


def test_imports_that_nobody_is_known_to_bring_are_told() -> None:
    found = project(imports=imports("a_module_of_nobody.part", "numpy"))

    assert [item.module for item in wanted(found, LATER).unknown] == ["a_module_of_nobody.part"]
