"""What a target says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envlock.target import (
    LINUX_AARCH64,
    LINUX_X86_64,
    MACOS_ARM64,
    MACOS_X86_64,
    PLATFORMS,
    WINDOWS_X86_64,
    Target,
    find_platform,
)


@pytest.mark.parametrize(
    ("target", "best"),
    [
        (Target(python="2.7", platform=LINUX_X86_64), ("cp27", "cp27mu", "manylinux_2_28_x86_64")),
        (Target(python="2.7", platform=MACOS_X86_64), ("cp27", "cp27m", "macosx_13_0_x86_64")),
        (Target(python="3.5", platform=WINDOWS_X86_64), ("cp35", "cp35m", "win_amd64")),
        (Target(python="3.7", platform=LINUX_AARCH64), ("cp37", "cp37m", "manylinux_2_28_aarch64")),
        (Target(python="3.8", platform=LINUX_X86_64), ("cp38", "cp38", "manylinux_2_28_x86_64")),
        (Target(python="3.13", platform=MACOS_ARM64), ("cp313", "cp313", "macosx_13_0_arm64")),
    ],
    ids=str,
)
def test_the_best_wheel_is_built_for_exactly_the_target(target: Target, best: tuple[str, str, str]) -> None:
    assert min(target.wheel_tags(), key=target.wheel_tags().__getitem__) == best


@pytest.mark.parametrize(
    ("glibc", "platforms"),
    [
        ((2, 17), ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_16_x86_64")),
        ((2, 12), ("manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_11_x86_64")),
        ((2, 5), ("manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64")),
    ],
)
def test_the_glibc_of_a_platform_decides_on_its_wheels(glibc: tuple[int, int], platforms: tuple[str, ...]) -> None:
    assert replace(LINUX_X86_64, minimum=glibc).wheel_platforms()[:3] == platforms


@pytest.mark.parametrize(
    ("name", "tag", "label", "uv_platform"),
    [
        ("linux_x86_64", "linux_x86_64", "Linux x86_64", "x86_64-manylinux_2_28"),
        ("manylinux_2_28_x86_64", "linux_x86_64", "Linux x86_64", "x86_64-manylinux_2_28"),
        (
            "manylinux_2_31_x86_64",
            "manylinux_2_31_x86_64",
            "Linux x86_64 with glibc 2.31",
            "x86_64-manylinux_2_31",
        ),
        (
            "manylinux_2_17_aarch64",
            "manylinux_2_17_aarch64",
            "Linux aarch64 with glibc 2.17",
            "aarch64-manylinux_2_17",
        ),
    ],
)
def test_a_linux_of_another_glibc_is_named_by_the_tag_of_its_wheels(
    name: str, tag: str, label: str, uv_platform: str
) -> None:
    found = find_platform(name)

    assert (found.tag, found.label, found.uv_platform) == (tag, label, uv_platform)
    assert find_platform(found.tag) == found


@pytest.mark.parametrize("name", ["linux", "manylinux_2_16_aarch64", "manylinux_2_4_x86_64", "manylinux_3_1_x86_64"])
def test_a_platform_that_nobody_has_is_none(name: str) -> None:
    with pytest.raises(LookupError):
        find_platform(name)


def test_manylinux_begins_with_2_17_on_aarch64() -> None:
    assert LINUX_AARCH64.wheel_platforms()[-3:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64", "linux_aarch64")


def test_every_platform_is_one_that_uv_knows() -> None:
    assert [platform.uv_platform for platform in PLATFORMS] == [
        "x86_64-manylinux_2_28",
        "aarch64-manylinux_2_28",
        "x86_64-apple-darwin",
        "aarch64-apple-darwin",
        "x86_64-pc-windows-msvc",
    ]


def test_a_target_reads_as_a_person_would_say_it() -> None:
    assert str(Target(python="3.7", platform=WINDOWS_X86_64)) == "Python 3.7 on Windows x86_64"
