"""Environments as their makers leave them, made of nothing but names: no interpreter is needed to read them."""

from __future__ import annotations

import sys
from pathlib import Path

from envlock.knowledge.families import members_of


def make_environment(folder: Path, *, python: str = "3.8.18", **distributions: str) -> Path:
    """A virtual environment of a *python* with these distributions, underscores standing for hyphens; its folder.

    Of their packages it holds the one that the TensorFlow family shares.
    """
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text(f"home = /opt/python/bin\nversion_info = {python}\n")
    packages = packages_of(folder, python)
    packages.mkdir(parents=True)
    for name, version in distributions.items():
        (packages / f"{name}-{version}.dist-info").mkdir()
        if name.replace("_", "-") in members_of("tensorflow"):
            (packages / "tensorflow").mkdir(exist_ok=True)
    return folder


def packages_of(folder: Path, python: str = "3.8.18") -> Path:
    """The folder of its packages."""
    return folder / "lib" / f"python{python.rpartition('.')[0]}" / "site-packages"
