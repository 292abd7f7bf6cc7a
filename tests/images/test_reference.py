"""References of images."""

from __future__ import annotations

import pytest

from envlock.images.reference import is_pinned, is_reference

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "text",
    [
        "python:3.8",
        "python:3.8-slim-bookworm",
        "tensorflow/tensorflow:1.15.5-gpu",
        "localhost/model:latest",
        "registry.example:5000/team/a__b/c--d/e.f:V_1.0",
        f"python@{DIGEST}",
        f"python:3.8@{DIGEST}",
        "[2001:db8::1]:5000/python:3.8",
    ],
)
def test_a_reference_says_which_image_it_means(text: str) -> None:
    assert is_reference(text)
    assert is_pinned(text)


@pytest.mark.parametrize("text", ["python", "localhost:5000/python"])
def test_a_reference_without_tag_is_not_pinned(text: str) -> None:
    assert is_reference(text)
    assert not is_pinned(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Python:3.8",
        "python:",
        "python:3.8 AS base",
        "python:3.8\nRUN true",
        "--platform=linux/amd64 python:3.8",
        "python:${TAG}",
        "https://registry.example/python:3.8",
        "python@sha256:0",
        "a/../b:1",
        f"{'a' * 256}:1",
        f"python:{'1' * 129}",
    ],
)
def test_what_could_be_anything_else_is_no_reference(text: str) -> None:
    assert not is_reference(text)
