"""What stands beside a Dockerfile: what it leaves out, a development container, a conda environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from envlock.candidates import EnvironmentCandidate
from envlock.images.dockerfile import FIRST_WORDS, USER
from envlock.images.interface import BaseImage
from envlock.images.names import DOCKERFILE, LOCK
from envlock.locks import Lock

JSON_COMMENT = "//"
"""What comments begin with in devcontainer.json: it is JSON with comments (containers.dev, JSON schema)."""


def ignored_files(copied: Iterable[str]) -> str:
    """A ``.dockerignore`` that leaves out all but the files and folders that are *copied*."""
    lines = [
        f"{FIRST_WORDS}the image is built from nothing else in this folder.",
        "*",
        *(f"!{name}" for name in copied),
    ]
    return "\n".join(lines) + "\n"


def dev_container(candidate: EnvironmentCandidate, base: BaseImage, *, has_gpu: bool) -> str:
    """A ``devcontainer.json`` in a folder beside the Dockerfile (containers.dev, reference of its properties)."""
    settings: dict[str, Any] = {
        "name": candidate.name,
        "build": {"dockerfile": f"../{DOCKERFILE}", "context": ".."},
        "remoteUser": USER,
        "customizations": {"vscode": {"extensions": ["ms-python.python"]}},
    }
    if base.is_bare:
        settings["customizations"]["vscode"]["settings"] = {"python.defaultInterpreterPath": "/usr/local/bin/python"}
    if has_gpu:
        settings |= {"hostRequirements": {"gpu": True}, "runArgs": ["--gpus", "all"]}
    words = FIRST_WORDS.replace("#", JSON_COMMENT, 1)
    return f"{words}a development container in the image of the Dockerfile.\n{json.dumps(settings, indent=2)}\n"


def lock_of_pip(lock: Lock) -> str:
    """What the lock pins of pip alone, as requirements with hashes."""
    lines = [f"{FIRST_WORDS}pip as {LOCK} pins it, to install the rest with."]
    lines += [
        " \\\n    ".join([f"{pin.name}=={pin.version}", *(f"--hash={value}" for value in pin.hashes)])
        for pin in lock.pins
        if pin.name == "pip"
    ]
    return "\n".join(lines) + "\n"


def conda_environment(lock: Lock) -> str:
    """An ``environment.yml``: Python from conda-forge, all else from the lock, by its hashes.

    conda hands what stands under ``pip`` to pip as a requirements file, which may hold options.
    """
    lines = [
        f"{FIRST_WORDS}the lock in an environment of conda, on {lock.target.platform.label}.",
        "# Use: conda env create --file environment.yml",
        "name: model",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python={lock.target.python}",
        "  - pip",
        "  - pip:",
        "      - --require-hashes",
        f"      - -r {LOCK}",
    ]
    return "\n".join(lines) + "\n"
