"""The rules of offline resolution, each on a snapshot of a few releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import ResolutionError
from envlock.knowledge import closures
from envlock.knowledge.closures import VerifiedClosure
from envlock.resolution import ConflictError, Pin, Resolution
from envlock.resolution.offline import OfflineResolver
from envlock.target import LINUX_X86_64, MACOS_ARM64, WINDOWS_X86_64, Platform, Target
from tests.resolution.snapshots import hash_of, pinned, write_snapshot

PYTHON_3_8 = Target(python="3.8", platform=LINUX_X86_64)


class Index:
    """Resolves over packages given as data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(
        self,
        packages: dict[str, Any],
        *asked: str,
        target: Target = PYTHON_3_8,
        constraints: tuple[str, ...] = (),
        kept: tuple[str, ...] = (),
        is_complete: bool = True,
    ) -> Resolution:
        snapshot = write_snapshot(self.folder / "snapshot", packages, is_complete=is_complete)
        return OfflineResolver(snapshot).resolve(
            [Requirement(text) for text in asked],
            constraints=[Requirement(text) for text in constraints],
            target=target,
            interpreter=None,
            kept=[Requirement(text) for text in kept],
        )

    def pins(self, packages: dict[str, Any], *asked: str, **how: Any) -> list[str]:
        return [f"{pin.name}=={pin.version}" for pin in self.resolve(packages, *asked, **how).pins]

    def refusal(self, packages: dict[str, Any], *asked: str, **how: Any) -> tuple[str, str]:
        with pytest.raises(ResolutionError) as caught:
            self.resolve(packages, *asked, **how)
        return caught.value.explanation, caught.value.hint


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


def test_a_pin_says_what_requires_it_and_which_files_may_be_installed(index: Index) -> None:
    wheels = {"-cp38-cp38-manylinux2014_x86_64.whl": {}, "-cp38-abi3-manylinux1_x86_64.whl": {}, "-cp37-cp37m-linux_x86_64.whl": {}, ".tar.gz": {}}  # fmt: skip
    packages = {
        "parent": {"1": {"requires": ["Child_Name>=1"]}},
        "child-name": {"1.0": {}, "1.1": {"files": wheels}},
    }

    assert index.resolve(packages, "parent").pins == (
        Pin(
            name="child-name",
            version=Version("1.1"),
            files=(pinned("child_name-1.1-cp38-abi3-manylinux1_x86_64.whl"), pinned("child_name-1.1-cp38-cp38-manylinux2014_x86_64.whl")),
            via=("parent",),
        ),
        Pin(name="parent", version=Version("1"), files=(pinned("parent-1-py3-none-any.whl"),), via=()),
    )  # fmt: skip


# --- the target ----------------------------------------------------------------------------------------------

WHEELS = {
    "wheel": {
        "1": {"files": {"-py2.py3-none-any.whl": {}}},
        "2": {"files": {"-cp27-cp27mu-manylinux1_x86_64.whl": {}, "-cp37-cp37m-manylinux2010_x86_64.whl": {}}},
        "3": {"files": {"-cp38-cp38-manylinux_2_28_x86_64.whl": {}, "-cp37-abi3-macosx_11_0_universal2.whl": {}}},
        "4": {"files": {"-cp38-cp38-manylinux_2_31_x86_64.whl": {}, "-cp38-cp38-win_amd64.whl": {}}},
    }
}


@pytest.mark.parametrize(
    ("python", "platform", "version"),
    [
        ("2.7", LINUX_X86_64, "2"),
        ("2.7", WINDOWS_X86_64, "1"),
        ("3.7", LINUX_X86_64, "2"),
        ("3.8", LINUX_X86_64, "3"),
        ("3.9", LINUX_X86_64, "1"),
        ("3.9", MACOS_ARM64, "3"),
        ("3.8", WINDOWS_X86_64, "4"),
    ],
)
def test_the_newest_release_with_a_wheel_for_the_target_is_taken(
    index: Index, python: str, platform: Platform, version: str
) -> None:
    assert index.pins(WHEELS, "wheel", target=Target(python=python, platform=platform)) == [f"wheel=={version}"]


