"""Dockerfiles -> what the images say that they build on, and what they install."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from envlock.knowledge.accelerators import cuda_for
from envlock.knowledge.base_images import tensorflow_image_for
from envlock.knowledge.releases import releases_of
from envlock.project.files import ProjectFile
from envlock.project.installation_commands import installed_by
from envlock.project.interface import Place, Statement
from envlock.project.statements import python_statement, requirement_statement
from envlock.requirements_file import logical_lines

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<image>[^\s:@]+)(?::(?P<tag>[\w.-]+))?", re.IGNORECASE)
_ARGUMENT = re.compile(r"ARG\s+(\w+)=[\"']?([\w.-]{1,100})", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_RUN = re.compile(r"RUN\s+(.+)", re.IGNORECASE)


def read_dockerfile(file: ProjectFile) -> Iterator[Statement]:
    """What each ``FROM`` hints at, and what ``pip install`` of each ``RUN`` names."""
    arguments: dict[str, str] = {}
    for number, line in logical_lines(file.text):
        place = Place(file.path, number)
        if argument := _ARGUMENT.match(line):
            arguments[argument[1]] = argument[2]
        elif image := _FROM.match(_VARIABLE.sub(lambda name: arguments.get(name[1], ""), line)):
            yield from _image_statements(image["image"].lower(), image["tag"] or "", place)
        elif command := _RUN.match(line):
            yield from installed_by(command[1], place)


def _image_statements(image: str, tag: str, place: Place) -> Iterator[Statement]:
    name = image.removeprefix("docker.io/").removeprefix("library/")
    version, _, variant = tag.partition("-")
    if name in {"python", "pypy"} and version[:1].isdigit():
        yield python_statement(version, place, strength="hinted")
    elif name == "tensorflow/tensorflow" and version[:1].isdigit():
        yield from _tensorflow_statements(version, variant, place)
    elif name == "nvidia/cuda" and version[:1].isdigit():
        yield from _cuda_statements(".".join(version.split(".")[:2]), place)


def _tensorflow_statements(version: str, variant: str, place: Place) -> Iterator[Statement]:
    release = _version(version)
    build = cuda_for(release) if release is not None and "gpu" in variant else None
    distribution = build.distributions[0] if build is not None else "tensorflow"
    yield requirement_statement(f"{distribution}=={version}", place, strength="hinted")
    image = tensorflow_image_for(release) if release is not None else None
    if image is not None:
        # Where there are images for both, that without py3 has Python 2.
        is_python_2 = image.reference.endswith("-py3") and "py3" not in variant
        yield python_statement("2.7" if is_python_2 else image.python, place, strength="hinted")


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _cuda_statements(cuda: str, place: Place) -> Iterator[Statement]:
    """The TensorFlow releases that were built for a CUDA version."""
    builds = ((release.version, cuda_for(release.version)) for release in releases_of("tensorflow"))
    versions = [version for version, build in builds if build is not None and build.cuda == cuda]
    if versions:
        yield requirement_statement(f"tensorflow>={versions[0]},<={versions[-1]}", place, strength="hinted")
