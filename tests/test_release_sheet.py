"""The sheet of a release says what the tables say, and nothing that does not hold for the release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.errors import UsageError
from envlock.knowledge.releases import lines_of
from envlock.release_sheet import Section, sheet_of
from envlock.release_sheet.interface import runs_of
from tests.table_copies import forget_tables, use_copy_of_tables


def sections_of(distribution: str, version: str | None = None) -> dict[str, Section]:
    return {section.name: section for section in sheet_of(distribution, version).sections}


def lines_of_section(distribution: str, version: str, name: str) -> tuple[str, ...]:
    found = sections_of(distribution, version).get(name)
    return found.lines if found else ()


# --- which release -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "asked", "title"),
    [
        ("tensorflow", "2.3.4", "tensorflow 2.3.4: released 2021-08-10, last of its line"),
        ("tensorflow", "2.3", "tensorflow 2.3.4: released 2021-08-10, last of its line"),
        ("tensorflow", "2.3.0", "tensorflow 2.3.0: released 2020-07-27, its line ends with 2.3.4"),
        ("TensorFlow_GPU", "1.15", "tensorflow-gpu 1.15.5: released 2021-01-06, last of its line"),
        ("tf-keras", "2.20.0", "tf-keras 2.20.0: released 2025-03-03, yanked, its line ends with 2.20.1"),
    ],
)
def test_a_release_is_found_by_its_version_or_line(distribution: str, asked: str, title: str) -> None:
    assert sheet_of(distribution, asked).title == title


def test_without_a_version_it_is_the_newest_release() -> None:
    assert sheet_of("tensorflow", None).version == sheet_of("tensorflow", lines_of("tensorflow")[-1]).version


@pytest.mark.parametrize(
    ("distribution", "asked", "message", "hint"),
    [
        ("tensorflo", None, "nothing is known of tensorflo", "did you mean tensorflow or "),
        ("left-pad", None, "nothing is known of left-pad", "known are keras, "),
        ("tensorflow", "x", "'x' is not a version", "such as 2.3 or 2.3.4"),
        (
            "tensorflow",
            "9.9",
            "no release 9.9 of tensorflow is known",
            "final releases are, of lines 0.12, 1.0 to 1.15",
        ),
        ("tensorflow", "2.3.0rc1", "no release 2.3.0rc1 of tensorflow is known", "final releases are, of lines 0.12"),
        ("tensorflow", "2", "no release 2 of tensorflow is known", "final releases are, of lines 0.12, 1.0 to 1.15"),
    ],
)
def test_what_is_not_known_is_refused(distribution: str, asked: str | None, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        sheet_of(distribution, asked)

    assert str(caught.value) == message
    assert caught.value.hint.startswith(hint)


# --- what it says --------------------------------------------------------------------------------------------

ARCHIVES = ("keras-archive", "keras-yaml", "saved-model")


@pytest.mark.parametrize(
    ("distribution", "version", "written"),
    [
        ("tensorflow", "1.10", {"keras-yaml"}),
        ("tensorflow", "1.11", {"keras-yaml", "saved-model"}),
        ("tensorflow", "2.5", {"keras-yaml", "saved-model"}),
        ("tensorflow", "2.6", {"saved-model"}),
        ("tensorflow", "2.11", {"saved-model"}),
        ("tensorflow", "2.12.0", {"keras-archive", "saved-model"}),
        ("tf-keras", "2.16", {"keras-archive", "saved-model"}),
        ("keras", "2.3", {"keras-yaml"}),
        ("keras", "3.0", {"keras-archive"}),
    ],
)
def test_formats_are_those_that_the_line_writes(distribution: str, version: str, written: set[str]) -> None:
    value = sections_of(distribution, version)["serialization"].value

    assert set(value["writes"]) & set(ARCHIVES) == written
    assert {"keras-hdf5", "keras-json"} <= set(value["writes"])


SAID = [
    ("tensorflow", "2.15.1", "wheels", "win_amd64: Python 3.9 to 3.11, AVX instructions, in tensorflow-intel"),
    ("tensorflow", "2.15.1", "wheels", "macos_arm64: Python 3.9 to 3.11, macOS 12.0 or newer"),
    ("tensorflow", "2.8.0", "wheels", "macos_arm64: Python 3.8 to 3.9, macOS 11.0 or newer, in tensorflow-macos"),
    ("tensorflow-gpu", "2.12.0", "wheels", "none, but a source distribution"),
    ("keras", "2.2.4", "wheels", "any: Python 2.7, 3.5 to 3.13"),
    ("tensorflow", "2.15.1", "requires", "win_amd64: tensorflow-intel==2.15.1"),
    ("tensorflow", "2.15.1", "requires", "linux_aarch64: tensorflow-cpu-aws==2.15.1"),
    ("tensorflow-addons", "0.11", "runs-on", "TensorFlow 2.2 to 2.3; built against 2.3"),
    ("tf-keras", "2.17", "runs-on", "TensorFlow 2.17"),
    ("keras", "2.15.0", "required-by", "TensorFlow 2.15"),
    (
        "tensorflow",
        "1.15.5",
        "keras-inside",
        "brings its own, which writes keras_version 2.2.4-tf, or 2.3.0-tf once TF2 behaviour is switched",
    ),
    ("tensorflow", "2.3.4", "keras-inside", "brings its own, which writes keras_version 2.4.0"),
    ("tensorflow", "1.15.5", "keras-beside", "keras 1.2, 2.0 to 2.3"),
    (
        "tensorflow",
        "1.15.5",
        "graphs",
        "writes producer 134 (since 2019-08-21), checkpoint version 1; 1,293 operations",
    ),
    (
        "tensorflow",
        "2.21.0",
        "protobuf",
        "6.31.1 is built in; its Python modules work with protobuf>=6.31.1",
    ),
    (
        "tensorflow",
        "2.15.1",
        "cuda",
        "tensorflow[and-cuda] for linux_x86_64: CUDA 12.2, cuDNN 8.9, driver 525.60.13 or newer",
    ),
    (
        "tensorflow",
        "2.15.1",
        "cuda",
        "runs on Hopper (9.0) after compiling its kernels at the first start, with driver 535.54.03 or newer",
    ),
    (
        "tensorflow",
        "1.15.5",
        "cuda",
        "tensorflow-gpu for linux_x86_64, win_amd64: CUDA 10.0, cuDNN 7.4, driver 410.48 or newer (411.31 on Windows)",
    ),
    ("tensorflow", "1.4.1", "cuda", "which GPUs it runs on is not known"),
    ("tensorflow", "2.15.1", "metal", "tensorflow-metal<1.2,>=1.1"),
    ("tensorflow", "2.8.0", "tpu", "libtpu 1.2.0 in it"),
    ("tensorflow", "1.15.5", "tpu", "v2, v3: a Cloud TPU node made with TensorFlow 1.15"),
    (
        "tensorflow-addons",
        "0.11",
        "custom-objects",
        "import tensorflow_addons, before a model that holds its objects is loaded",
    ),
]


@pytest.mark.parametrize(("distribution", "version", "section", "line"), SAID)
def test_a_section_says_it_in_a_line(distribution: str, version: str, section: str, line: str) -> None:
    assert line in lines_of_section(distribution, version, section)


SILENT = [
    ("tensorflow-cpu", "2.15.1", "cuda", "a build without GPUs"),
    ("tensorflow-gpu", "2.12.0", "graphs", "a release without the library"),
    ("tensorflow", "2.8.1", "tpu", "a release that no TPU software has"),
    ("tensorflow", "1.15.5", "metal", "before there was a plug-in"),
    ("tensorflow", "2.16.1", "serialization", "its Keras is a distribution of its own"),
    ("keras", "3.0", "required-by", "it runs on those lines anyway"),
]


@pytest.mark.parametrize(("distribution", "version", "section"), [pytest.param(*row[:3], id=row[3]) for row in SILENT])
def test_a_section_that_does_not_apply_is_left_out(distribution: str, version: str, section: str) -> None:
    assert section not in sections_of(distribution, version)


def test_a_requirement_that_no_wheel_has_is_not_told() -> None:
    (declared,) = lines_of_section("tensorflow", "1.15.5", "requires")

    assert "wheel>=0.26" in declared
    assert "functools32" not in declared  # it is asked for on Python 2 alone


def test_a_requirement_of_some_pythons_is_told_with_them() -> None:
    declared = lines_of_section("tensorflow", "1.4.1", "requires")

    assert all("mock>=2.0.0 (Python 2.7)" in line for line in declared)


BOUNDS = [
    # The metadata of 1.15.5 asks for h5py<=2.10.0 and numpy<1.19, of 1.15.0 for neither.
    ("1.15.5", {"protobuf<3.21": ["3.7"]}),
    ("1.15.0", {"protobuf<3.21": ["3.7"], "h5py<3": ["2.7", "3.5", "3.6", "3.7"], "numpy<1.20": ["3.7"]}),
]


@pytest.mark.parametrize(("version", "bounds"), BOUNDS)
def test_a_bound_is_told_where_the_metadata_lacks_it(version: str, bounds: dict[str, list[str]]) -> None:
    rows = sections_of("tensorflow", version)["corrected-bounds"].value

    assert {row["requirement"]: row["pythons"] for row in rows} == bounds


def test_a_bound_is_told_with_its_pythons_and_failure() -> None:
    assert lines_of_section("tensorflow", "1.15.5", "corrected-bounds") == (
        "protobuf<3.21 on Python 3.7: protobuf 4 or newer under modules generated for protobuf 3 "
        "[protobuf-descriptors]",
    )


# --- verified closures ---------------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Path]:
    with use_copy_of_tables(tmp_path / "data") as folder:
        yield folder


@pytest.mark.parametrize("distribution", ["tensorflow", "tensorflow-cpu"])
def test_verified_closures_are_told_under_every_name_of_the_family(tables: Path, distribution: str) -> None:
    row = {
        "subject": "tensorflow",
        "version": "2.4.4",
        "requested": ["tensorflow-cpu==2.4.4"],
        "python": "3.8",
        "platform": "linux_x86_64",
        "observed": "2026-11-21",
        "pins": {"tensorflow-cpu": "2.4.4", "six": "1.15.0"},
        "did": {"import": "ok", "h5": "ok"},
    }
    (tables / "closures").mkdir(exist_ok=True)
    (tables / "closures" / "tensorflow.json").write_text(json.dumps({"closures": [row]}), encoding="utf-8")
    forget_tables()

    section = sections_of(distribution, "2.4.4")["verified-closures"]

    assert section.lines == ("Python 3.8 on linux_x86_64, 2026-11-21: import, h5; 2 distributions",)
    assert section.value[0]["pins"] == {"tensorflow-cpu": "2.4.4", "six": "1.15.0"}
    assert "verified-closures" not in sections_of(distribution, "2.4.3")


# --- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), ""),
        (("2.7",), "2.7"),
        (("2.7", "3.5", "3.6", "3.7"), "2.7, 3.5 to 3.7"),
        (("1.9", "1.10", "2.0"), "1.9 to 1.10, 2.0"),
        (("3.8", "3.10"), "3.8, 3.10"),
    ],
)
def test_lines_that_follow_each_other_are_told_as_a_run(lines: tuple[str, ...], told: str) -> None:
    assert runs_of(lines) == told