@pytest.mark.parametrize(
    ("python", "platform", "names"),
    [
        ("3.6", LINUX_X86_64, {"backport", "linux"}),
        ("3.8", LINUX_X86_64, {"linux"}),
        ("3.8", MACOS_ARM64, {"arm"}),
        ("3.8", WINDOWS_X86_64, {"windows"}),
        ("2.7", LINUX_X86_64, {"backport", "linux-of-python-2"}),
    ],
)
def test_markers_are_those_of_the_target(index: Index, python: str, platform: Platform, names: set[str]) -> None:
    requires = [
        "backport; python_version<'3.8'",
        "linux; sys_platform=='linux' and platform_machine=='x86_64'",
        "linux-of-python-2; sys_platform=='linux2'",
        "arm; platform_system=='Darwin' and platform_machine=='arm64'",
        "windows; os_name=='nt' and platform_machine=='AMD64'",
    ]
    every = ("backport", "linux", "linux-of-python-2", "arm", "windows")
    packages = {name: {"1": {"files": {"-py2.py3-none-any.whl": {}}}} for name in every}
    packages["parent"] = {"1": {"requires": requires, "files": {"-py2.py3-none-any.whl": {}}}}

    pinned = index.resolve(packages, "parent", target=Target(python=python, platform=platform)).pins

    assert {pin.name for pin in pinned} == names | {"parent"}


def test_the_requirements_are_those_of_the_wheel_that_the_target_gets(index: Index) -> None:
    packages = {
        "parent": {
            "1": {
                "files": {
                    "-cp38-cp38-manylinux2014_x86_64.whl": {"requires": ["linux"]},
                    "-cp38-cp38-win_amd64.whl": {"requires": ["windows"]},
                    "-py3-none-any.whl": {"requires": ["anywhere"]},
                }
            }
        },
        **{name: {"1": {}} for name in ("linux", "windows", "anywhere")},
    }

    assert index.pins(packages, "parent") == ["linux==1", "parent==1"]


def test_requires_python_of_a_file_is_held_against_the_target(index: Index) -> None:
    packages = {"tool": {"1": {"python": ">=3.6"}, "2": {"python": ">=3.9"}, "3": {"python": "!=3.8.*"}}}

    assert index.pins(packages, "tool") == ["tool==1"]


def test_a_release_whose_requirements_are_not_known_is_not_taken(index: Index) -> None:
    assert index.pins({"tool": {"1": {}, "2": {"requires": None}}}, "tool") == ["tool==1"]


def test_a_release_whose_requirements_cannot_be_read_is_not_taken(index: Index) -> None:
    assert index.pins({"tool": {"1": {}, "2": {"requires": ["other >dev"]}}}, "tool") == ["tool==1"]


# --- extras and constraints ----------------------------------------------------------------------------------


def test_an_extra_adds_its_requirements_to_those_of_the_same_release(index: Index) -> None:
    packages = {
        "tool": {
            "1": {"requires": ["base", "more; extra == 'full'"]},
            "2": {"requires": ["base", "more>=2; extra == 'full'", "never; extra == 'other'"]},
        },
        "base": {"1": {}},
        "more": {"1": {}},
    }

    assert index.pins(packages, "tool[Full]") == ["base==1", "more==1", "tool==1"]
    assert index.pins(packages, "tool") == ["base==1", "tool==2"]


def test_what_an_extra_requires_is_by_way_of_the_distribution(index: Index) -> None:
    packages = {"tool": {"1": {"requires": ["more; extra == 'full'"]}}, "more": {"1": {}}}

    assert [(pin.name, pin.via) for pin in index.resolve(packages, "tool[full]").pins] == [
        ("more", ("tool",)),
        ("tool", ()),
    ]


def test_a_constraint_bounds_and_does_not_ask(index: Index) -> None:
    packages = {"tool": {"1": {}, "2": {}}, "other": {"1": {}}}

    assert index.pins(packages, "tool", constraints=("tool<2", "other==1")) == ["tool==1"]


def test_a_constraint_whose_marker_does_not_hold_bounds_nothing(index: Index) -> None:
    assert index.pins({"tool": {"1": {}, "2": {}}}, "tool", constraints=("tool<2; python_version>'3.8'",)) == [
        "tool==2"
    ]


# --- what comes last -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "pinned"), [("tool", "tool==1"), ("tool>=2", "tool==2"), ("tool==3rc1", "tool==3rc1")]
)
def test_yanked_releases_and_prereleases_come_last(index: Index, asked: str, pinned: str) -> None:
    packages = {"tool": {"1": {}, "2": {"yanked": "broken"}, "3rc1": {}}}

    assert index.pins(packages, asked) == [pinned]


def test_a_prerelease_is_taken_where_nothing_else_exists(index: Index) -> None:
    assert index.pins({"tool": {"1rc1": {}, "1rc2": {}}}, "tool") == ["tool==1rc2"]


