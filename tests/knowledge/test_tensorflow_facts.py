"""The typed view of what TensorFlow releases were built with."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from envlock.knowledge.releases import lines_of, releases_of
from envlock.knowledge.tensorflow_facts import GpuBuild, KerasInside, facts_of, facts_of_line, producers


def test_every_final_release_is_known() -> None:
    unknown = [release.version for release in releases_of("tensorflow") if facts_of(release.version) is None]

    assert unknown == []


def test_a_release_that_does_not_exist_is_unknown() -> None:
    assert facts_of(Version("2.4.99")) is None
    assert facts_of_line("3.0") == ()


def test_the_releases_of_a_line_come_oldest_first() -> None:
    versions = [str(facts.version) for facts in facts_of_line("2.4")]

    assert versions == ["2.4.0", "2.4.1", "2.4.2", "2.4.3", "2.4.4"]


def test_producers_never_fall_from_line_to_line() -> None:
    lines = [line for line in lines_of("tensorflow") if line != "1.15"]  # It came out after 2.0, with a newer number.
    numbers = [max(number for line, number in producers() if line == known) for known in lines]

    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0.1", KerasInside(kind="none", versions=frozenset(), as_installed=None, requirement=None)),
        (
            "1.15.5",
            KerasInside(
                kind="bundled",
                versions=frozenset({"2.2.4-tf", "2.3.0-tf"}),
                as_installed="2.2.4-tf",
                requirement=None,
            ),
        ),
        (
            "2.4.4",
            KerasInside(kind="bundled", versions=frozenset({"2.4.0"}), as_installed="2.4.0", requirement=None),
        ),
        (
            "2.13.1",
            KerasInside(kind="external", versions=frozenset(), as_installed=None, requirement="keras<2.14,>=2.13.1"),
        ),
    ],
)
def test_the_keras_of_a_release_is_its_own_or_required(version: str, expected: KerasInside) -> None:
    facts = facts_of(Version(version))

    assert facts is not None
    assert facts.keras == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.4.1", None),
        (
            "1.15.5",
            {
                "distribution": "tensorflow-gpu",
                "cuda": "10.0",
                "cudnn": "7",
                "capabilities": ("3.5", "3.7", "5.2", "6.0", "6.1", "7.0"),
                "portable_from": None,
                "has_tensorrt": False,
            },
        ),
        (
            "2.16.1",
            {
                "distribution": "tensorflow",
                "cuda": "12.3",
                "cudnn": "8.9.6",
                "capabilities": ("5.0", "6.0", "7.0", "8.0", "9.0"),
                "portable_from": "9.0",
                "has_tensorrt": True,
            },
        ),
    ],
)
def test_capabilities_are_written_alike_in_every_release(version: str, expected: dict[str, Any] | None) -> None:
    facts = facts_of(Version(version))

    assert facts is not None
    assert facts.gpu == (GpuBuild(**expected) if expected else None)


@pytest.mark.parametrize(
    ("version", "style", "least"),
    [
        ("1.12.0", "descriptors+serialized_options", None),
        ("2.11.0", "descriptors+serialized_options", None),
        ("2.12.0", "builder", None),
        ("2.21.0", "runtime_checked", "6.31.1"),
    ],
)
def test_message_modules_say_which_protobuf_reads_them(version: str, style: str, least: str | None) -> None:
    facts = facts_of(Version(version))

    assert facts is not None
    assert (facts.message_style, facts.least_protobuf) == (style, least)
