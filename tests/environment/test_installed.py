"""What is installed is read from names, whoever made the environment, and nothing of it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.environment.installed import find_python, read_environment
from envlock.errors import UsageError
from envlock.interpreters import Interpreter
from tests.diagnosis.environments import make_environment, packages_of

Write = Callable[[str, str], Path]


def installed(folder: Path) -> dict[str, str]:
    environment = read_environment(find_python(folder))
    return {name: str(version) for name, version in environment.distributions.items()}


def test_a_virtual_environment_is_read_without_its_interpreter(tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment", tensorflow_cpu="2.4.1", h5py="2.10.0")

    environment = read_environment(find_python(folder))

    assert environment.executable == folder / "bin/python"
    assert environment.python == Version("3.8.18")
    assert environment.python_line == "3.8"
    assert environment.folders == (packages_of(folder),)
    assert environment.personal_folders == ()
    assert environment.distributions == {"h5py": Version("2.10.0"), "tensorflow-cpu": Version("2.4.1")}
    assert environment.tensorflow == ("tensorflow-cpu", Version("2.4.1"))


@pytest.mark.parametrize("setting", ["version = 3.7.16", "version_info = 3.7.16.final.0", "Version_Info=3.7.16"])
def test_the_python_is_the_one_that_the_maker_recorded(setting: str, tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment")
    (folder / "pyvenv.cfg").write_text(f"home = /gone\n{setting}\n")

    assert read_environment(find_python(folder)).python == Version("3.7.16")


@pytest.mark.parametrize(
    ("entry", "text", "expected"),
    [
        ("Keras-2.2.4.dist-info/", "", {"keras": "2.2.4"}),
        ("keras_applications-1.0.8.dist-info/", "", {"keras-applications": "1.0.8"}),
        ("ruamel.yaml-0.17.0.dist-info/", "", {"ruamel-yaml": "0.17.0"}),
        ("jaxlib-0.4.30+cuda12.cudnn91.dist-info/", "", {"jaxlib": "0.4.30+cuda12.cudnn91"}),
        ("gast-0.2.2-py3.8.egg-info", "Metadata-Version: 1.0\n", {"gast": "0.2.2"}),
        ("wrapt-1.11.2-py3.8-linux-x86_64.egg-info/", "", {"wrapt": "1.11.2"}),
        ("termcolor-1.1.0-py3.8.egg/", "", {"termcolor": "1.1.0"}),
        ("mine.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: mine\nVersion: 0.3\n", {"mine": "0.3"}),
        ("pytz.egg-info", "Metadata-Version: 1.0\nName: pytz\nVersion: 2013b\n", {"pytz": "2013b0"}),
        ("~umpy-1.18.5.dist-info/", "", {}),
        ("numpy/", "", {}),
        ("tensorflow-unknown.dist-info/", "", {}),
        ("-2.0.dist-info/", "", {}),
        ("mine.egg-info/PKG-INFO", "Name: mine\n", {}),
    ],
)
def test_metadata_of_wheels_eggs_and_distutils_are_understood(
    entry: str, text: str, expected: dict[str, str], tmp_path: Path
) -> None:
    folder = make_environment(tmp_path / "environment")
    path = packages_of(folder) / entry
    path.parent.mkdir(exist_ok=True)
    if entry.endswith("/"):
        path.mkdir()
    else:
        path.write_text(text)

    assert installed(folder) == expected


def test_a_source_that_is_linked_is_known_to_come_from_elsewhere(tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment", six="1.15.0")
    source = tmp_path / "mine"
    (source / "mine.egg-info").mkdir(parents=True)
    (source / "mine.egg-info/PKG-INFO").write_text("Name: mine\nVersion: 0.3\n")
    (packages_of(folder) / "mine.egg-link").write_text(f"{source}\n.")
    (packages_of(folder) / "other-1.0.dist-info").mkdir()
    (packages_of(folder) / "other-1.0.dist-info/direct_url.json").write_text('{"url": "file:///other"}')

    environment = read_environment(find_python(folder))

    assert installed(folder) == {"mine": "0.3", "other": "1.0", "six": "1.15.0"}
    assert environment.elsewhere == {"mine", "other"}


def test_of_two_versions_in_one_folder_the_newer_counts(tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment", numpy="1.18.5")
    (packages_of(folder) / "numpy-1.21.0.dist-info").mkdir()

    assert installed(folder) == {"numpy": "1.21.0"}


def test_the_packages_of_the_system_count_where_the_environment_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_environment(tmp_path / "environment", numpy="1.18.5")
    system = tmp_path / "usr/lib/python3/dist-packages"
    personal = tmp_path / "home/lib/python3.8/site-packages"
    for place, name in ((system, "numpy-1.21.0"), (system, "six-1.15.0"), (personal, "h5py-3.1.0")):
        (place / f"{name}.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "home"))
    (folder / "pyvenv.cfg").write_text(
        f"home = {tmp_path}/usr/bin\nversion = 3.8.18\ninclude-system-site-packages = true\n"
    )

    environment = read_environment(find_python(folder))

    assert installed(folder) == {"h5py": "3.1.0", "numpy": "1.18.5", "six": "1.15.0"}
    assert environment.folders == (personal, packages_of(folder), system)
    assert environment.personal_folders == (personal,)


def test_what_the_search_path_names_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_environment(tmp_path / "environment", numpy="1.18.5", six="1.15.0")
    (tmp_path / "mine/numpy-1.16.0.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "mine"), str(tmp_path / "gone"), ""]))

    environment = read_environment(find_python(folder))

    assert installed(folder) == {"numpy": "1.16.0", "six": "1.15.0"}
    assert environment.folders == (tmp_path / "mine", packages_of(folder))
    assert environment.personal_folders == (tmp_path / "mine",)


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.8", "3.13"])
def test_an_installation_of_any_line_is_read(line: str, require_interpreter: Callable[[str], Interpreter]) -> None:
    interpreter = require_interpreter(line)

    environment = read_environment(interpreter.executable)

    assert environment.python == interpreter.version
    assert "pip" in environment.distributions


def test_it_finds_what_python_itself_finds() -> None:
    program = "from importlib.metadata import distributions as d; print(*sorted({x.metadata['Name'] for x in d()}))"
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")

    found = read_environment(Path(sys.executable)).distributions

    assert set(found) == {name.lower().replace("_", "-").replace(".", "-") for name in listed.stdout.split()}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (Path.exists, "{place}: there is no such interpreter"),
        (lambda folder: folder.mkdir(), "{place}: holds no bin/python"),
        (lambda folder: folder.write_text("no program"), "{place}: Permission denied"),
        (lambda folder: folder.symlink_to("/gone/python"), "{place}: is a link to /gone/python, which is gone"),
    ],
    ids=["nothing", "empty folder", "no program", "Python was removed"],
)
def test_what_is_no_python_is_refused(build: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    place = tmp_path / "environment"
    build(place)

    with pytest.raises(UsageError) as caught:
        read_environment(find_python(place))

    assert str(caught.value) == message.format(place=place)


def test_an_interpreter_is_found_by_its_name(write_program: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    program = write_program("bin/python9", "exit 3")
    monkeypatch.setenv("PATH", str(program.parent))

    assert find_python(Path("python9")) == program


def test_a_pipe_in_the_place_of_metadata_does_not_stop_it(tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment", six="1.15.0")
    os.mkfifo(packages_of(folder) / "mine.egg-info")
    os.mkfifo(packages_of(folder) / "mine.egg-link")

    assert installed(folder) == {"six": "1.15.0"}


@pytest.mark.parametrize(
    ("distributions", "loaders"),
    [
        ({"tensorflow": "1.15.5", "Keras": "2.2.4"}, ["tf.keras 1.15", "keras 2.2", "tensorflow 1.15"]),
        ({"tensorflow_cpu": "2.10.1", "keras": "2.10.0"}, ["tf.keras 2.10", "tensorflow 2.10"]),
        (
            {"tensorflow": "2.18.1", "keras": "3.6.0", "tf_keras": "2.18.0"},
            ["tf-keras 2.18", "keras 3.6", "tensorflow 2.18"],
        ),
        ({"keras": "3.6.0"}, ["keras 3.6"]),
        ({"numpy": "1.18.5"}, []),
    ],
)
def test_the_loaders_follow_from_what_is_installed(
    distributions: dict[str, str], loaders: list[str], tmp_path: Path
) -> None:
    folder = make_environment(tmp_path / "environment", **distributions)

    assert [loader.name for loader in read_environment(find_python(folder)).loaders()] == loaders


def test_a_release_that_is_not_known_yet_stands_for_the_newest_one(tmp_path: Path) -> None:
    folder = make_environment(tmp_path / "environment", tensorflow="9.1.0", keras="9.0.0")

    assert [loader.implementation for loader in read_environment(find_python(folder)).loaders()] == [
        "keras",
        "tensorflow",
    ]
