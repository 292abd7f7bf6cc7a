"""What files say of Pythons."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.projects import Files, project_of, pythons_of, unread_of

CLASSIFIERS = (
    '"Programming Language :: Python", "Programming Language :: Python :: 3.5", "Programming Language :: Python :: 3.7"'
)

READ = [
    pytest.param({"runtime.txt": "python-3.6.8\n"}, ["runtime.txt, line 1: ==3.6.*"], id="runtime.txt"),
    pytest.param({".python-version": "# ours\n3.7.16\n"}, [".python-version, line 2: ==3.7.*"], id="pyenv"),
    pytest.param({".python-version": "my-environment\n"}, [], id="an environment of pyenv"),
    pytest.param(
        {
            "setup.py": f"from setuptools import setup\nsetup(python_requires='>=3.5.*, <4',\n  classifiers=[{CLASSIFIERS}])\n"
        },
        ["setup.py, line 2: <4,>=3.5", "setup.py, line 3: <3.8,>=3.5 (hinted)"],
        id="setup.py",
    ),
    pytest.param(
        {
            "setup.cfg": "[metadata]\nclassifiers =\n    Programming Language :: Python :: 3.6\n[options]\npython_requires = >=3.6\n"
        },
        ["setup.cfg, line 2: <3.7,>=3.6 (hinted)", "setup.cfg, line 5: >=3.6"],
        id="setup.cfg",
    ),
    pytest.param(
        {"pyproject.toml": f'[project]\nrequires-python = ">=3.8"\nclassifiers = [{CLASSIFIERS}]\n'},
        ["pyproject.toml, line 2: >=3.8", "pyproject.toml, line 3: <3.8,>=3.5 (hinted)"],
        id="pyproject.toml",
    ),
    pytest.param(
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.7"\n'},
        ["pyproject.toml, line 2: <4,>=3.7"],
        id="Poetry",
    ),
    pytest.param(
        {
            "Pipfile": '[requires]\npython_version = "3.10"\n',
            "Pipfile.lock": '{"_meta": {"requires":\n{"python_version": "3.10"}}}',
        },
        ["Pipfile, line 2: ==3.10.*", "Pipfile.lock, line 2: ==3.10.* (locked)"],
        id="Pipfile",
    ),
    pytest.param(
        {"poetry.lock": '[metadata]\npython-versions = ">=3.7,<3.11"\n', "uv.lock": 'requires-python = "==3.11.*"\n'},
        ["poetry.lock, line 2: <3.11,>=3.7", "uv.lock, line 1: ==3.11.*"],
        id="locks",
    ),
    pytest.param(
        {"environment.yaml": "dependencies: [python=3.6.8]\n"}, ["environment.yaml, line 1: ==3.6.*"], id="conda"
    ),
    pytest.param(
        {"Dockerfile": "FROM python:3.6-slim\nFROM docker.io/library/python:3\nFROM ubuntu:18.04\nFROM scratch\n"},
        ["Dockerfile, line 1: ==3.6.* (hinted)", "Dockerfile, line 2: ==3.* (hinted)"],
        id="images of Python",
    ),
    pytest.param(
        {
            "a.Dockerfile": "FROM tensorflow/tensorflow:1.12.0\n",
            "b.Dockerfile": "FROM tensorflow/tensorflow:2.4.0-gpu\n",
        },
        ["a.Dockerfile, line 1: ==2.7.* (hinted)", "b.Dockerfile, line 1: ==3.6.* (hinted)"],
        id="images of TensorFlow",
    ),
    pytest.param(
        {"tox.ini": "[tox]\nenvlist = py{27,36}, py37, flake8\n"}, ["tox.ini, line 2: <3.8,>=2.7 (hinted)"], id="tox"
    ),
    pytest.param(
        {".travis.yml": "language: python\npython:\n  - '3.5'\n  - 3.6 # newest\nscript:\n  - 3.9\n"},
        [".travis.yml, line 3: <3.7,>=3.5 (hinted)"],
        id="Travis",
    ),
    pytest.param(
        {
            ".github/workflows/test.yml": "jobs:\n  test:\n    strategy:\n      matrix:\n        python-version: [3.6, '3.10']\n"
            "    steps:\n      - uses: actions/setup-python@v2\n        with:\n          python-version: ${{ matrix.python-version }}\n"
        },
        [".github/workflows/test.yml, line 5: <3.11,>=3.6 (hinted)"],
        id="GitHub",
    ),
    pytest.param(
        {".gitlab-ci.yml": "image: python:3.7-slim\n", "azure-pipelines.yml": "variables:\n  PYTHON_VERSION: '3.8'\n"},
        [".gitlab-ci.yml, line 1: <3.8,>=3.7 (hinted)", "azure-pipelines.yml, line 2: <3.9,>=3.8 (hinted)"],
        id="GitLab and Azure",
    ),
]


@pytest.mark.parametrize(("files", "pythons"), READ)
def test_pythons_are_told_with_their_places(tmp_path: Path, files: Files, pythons: list[str]) -> None:
    project = project_of(tmp_path, files)

    assert (pythons_of(project), unread_of(project)) == (pythons, [])


def test_a_version_that_is_none_is_named(tmp_path: Path) -> None:
    project = project_of(tmp_path, {"pyproject.toml": '[project]\nrequires-python = "newest"\n'})

    assert unread_of(project) == ["pyproject.toml, line 2: 'newest' is no version of Python"]
