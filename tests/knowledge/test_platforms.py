"""Platforms, TPUs and images."""

from __future__ import annotations

from datetime import date

import pytest
from packaging.version import Version

from envlock.knowledge.accelerators import cuda_for
from envlock.knowledge.base_images import (
    ImageDevice,
    cuda_image_for,
    python_image_for,
    serving_image_for,
    tensorflow_image_for,
    tensorflow_image_with_cuda_of,
)
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.platform_support import instructions_needed, metal_for, wheel_origin_of
from envlock.knowledge.releases import find_release, python_lines_of, releases_of
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tpu import (
    libtpu_for,
    runs_on_tpu_nodes,
    tpu_distribution_for,
    tpu_generations,
    tpu_software_for,
)

RELEASES = [release for release in releases_of("tensorflow") if release.version >= Version("1.4")]
PLATFORMS = tuple(dict.fromkeys(row["platform"] for row in read_toml("platforms.toml")["wheel"]))
PYTHONS = {line for release in RELEASES for line in python_lines_of(release, "linux_x86_64")}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_release_has_one_origin_on_a_platform_where_it_has_a_wheel_and_none_elsewhere(platform: str) -> None:
    rows = [row for row in read_toml("platforms.toml")["wheel"] if row["platform"] == platform]
    for release in RELEASES:
        origins = [row for row in rows if admits(row["releases"], str(release.version))]
        assert len(origins) <= 1, release
        if release.wheels.get(platform):
            assert origins, release


@pytest.mark.parametrize(
    ("version", "platform", "carried_by", "by_name"),
    [
        pytest.param("2.15.1", "linux_x86_64", "tensorflow", False, id="Linux"),
        pytest.param("2.12.1", "linux_aarch64", "tensorflow-cpu-aws", False, id="a stub requires the wheel of Amazon"),
        pytest.param("2.9.2", "macos_arm64", "tensorflow-macos", True, id="no wheel of tensorflow"),
        pytest.param("2.13.1", "macos_arm64", "tensorflow-macos", False, id="a stub requires the wheel of Apple"),
        pytest.param("2.15.1", "macos_arm64", "tensorflow", False, id="Apple silicon at last"),
        pytest.param("2.17.0", "win_amd64", "tensorflow-intel", False, id="a stub requires the wheel of Intel"),
    ],
)
def test_the_library_comes_from(version: str, platform: str, carried_by: str, by_name: bool) -> None:
    origin = wheel_origin_of(Version(version), platform)
    assert origin is not None

    assert (origin.carried_by, origin.is_asked_for_by_name) == (carried_by, by_name)


def test_platforms_without_a_wheel_have_no_origin_and_those_whose_wheel_requires_what_is_not_there() -> None:
    assert wheel_origin_of(Version("2.9.3"), "linux_aarch64") is None
    assert wheel_origin_of(Version("2.17.0"), "macos_x86_64") is None
    assert wheel_origin_of(Version("2.11.1"), "linux_aarch64") is None


def test_avx_is_needed_from_1_6_on_and_on_x86_alone() -> None:
    assert instructions_needed(Version("1.5.0"), "linux_x86_64") == frozenset()
    assert instructions_needed(Version("1.5.1"), "linux_x86_64") == {"avx"}
    assert instructions_needed(Version("1.5.1"), "win_amd64") == frozenset()
    assert instructions_needed(Version("2.21.0"), "win_amd64") == {"avx"}
    assert instructions_needed(Version("2.21.0"), "linux_aarch64") == frozenset()


def test_every_release_since_2_5_has_one_metal_plug_in() -> None:
    rows = read_toml("platforms.toml")["metal"]
    counts = {
        str(release.version): sum(admits(row["tensorflow"], str(release.version)) for row in rows)
        for release in RELEASES
        if release.version >= Version("2.5")
    }

    assert set(counts.values()) == {1}
    assert all(
        any(admits(row["releases"], str(release.version)) for release in releases_of("tensorflow-metal"))
        for row in rows
    )
    assert str(metal_for(Version("2.16.1"))) == "tensorflow-metal<1.2,>=1.1"
    assert metal_for(Version("2.4.4")) is None


def test_every_libtpu_belongs_to_a_release() -> None:
    rows = read_toml("tpu.toml")["runtime"]
    assert [row["tensorflow"] for row in rows] == sorted((row["tensorflow"] for row in rows), key=Version)
    assert all(find_release("tensorflow", Version(row["tensorflow"])) for row in rows)
    assert libtpu_for(Version("2.15.1")) == "1.9.0"


@pytest.mark.parametrize("generation", tpu_generations())
def test_a_generation_has_one_software_for_a_release(generation: str) -> None:
    rows = [row for row in read_toml("tpu.toml")["generation"] if generation in row["generations"]]
    for release in RELEASES:
        fitting = [row for row in rows if "tensorflow" in row and admits(row["tensorflow"], str(release.version))]
        assert len(fitting) <= 1, release


@pytest.mark.parametrize(
    ("version", "generation", "hosts", "name"),
    [
        ("2.8.3", "v3", False, "tpu-vm-tf-2.8.3"),
        ("2.9.3", "v4", True, "tpu-vm-tf-2.9.3-pod-v4"),
        ("2.12.1", "v4", False, "tpu-vm-tf-2.12.1"),
        ("2.16.1", "v5e", True, "tpu-vm-tf-2.16.1-pod-pjrt"),
        ("2.14.1", "v5e", False, None),
        ("2.18.0", "TPU7x", False, None),
    ],
)
def test_tpu_software_is_named(version: str, generation: str, hosts: bool, name: str | None) -> None:
    assert tpu_software_for(Version(version), generation, has_several_hosts=hosts) == name


