"""CUDA builds, drivers and GPUs."""

from __future__ import annotations

import pytest
from packaging.version import Version

from envlock.knowledge.accelerators import cuda_for, driver_for, first_line_for, gpus, reports_on, support_for
from envlock.knowledge.datafiles import read_json, read_toml
from envlock.knowledge.releases import releases_of
from envlock.knowledge.specifiers import admits

BUILDS = read_toml("accelerators.toml")["build"]
RELEASES = [release.version for release in releases_of("tensorflow") if release.version >= Version("1.4")]


def test_every_release_has_one_build() -> None:
    counts = {str(version): sum(admits(row["releases"], str(version)) for row in BUILDS) for version in RELEASES}

    assert {version: count for version, count in counts.items() if count != 1} == {}


def test_every_build_has_releases_capabilities_in_order_and_drivers() -> None:
    known = [gpu.capability for gpu in gpus()]
    assert known == sorted(known, key=Version)
    for row in BUILDS:
        assert any(admits(row["releases"], str(version)) for version in RELEASES), row
        capabilities = row.get("capabilities", [])
        assert capabilities == [item for item in known if item in capabilities], row
        assert row.get("ptx") == (capabilities[-1] if capabilities else None), row
        assert driver_for(row["cuda"], "linux").to_run
        assert driver_for(row["cuda"], "windows").to_run


MEASURED = read_json("tensorflow.json")["releases"]


@pytest.mark.parametrize("version", [version for version, row in MEASURED.items() if row.get("gpu")])
def test_a_build_agrees_with_the_headers_in_its_wheel(version: str) -> None:
    build, measured = cuda_for(Version(version)), MEASURED[version]["gpu"]
    assert build is not None

    assert Version(build.cuda) == Version(_at_most(measured["cuda"], 2))
    assert _at_most(build.cudnn, 1) == _at_most(measured["cudnn"], 1)
    # Up to 2.2 the headers give capabilities as 3.5; later sm_35 is machine code, compute_35 machine code and PTX.
    numbers = [item.rpartition("_")[2].replace(".", "") for item in measured["capabilities"]]
    assert [item.replace(".", "") for item in build.capabilities] == numbers
    assert MEASURED[version].get("tensorflow_wheel_is_gpu", False) is ("tensorflow" in build.distributions)


def _at_most(version: str, parts: int) -> str:
    return ".".join(version.split(".")[:parts])


@pytest.mark.parametrize(
    ("version", "capability", "support"),
    [
        pytest.param("1.4.1", "6.1", "unknown", id="nothing known of 1.4"),
        pytest.param("1.12.0", "7.5", "native", id="Turing runs the code for Volta"),
        pytest.param("1.12.3", "7.0", "compiled", id="1.12.3 is built for Kepler alone"),
        pytest.param("1.15.5", "8.0", "none", id="CUDA 10.0 does not know Ampere"),
        pytest.param("2.4.4", "8.6", "native", id="GeForce RTX 3090 runs the code for A100"),
        pytest.param("2.10.1", "8.9", "native", id="Ada runs the code for Ampere"),
        pytest.param("2.10.1", "9.0", "none", id="CUDA 11.2 does not know Hopper"),
        pytest.param("2.15.1", "9.0", "compiled", id="CUDA 12.2 knows Hopper, the build does not"),
        pytest.param("2.16.2", "9.0", "native", id="built for Hopper"),
        pytest.param("2.16.2", "3.7", "none", id="Kepler was dropped"),
        pytest.param("2.21.0", "12.0", "none", id="CUDA 12.5 does not know Blackwell"),
    ],
)
def test_a_build_runs_on_a_gpu_or_does_not(version: str, capability: str, support: str) -> None:
    build = cuda_for(Version(version))
    assert build is not None

    assert support_for(build, capability) == support


@pytest.mark.parametrize(
    ("capability", "line"),
    [("7.0", "1.5"), ("8.0", "2.4"), ("8.9", "2.4"), ("9.0", "2.12"), ("10.0", None), ("12.0", None)],
)
def test_a_gpu_has_a_first_line(capability: str, line: str | None) -> None:
    assert first_line_for(capability) == line


@pytest.mark.parametrize(
    ("version", "distribution", "extra", "python"),
    [
        ("1.15.0", "tensorflow", None, ""),
        ("1.15.5", "tensorflow-gpu", None, ""),
        ("2.13.1", "tensorflow", None, ""),
        ("2.14.1", "tensorflow", "and-cuda", "<3.11"),
        pytest.param("2.15.0", "tensorflow", None, "", id="an extra that cannot be installed"),
        ("2.15.0.post1", "tensorflow", "and-cuda", ""),
        ("2.21.0", "tensorflow", "and-cuda", ""),
    ],
)
def test_a_build_is_asked_for_by_name_and_extra(
    version: str, distribution: str, extra: str | None, python: str
) -> None:
    build = cuda_for(Version(version))
    assert build is not None

    assert (build.distributions[0], build.extra, build.extra_python) == (distribution, extra, python)


def test_the_drivers_of_a_toolkit_are_told() -> None:
    driver = driver_for("11.2", "linux")

    assert (driver.to_compile, driver.to_run) == ("460.27.03", "450.80.02")


def test_what_people_saw_is_told() -> None:
    assert reports_on(Version("2.15.1"), "9.0") == (
        "runs, after compiling its kernels from PTX for half an hour or longer",
    )
