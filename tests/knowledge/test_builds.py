"""What is installed of a TensorFlow release for a device, and what has to be there besides."""

from __future__ import annotations

import pytest
from packaging.version import Version

from envlock.knowledge.builds import build_for
from envlock.target import (
    LINUX_AARCH64,
    LINUX_X86_64,
    MACOS_ARM64,
    MACOS_X86_64,
    WINDOWS_X86_64,
    Device,
    Platform,
    Target,
)

BUILDS: list[tuple[Device, str, str, Platform, list[str]]] = [
    ("cpu", "1.15.5", "3.7", LINUX_X86_64, ["tensorflow==1.15.5"]),
    ("cpu", "2.4.4", "3.8", LINUX_X86_64, ["tensorflow-cpu==2.4.4"]),
    ("cpu", "2.5.0", "3.9", MACOS_ARM64, ["tensorflow-macos==2.5.0"]),
    ("cuda", "1.15.5", "3.7", LINUX_X86_64, ["tensorflow-gpu==1.15.5"]),
    ("cuda", "2.4.4", "3.8", LINUX_X86_64, ["tensorflow==2.4.4"]),
    ("cuda", "2.21.0", "3.13", LINUX_X86_64, ["tensorflow[and-cuda]==2.21.0"]),
    ("tpu", "2.14.1", "3.11", LINUX_X86_64, ["tensorflow==2.14.1"]),
    ("metal", "2.5.0", "3.9", MACOS_ARM64, ["tensorflow-macos==2.5.0", "tensorflow-metal<0.2,>=0.1"]),
]


@pytest.mark.parametrize(("device", "version", "python", "platform", "requirements"), BUILDS)
def test_a_device_decides_what_is_asked_for(
    device: Device, version: str, python: str, platform: Platform, requirements: list[str]
) -> None:
    build = build_for(Version(version), Target(python=python, platform=platform), device)

    assert build is not None
    assert [str(requirement) for requirement in build.requirements] == requirements
    assert build.release.version == Version(version)


NEEDS: list[tuple[Device, str, str, list[str]]] = [
    ("cpu", "2.4.4", "3.8", []),
    (
        "cuda",
        "2.4.4",
        "3.8",
        [
            "an NVIDIA driver, 450.51.05 or newer",
            "CUDA 11.0 and cuDNN 8.0, installed beside Python",
            "a GPU of compute capability 3.5, 5.0, 6.0, 7.0, 7.5, 8.0, compiled at first start for later ones from 8.0 on",
        ],
    ),
    (
        "cuda",
        "2.21.0",
        "3.13",
        [
            "an NVIDIA driver, 525.60.13 or newer",
            "a GPU of compute capability 6.0, 7.0, 8.0, 8.9, 9.0, compiled at first start for later ones from 9.0 on",
        ],
    ),
    ("tpu", "2.14.1", "3.11", ["a Cloud TPU with the software tpu-vm-tf-2.14.1"]),
]


@pytest.mark.parametrize(("device", "version", "python", "needs"), NEEDS)
def test_what_no_installer_brings_is_named(device: Device, version: str, python: str, needs: list[str]) -> None:
    build = build_for(Version(version), Target(python=python, platform=LINUX_X86_64), device)

    assert build is not None
    assert list(build.needs) == needs


ABSENT: list[tuple[Device, str, str, Platform]] = [
    ("cpu", "2.4.4", "3.12", LINUX_X86_64),
    ("cuda", "2.4.4", "3.12", LINUX_X86_64),
    ("cuda", "2.14.1", "3.11", MACOS_ARM64),
    ("cuda", "2.14.1", "3.11", WINDOWS_X86_64),
    ("tpu", "2.4.4", "3.8", LINUX_X86_64),
    ("metal", "2.14.1", "3.11", LINUX_X86_64),
    ("metal", "1.15.5", "3.7", MACOS_ARM64),
    # What requires the wheel with the library is there for that Python, and the library is not.
    ("cpu", "2.13.1", "3.8", MACOS_ARM64),
    ("cpu", "2.13.1", "3.8", WINDOWS_X86_64),
    # It requires a wheel of its version that was never uploaded.
    ("cpu", "2.11.1", "3.10", LINUX_AARCH64),
    ("tpu", "2.14.1", "3.11", MACOS_ARM64),
    ("tpu", "2.20.0", "3.8", LINUX_X86_64),
    # The plug-in has no wheel for them.
    ("metal", "2.14.1", "3.11", MACOS_X86_64),
    ("metal", "2.21.0", "3.13", MACOS_ARM64),
]


@pytest.mark.parametrize(("device", "version", "python", "platform"), ABSENT)
def test_where_there_is_no_build_none_is_made_up(device: Device, version: str, python: str, platform: Platform) -> None:
    assert build_for(Version(version), Target(python=python, platform=platform), device) is None


def test_a_member_that_was_named_is_taken_as_it_is() -> None:
    target = Target(python="3.8", platform=LINUX_X86_64)

    build = build_for(Version("2.4.4"), target, "cpu", member="tensorflow-gpu")

    assert build is not None
    assert [str(requirement) for requirement in build.requirements] == ["tensorflow-gpu==2.4.4"]
