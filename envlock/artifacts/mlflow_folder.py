"""MLflow model folders: the saved model within, with what MLflow wrote down about the environment it came from.

The ``MLmodel`` file and its neighbours are YAML; the few lines of ``key: value`` that matter are read as text, and
nothing in them chooses what is opened. Format: MLflow documentation, "MLflow Models", Storage Format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from envlock.artifacts.interface import ArtifactReader, ArtifactSource
from envlock.artifacts.keras_archive import KerasArchiveReader
from envlock.artifacts.keras_hdf5 import KerasHdf5Reader
from envlock.artifacts.saved_model import SavedModelReader
from envlock.errors import DamagedFileError, LimitExceededError, NotAModelError
from envlock.formats.text import printable
from envlock.provenance import ArtifactFormat, Evidence, Finding, Provenance

_DESCRIPTION = "MLmodel"
_REQUIREMENTS = ("requirements.txt", "conda.yaml")
_PYTHON_ENVIRONMENT = "python_env.yaml"

_FACTS = {
    "mlflow_version": "mlflow-version",
    "flavors.keras.keras_version": "mlflow-keras-version",
    "flavors.keras.keras_module": "mlflow-keras-module",
    "flavors.keras.keras_backend": "mlflow-keras-backend",
    "flavors.tensorflow.keras_version": "mlflow-keras-version",
    "flavors.python_function.python_version": "mlflow-python-version",
}
"""Places in the description whose values are evidence."""

_FLAVORS = "flavors"
_MODEL_FOLDERS = frozenset({"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"})
"""Files that make the folder around them the model."""

_MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")

_PICKLE_SUFFIXES = frozenset({".cloudpickle", ".pickle", ".pkl"})

_ENTRY = re.compile(r"( *)([\w.-]+):(?: +(.*))?")
_REQUIREMENT = re.compile(r"(?:- +)?([A-Za-z0-9][\w.-]*(?:\[[\w,. -]*\])? *[=<>!~][\w.*+!,<>=~ -]+)")
_PYTHON_REQUIREMENT = re.compile(r"python\s*=+\s*([\w.]+)")

_READERS: tuple[ArtifactReader, ...] = (SavedModelReader(), KerasArchiveReader(), KerasHdf5Reader())
"""What the models within are read by."""

_LARGEST_FILE = 1024 * 1024
_MOST_REQUIREMENTS = 500
_LONGEST_LINE = 300
_HEAD_SIZE = 4096


class MlflowReader:
    """Reads the model in an MLflow folder, by the reader that knows its format."""

    formats: tuple[ArtifactFormat, ...] = tuple(name for reader in _READERS for name in reader.formats)

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether *source* is a folder with an MLflow description."""
        return not head and source.is_folder and _DESCRIPTION in source.names()

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the model within; the path of the provenance is that of the model, which loaders need.

        Raises:
            ArtifactError: There is no model of TensorFlow or Keras, or a part is damaged.
        """
        files = source.files()
        entries = tuple(_read_entries(_read_text(source, _DESCRIPTION)))
        name = _find_model(tuple(files))
        if name is None:
            flavors = sorted({path.split(".")[1] for path, _ in entries if path.startswith(f"{_FLAVORS}.")})
            shown = ", ".join(printable(flavor, 40) for flavor in flavors[:5]) or "none"
            raise NotAModelError(
                str(source.path), found=f"an MLflow folder without a TensorFlow or Keras model (flavors: {shown})"
            )
        inner = _read_model(source.within(name))
        return inner._replace(
            evidence=(*inner.evidence, *_describe(entries), *_read_environment(source, frozenset(files))),
            findings=(*inner.findings, *_find_pickles(files)),
            traits=inner.traits | {"mlflow-folder"},
        )


def _read_model(model: ArtifactSource) -> Provenance:
    head = b""
    if not model.is_folder:
        with model.open() as stream:
            head = stream.read(_HEAD_SIZE)
    for reader in _READERS:
        if reader.recognises(model, head):
            return reader.read(model)
    raise NotAModelError(str(model.path), found="another kind of file in an MLflow folder")


def _find_model(names: tuple[str, ...]) -> str | None:
    """The folder of a SavedModel or a Keras file among *names*, the outermost one first."""
    paths = [PurePosixPath(name) for name in names]
    models = [path.parent for path in paths if path.name in _MODEL_FOLDERS and path.parent.parts]
    models += [path for path in paths if path.suffix in _MODEL_SUFFIXES]
    return str(min(models, key=lambda path: (len(path.parts), str(path)))) if models else None


def _find_pickles(names: Iterable[str]) -> Iterator[Finding]:
    for name in sorted(names):
        if PurePosixPath(name).suffix in _PICKLE_SUFFIXES:
            yield Finding(
                reference="pickled-objects",
                severity="info",
                message=f"{printable(name)} holds pickled Python objects, which run when MLflow loads the folder",
                hint="load the model within it, as envlock does, or the folder only if you trust where it comes from",
            )


def _describe(entries: tuple[tuple[str, str], ...]) -> Iterator[Evidence]:
    for path, value in entries:
        if path in _FACTS and value:
            yield Evidence(fact=_FACTS[path], value=value, location=f"{_DESCRIPTION}: {path}")


def _read_environment(source: ArtifactSource, files: frozenset[str]) -> Iterator[Evidence]:
    if _PYTHON_ENVIRONMENT in files:
        for path, value in _read_entries(_read_text(source, _PYTHON_ENVIRONMENT)):
            if path == "python":
                yield Evidence(fact="mlflow-python-version", value=value, location=f"{_PYTHON_ENVIRONMENT}: python")
    for name in _REQUIREMENTS:
        if name in files:
            yield from _read_requirements(_read_text(source, name), name)


def _read_requirements(text: str, name: str) -> Iterator[Evidence]:
    """The requirements of *text*, a list of them for pip or an environment of conda that holds one."""
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        match = _REQUIREMENT.match(line[:_LONGEST_LINE].strip())
        if match is None:
            continue
        count += 1
        if count > _MOST_REQUIREMENTS:
            raise LimitExceededError(name, what="number of requirements", limit=_MOST_REQUIREMENTS, found=count)
        requirement = match[1].strip()
        python = _PYTHON_REQUIREMENT.fullmatch(requirement)
        yield Evidence(
            fact="mlflow-requirement" if python is None else "mlflow-python-version",
            value=requirement if python is None else python[1],
            location=f"{name}: line {number}",
        )


def _read_entries(text: str) -> Iterator[tuple[str, str]]:
    """Dotted path of keys and plain value of each ``key: value`` line; lists and longer texts are passed over."""
    parents: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _ENTRY.fullmatch(line[:_LONGEST_LINE])
        if match is None:
            continue
        indent, key, value = len(match[1]), match[2], (match[3] or "").strip().strip("'\"")
        while parents and parents[-1][0] >= indent:
            parents.pop()
        parents.append((indent, key))
        yield ".".join(name for _, name in parents), value


def _read_text(source: ArtifactSource, name: str) -> str:
    with source.open(name) as stream:
        data = stream.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise LimitExceededError(name, what="size in bytes", limit=_LARGEST_FILE, found=len(data))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DamagedFileError(name, "is no UTF-8", offset=error.start) from None