def test_files_that_are_yanked_are_left_out_of_a_release_that_has_others(index: Index) -> None:
    wheels = {"-cp38-cp38-manylinux1_x86_64.whl": {"yanked": ""}, "-py3-none-any.whl": {}}

    (pin,) = index.resolve({"tool": {"1": {"files": wheels}}}, "tool").pins

    assert pin.hashes == (hash_of("tool-1-py3-none-any.whl"),)


SOURCES = {
    "gast": {"0.2.2": {"files": {".tar.gz": {}}}, "0.3.3": {"files": {"-py2.py3-none-any.whl": {}, ".tar.gz": {}}}},
    "setuptools": {"57.5.0": {}},
    "wheel": {"0.37.1": {}},
}


def test_a_source_is_taken_where_no_wheel_satisfies_and_names_what_builds_it(index: Index) -> None:
    assert index.resolve(SOURCES, "gast==0.2.2").pins == (
        Pin(
            name="gast",
            version=Version("0.2.2"),
            files=(pinned("gast-0.2.2.tar.gz"),),
            via=(),
            is_source=True,
            build=("setuptools==57.5.0", "wheel==0.37.1"),
        ),
    )


def test_a_wheel_comes_before_a_source(index: Index) -> None:
    assert index.pins(SOURCES, "gast") == ["gast==0.3.3"]


def test_a_source_that_is_not_known_to_build_is_not_taken(index: Index) -> None:
    packages = {"tool": {"1": {"files": {".tar.gz": {}}}}}

    assert index.refusal(packages, "tool") == (
        "tool 1 has no wheel for Python 3.8 on Linux x86_64: there is the source alone, and it is not known to build",
        "",
    )


# --- preferences ---------------------------------------------------------------------------------------------

ERAS = {
    "tensorflow": {
        "2.3.0": {"uploaded": "2020-07-27", "requires": ["numpy"]},
        "2.3.4": {"uploaded": "2021-08-10", "requires": ["numpy"]},
        "2.4.0rc0": {"uploaded": "2020-11-02", "requires": ["numpy"]},
        "2.4.0": {"uploaded": "2020-12-14", "requires": ["numpy"]},
    },
    "numpy": {
        "1.18.9": {"uploaded": "2022-02-01"},
        "1.19.0": {"uploaded": "2020-06-20"},
        "1.19.5": {"uploaded": "2021-01-05"},
        "1.20.0": {"uploaded": "2020-12-13"},
        "1.21.0": {"uploaded": "2021-08-20"},
        "1.22.0": {"uploaded": "2022-01-01"},
    },
}