@pytest.mark.parametrize(("version", "is_run"), [("1.15.5", True), ("2.0.4", False), ("2.4.4", True), ("2.8.0", False)])
def test_nodes_were_made_with_what_came_before_tpu_software(version: str, is_run: bool) -> None:
    assert runs_on_tpu_nodes(Version(version)) is is_run


def test_tensorflow_for_tpus_names_its_libtpu() -> None:
    found = tpu_distribution_for(Version("2.18.0"))
    assert found is not None

    assert (str(found.requirement), str(found.libtpu), found.is_indexed) == (
        "tensorflow-tpu==2.18.0",
        "libtpu==2.18.0",
        False,
    )
    assert tpu_distribution_for(Version("2.15.1")) is None


@pytest.mark.parametrize("line", sorted(PYTHONS - {"3.3", "3.4"}, key=Version))
def test_every_python_with_a_wheel_has_an_image(line: str) -> None:
    assert python_image_for(line) is not None


def test_a_python_image_is_named_and_ends() -> None:
    image = python_image_for("3.10")
    assert image is not None

    assert (image.reference, image.ends) == ("python:3.10-slim-trixie", "2026-10")
    assert image.is_maintained(date(2026, 10, 31))
    assert not image.is_maintained(date(2026, 11, 1))


@pytest.mark.parametrize(
    ("version", "device", "reference"),
    [
        ("1.13.1", "cpu", "tensorflow/tensorflow:1.13.1-py3"),
        ("2.1.0", "cuda", "tensorflow/tensorflow:2.1.0-gpu-py3"),
        ("2.10.0", "cuda", "tensorflow/tensorflow:2.10.0-gpu"),
        ("2.12.1", "cpu", None),
        ("2.15.0", "cpu", None),
        ("2.16.1", "cpu", "tensorflow/tensorflow:2.16.1"),
        ("2.18.0", "cpu", "tensorflow/tensorflow:2.18.0"),
        pytest.param("2.18.0", "cuda", None, id="an image for GPUs that finds none"),
    ],
)
def test_an_image_of_tensorflow_is_named(version: str, device: ImageDevice, reference: str | None) -> None:
    image = tensorflow_image_for(Version(version), device=device)

    assert (image.reference if image else None) == reference


def test_the_python_of_an_image_has_a_wheel_of_its_release() -> None:
    for release in RELEASES:
        image = tensorflow_image_for(release.version)
        assert image is None or image.python in python_lines_of(release, "linux_x86_64"), release


@pytest.mark.parametrize(
    ("version", "reference"),
    [
        pytest.param("1.15.5", None, id="tags of CUDA 10.0 are gone"),
        pytest.param("2.4.4", "nvidia/cuda:11.0.3-cudnn8-runtime-ubuntu20.04", id="CUDA 11.0"),
        pytest.param("2.15.1", "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04", id="CUDA 12.2"),
        pytest.param("2.16.2", None, id="no image of CUDA 12.3 has cuDNN 8"),
        pytest.param("2.21.0", None, id="cuDNN 9.2 is older than the build"),
    ],
)
def test_an_image_of_cuda_has_a_cudnn_that_the_build_accepts(version: str, reference: str | None) -> None:
    build = cuda_for(Version(version))
    assert build is not None

    assert cuda_image_for(build) == reference


@pytest.mark.parametrize(
    ("version", "device", "reference"),
    [
        ("2.15.1", "cuda", "tensorflow/serving:2.15.1-gpu"),
        pytest.param("2.12.0", "cpu", "tensorflow/serving:2.12.2", id="the newest of the line"),
        pytest.param("1.4.1", "cpu", "tensorflow/serving:1.9.0", id="the next line, before the first image"),
    ],
)
def test_a_serving_image_is_of_the_line_of_its_release(version: str, device: ImageDevice, reference: str) -> None:
    assert serving_image_for(Version(version), platform="linux_x86_64", device=device) == reference


@pytest.mark.parametrize(("version", "platform"), [("2.99.0", "linux_x86_64"), ("2.15.1", "linux_aarch64")])
def test_there_is_no_serving_image_for_what_is_newer_or_for_arm(version: str, platform: str) -> None:
    with pytest.raises(LookupError):
        serving_image_for(Version(version), platform=platform)


@pytest.mark.parametrize(
    ("version", "reference"),
    [
        ("1.4.1", "tensorflow/tensorflow:1.4.1-gpu-py3"),
        ("1.15.5", "tensorflow/tensorflow:1.15.5-gpu"),
        pytest.param("2.4.4", "tensorflow/tensorflow:2.4.3-gpu", id="a release without an image of its own"),
        pytest.param("2.15.1", None, id="a line without images"),
    ],
)
def test_an_image_with_cuda_is_of_the_same_line(version: str, reference: str | None) -> None:
    image = tensorflow_image_with_cuda_of(Version(version))

    assert (image.reference if image else None) == reference


def test_what_an_image_is_based_on_says_which_wheels_install_in_it() -> None:
    image = tensorflow_image_for(Version("1.13.1"))
    assert image is not None

    assert (image.system.name, image.system.glibc, image.system.is_archived) == ("Ubuntu 16.04", (2, 23), False)
