"""Packages of conda are told by the names of the package index."""

from __future__ import annotations

import pytest

from envlock.knowledge.conda_names import distribution_of_conda


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("numpy", "numpy"),
        ("pytorch", "torch"),
        ("py-opencv", "opencv-python"),
        ("keras-gpu", "keras"),
        ("tensorflow-mkl", "tensorflow"),
        ("librosa", "librosa"),
        ("libgcc-ng", None),
        ("_libgcc_mutex", None),
        ("cudatoolkit", None),
        ("mkl", None),
        ("openssl", None),
        ("gxx_linux-64", None),
        ("xorg-libx11", None),
    ],
)
def test_a_package_is_a_distribution_or_none(name: str, distribution: str | None) -> None:
    assert distribution_of_conda(name) == distribution
