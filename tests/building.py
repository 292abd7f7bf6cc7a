"""What tests of several stages build: provenances without a file, environments from a lock, a record of the steps."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from envlock.environment import Environment, reserve_place
from envlock.provenance import ConfigObject, Evidence, Operation, Provenance


class Recorder:
    """Keeps the titles of the steps, and stops at the one that it is told to."""

    def __init__(self, *, stop_at: str = "") -> None:
        self.titles: list[str] = []
        self._stop_at = stop_at

    def step(self, title: str) -> AbstractContextManager[None]:
        self.titles.append(title)
        if self._stop_at and title.startswith(self._stop_at):
            raise KeyboardInterrupt
        return nullcontext()

    def note(self, message: str) -> None:
        raise AssertionError(message)


def evidence(**facts: str) -> tuple[Evidence, ...]:
    """Evidence by fact, underscores standing for hyphens."""
    return tuple(Evidence(fact=fact.replace("_", "-"), value=value, location="test") for fact, value in facts.items())


def layer(class_name: str, *keys: str, **more: Any) -> ConfigObject:
    """A layer whose config holds *keys*."""
    return ConfigObject(
        class_name=class_name,
        kind=more.pop("kind", "layer"),
        keys=frozenset(keys),
        location=more.pop("location", "model_config"),
        **more,
    )


def operation(name: str, *attributes: str) -> Operation:
    """An operation that occurs once."""
    return Operation(name=name, attributes=frozenset(attributes), nodes=1)


def provenance(**fields: Any) -> Provenance:
    """A Keras HDF5 model, unless the fields say otherwise."""
    values: dict[str, Any] = {
        "path": Path("model.h5"),
        "format": "keras-hdf5",
        "content": "model",
        "size": 1000,
    }
    return Provenance(**(values | fields))


def create_environment(place: Path, **arguments: Any) -> Environment:
    """The environment of a lock, made at *place* and kept."""
    with reserve_place(place) as reserved:
        environment = reserved.create(**arguments)
        reserved.keep()
    return environment


def write_wheel(folder: Path, name: str, version: str, *, requires: Sequence[str] = ()) -> Path:
    """A wheel for any Python with an empty module of its *name* in it."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    members = {
        f"{name}.py": "",
        f"{name}-{version}.dist-info/METADATA": metadata + "".join(f"Requires-Dist: {text}\n" for text in requires),
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "".join(f"{member},,\n" for member in members))
    return path


def write_source(folder: Path, name: str, version: str) -> Path:
    """A source distribution of the time before it could say how it is built."""
    path = folder / f"{name}-{version}.tar.gz"
    members = {
        "PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n",
        "setup.py": f"from setuptools import setup\nsetup(name={name!r}, version={version!r}, py_modules=[{name!r}])\n",
        f"{name}.py": "",
    }
    with tarfile.open(path, "w:gz") as archive:
        for member, text in members.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path