@pytest.fixture
def without_closures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the database have other releases than these."""
    monkeypatch.setattr(closures, "closures_of", lambda _: ())


@pytest.mark.parametrize(
    ("asked", "numpy"),
    [
        pytest.param(["tensorflow==2.3.0"], "1.20.0", id="until the next line"),
        pytest.param(["tensorflow==2.3.4"], "1.21.0", id="until 14 days after a late patch"),
        pytest.param(["tensorflow==2.4.0"], "1.22.0", id="the newest line has no end"),
        pytest.param(["tensorflow"], "1.22.0", id="nothing pinned"),
        pytest.param(["tensorflow==2.3.0", "numpy>=1.21"], "1.21.0", id="else the nearest after"),
        pytest.param(["tensorflow==2.3.0", "numpy<1.20"], "1.19.0", id="the newest within"),
        pytest.param(["tensorflow==2.3.0", "numpy<1.19"], "1.18.9", id="nothing within"),
    ],
)
@pytest.mark.usefixtures("without_closures")
def test_releases_of_the_era_of_tensorflow_are_preferred(index: Index, asked: list[str], numpy: str) -> None:
    assert f"numpy=={numpy}" in index.pins(ERAS, *asked)


@pytest.mark.usefixtures("without_closures")
def test_the_table_of_releases_tells_the_era_where_the_snapshot_was_not_told(index: Index) -> None:
    untold = ERAS | {"tensorflow": {version: row | {"uploaded": None} for version, row in ERAS["tensorflow"].items()}}

    assert "numpy==1.20.0" in index.pins(untold, "tensorflow==2.3.0")


def test_the_pins_of_a_verified_closure_come_first(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def closure(python: str, numpy: str) -> VerifiedClosure:
        return VerifiedClosure(
            subject="tensorflow",
            version=Version("2.3.0"),
            python=python,
            platform="linux_x86_64",
            observed="2026-11-21",
            did=("import",),
            texts={"tensorflow": "2.3.0", "numpy": numpy},
        )

    known = {"tensorflow": (closure("3.6", "1.18.9"), closure("3.7", "1.19.0"))}
    monkeypatch.setattr(closures, "closures_of", lambda subject: known.get(subject, ()))

    assert "numpy==1.19.0" in index.pins(ERAS, "tensorflow==2.3.0")
    assert "numpy==1.20.0" in index.pins(ERAS, "tensorflow==2.3.0", "numpy>1.19.0")
    assert "numpy==1.22.0" in index.pins(ERAS, "tensorflow==2.4.0")


# --- refusals ------------------------------------------------------------------------------------------------

TENSORFLOW = {
    "tensorflow": {
        "1.15.5": {"files": {"-cp36-cp36m-manylinux2010_x86_64.whl": {}, "-cp37-cp37m-manylinux2010_x86_64.whl": {}}},
        "2.10.1": {"requires": ["numpy>=1.20"]},
        "2.11.0": {"files": {"-cp38-cp38-win_amd64.whl": {}}},
    },
    "keras": {"1": {"requires": ["numpy<1.20"]}, "2": {"requires": ["numpy<1.20"]}},
    "numpy": {"1.19.5": {}, "1.26.4": {}, "2.0.0": {}},
    "pip": {"24.0": {"python": ">=3.9"}, "26.0": {"python": ">=3.10"}},
    "libtpu": {"0.1": {"files": {"-cp38-cp38-manylinux_2_31_x86_64.whl": {}}}},
    "secret": {"1": {"files": {"-cp38-cp38-manylinux_2_17_x86_64.whl": {"requires": None}}}},
    "jupyter": {"1": {"requires": ["pip"]}},
}


def test_a_snapshot_of_what_locks_need_says_nothing_of_other_wheels(index: Index) -> None:
    explanation, _ = index.refusal(TENSORFLOW, "tensorflow==1.15.5", is_complete=False)

    assert explanation == (
        "the database holds no wheel of tensorflow 1.15.5 for Python 3.8 on Linux x86_64: "
        "there are wheels for Python 3.6 and 3.7"
    )


@pytest.mark.parametrize(
    ("asked", "constraints", "explanation", "hint"),
    [
        pytest.param(
            ["tensorflow==1.15.5"],
            (),
            "tensorflow 1.15.5 has no wheel for Python 3.8 on Linux x86_64: there are wheels for Python 3.6 and 3.7",
            "take Python 3.7 or ask for tensorflow 2.10.1",
            id="another Python",
        ),
        pytest.param(
            ["tensorflow==2.11.0"],
            (),
            "tensorflow 2.11.0 has no wheel for Python 3.8 on Linux x86_64: there are wheels for Windows x86_64",
            "ask for tensorflow 2.10.1",
            id="another platform",
        ),
        pytest.param(
            ["libtpu"],
            (),
            "libtpu 0.1 has no wheel for Python 3.8 on Linux x86_64: "
            "its wheels need glibc 2.31 or newer (--python-platform manylinux_2_31_x86_64)",
            "",
            id="another glibc",
        ),
        pytest.param(
            ["secret"],
            (),
            "secret 1 has no wheel for Python 3.8 on Linux x86_64: nobody knows what its wheels require",
            "",
            id="unknown metadata",
        ),
        pytest.param(
            ["tensorflow==2.10.1", "numpy==2.0"],
            ("numpy<2",),
            "numpy==2.0 (asked for) is against numpy<2 (a bound in force)",
            "ask for numpy==1.26.4 instead of numpy==2.0",
            id="against a bound",
        ),
        pytest.param(
            ["tensorflow==2.10.1", "keras"],
            (),
            "no release of numpy satisfies numpy>=1.20 (required by tensorflow 2.10.1) and numpy<1.20 (required by keras 1 to 2)",
            "",
            id="against each other",
        ),
        pytest.param(
            ["numpy==9"],
            (),
            "the database holds no release numpy==9 (asked for): numpy is there from 1.19.5 to 2.0.0",
            "ask for numpy==2.0.0 instead of numpy==9",
            id="no such version",
        ),
        pytest.param(
            ["pip"],
            (),
            "no release of pip from 24.0 to 26.0 has a wheel for Python 3.8 on Linux x86_64: its wheels require Python >=3.10 or >=3.9",
            "take a Python >=3.10 or >=3.9",
            id="Requires-Python",
        ),
        pytest.param(
            ["jupyter"],
            (),
            "no release of pip from 24.0 to 26.0 has a wheel for Python 3.8 on Linux x86_64: its wheels require Python >=3.10 or >=3.9, and pip (required by jupyter 1) is needed",
            "",
            id="Requires-Python of what is required",
        ),
        pytest.param(
            ["keras @ https://example.org/keras.whl"],
            (),
            "keras is asked for by its address",
            "name a release of it instead",
            id="an address",
        ),
        pytest.param(
            ["torch>=2"],
            (),
            "the database does not hold torch>=2 (asked for)",
            "take --engine uv, which asks the package index",
            id="not in the database",
        ),
    ],
)
def test_a_conflict_names_what_contradicts_and_what_to_change(
    index: Index, asked: list[str], constraints: tuple[str, ...], explanation: str, hint: str
) -> None:
    assert index.refusal(TENSORFLOW, *asked, constraints=constraints) == (explanation, hint)


def test_a_refusal_names_what_was_asked_and_the_target(index: Index) -> None:
    with pytest.raises(ResolutionError) as caught:
        index.resolve(TENSORFLOW, "numpy==9", "keras")

    assert str(caught.value) == (
        "numpy==9, keras for Python 3.8 on Linux x86_64: no set of distributions satisfies it: "
        "the database holds no release numpy==9 (asked for): numpy is there from 1.19.5 to 2.0.0"
    )


# --- what is kept --------------------------------------------------------------------------------------------

LOCKED: dict[str, Any] = {
    "parent": {"1": {"requires": ["child"]}, "2": {"requires": ["child>=2"]}},
    "child": {"1": {}, "2": {}, "3": {}},
    "other": {"1": {}, "2": {}, "3": {}},
    "late": {"1": {"requires": ["child<3"]}, "2": {"requires": ["child>=3"]}},
}


@pytest.mark.parametrize(
    ("asked", "kept", "pins"),
    [
        pytest.param(["child"], ["child==1"], ["child==1"], id="what is kept comes before what is newer"),
        pytest.param(["child>=2"], ["child==1"], ["child==3"], id="a pin that is no solution goes"),
        pytest.param(
            ["child>=2", "other"], ["child==1", "other==1"], ["child==3", "other==1"], id="the others stay then"
        ),
        pytest.param(
            ["child==2", "parent"], ["child==1", "parent==1"], ["child==2", "parent==1"], id="what needs it stays"
        ),
        pytest.param(
            ["parent>=2", "child"], ["child==1", "parent==1"], ["child==3", "parent==2"], id="as many as have to go"
        ),
        pytest.param(["child", "late"], ["child==2"], ["child==2", "late==1"], id="what is new goes by what is kept"),
        pytest.param(["child"], ["child==9"], ["child==3"], id="a release that is gone"),
        pytest.param(["child"], ["other==1"], ["child==3"], id="what is not needed is not kept"),
    ],
)
def test_pins_are_kept_but_for_those_in_conflict(
    index: Index, asked: list[str], kept: list[str], pins: list[str]
) -> None:
    assert index.pins(LOCKED, *asked, kept=tuple(kept)) == pins


def test_a_conflict_is_explained_without_what_is_kept(index: Index) -> None:
    assert index.refusal(LOCKED, "child<2", "parent==2", kept=("child==3", "other==1")) == (
        "no release of child satisfies child<2 (asked for) and child>=2 (required by parent 2)",
        "ask for child==3 instead of child<2",
    )


def test_a_yanked_release_is_kept(index: Index) -> None:
    packages = {"child": {"1": {"yanked": "bad"}, "2": {}}}

    assert index.pins(packages, "child", kept=("child==1",)) == ["child==1"]


# --- what is certain -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "is_certain"),
    [
        (["child<2", "child>2"], True),
        (["child<2", "parent==2"], True),
        (["child>3", "child<4"], False),
        (["child>=9"], False),
        (["child!=1,!=2,!=3"], False),
        (["child==2.*", "child>=3"], True),
        (["child==2.*", "child==2.9"], False),
        (["child!=2.*,>=2,<3", "child"], True),
        (["child===9", "child<2"], False),
        (["child<2", "parent>=2"], False),
        (["unknown"], False),
    ],
)
def test_a_conflict_is_certain_where_no_release_that_may_come_solves_it(
    asked: list[str], is_certain: bool, index: Index
) -> None:
    with pytest.raises(ConflictError) as caught:
        index.resolve(LOCKED, *asked)

    assert caught.value.is_certain is is_certain
