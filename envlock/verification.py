"""Environment + artifact -> Verification: the model is loaded and called there, in a child, and the child reports.

The child is isolated as far as this machine allows, and gets nothing of the person's environment but what programs
need to start. Whatever becomes of it (a crash, a hang, nonsense) is an outcome, not an exception.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envlock.custom_code import Definition, find_definitions
from envlock.isolation.choice import Isolation, choose_isolation
from envlock.isolation.interface import default_limits
from envlock.isolation.running import Ended
from envlock.knowledge.loaders import import_for
from envlock.provenance import TensorSpec

TIME_LIMIT = 300.0
"""Seconds for everything: importing TensorFlow, loading, calling."""

_PROBE = Path(__file__).parent / "probes" / "load_model.py"
_PREPARATIONS = {
    "loader.load(session, ": ("session = {v1}.Session(graph={v1}.Graph())",),
    "import_graph_def(graph_def, ": (
        "session = {v1}.InteractiveSession(graph={v1}.Graph())",
        "graph_def = {v1}.GraphDef.FromString(open(path, 'rb').read())",
    ),
    "import_meta_graph(": ("session = {v1}.InteractiveSession(graph={v1}.Graph())",),
}
"""Lines that a person types before an expression which holds the key, with the name of TensorFlow 1's interface."""

# What a program needs to start: the rest may hold secrets, or change what is being verified.
_INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a call of the model returned in one place."""

    name: str
    """Key of the output; empty where outputs come in a list."""

    dtype: str
    shape: tuple[int, ...]
    finite: bool | None
    """Whether it holds neither NaN nor infinity; ``None`` for what is not a floating-point number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A way to load the model that failed."""

    how: str
    """The Python expression."""

    error: str
    """``Type: message``, at most 2 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedObject:
    """A class or function that the model needs, and where it was found."""

    name: str
    """What the model calls it, such as ``Custom>Scale``."""

    module: str
    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What happened when the model was loaded and called."""

    loads: bool
    predicts: bool | None
    """Whether a call returned; ``None`` where none was made, or no input is sure to be legal: *error* tells why."""

    loader: str
    """The one of the loaders that was asked for which loaded it; empty where none did."""

    how: str
    """The Python expression that loaded it, with ``path`` for the artifact; empty where none did."""

    error: str | None
    """``Type: message`` of the last failure, or how the child ended; at most 2 kB."""

    traceback: str
    """Of that failure, or the end of what the child wrote to stderr; at most 8 kB."""

    attempts: tuple[Attempt, ...]
    """Ways that failed before, in the order in which they were tried."""

    code_errors: tuple[str, ...]
    """One line for each module or source file that could not be imported, led by its name."""

    modules: tuple[str, ...] = ()
    """What was imported before, since it registers what the model needs."""

    imported: tuple[ImportedObject, ...]
    """What was passed to the loader as ``custom_objects``, sorted as the request names them."""

    search_path: tuple[str, ...] = ()
    """Folders that these are imported from, beside those of the environment."""

    outputs: tuple[Output, ...]
    versions: Mapping[str, str]
    """Of Python and of the packages that the child had imported."""

    seconds: float
    """Wall time of the child."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the child got in addition, since the packages behave differently with them."""

    isolation: Isolation | None = None
    """What divided the child from the rest of the machine while the model was loaded and called."""

    @property
    def is_finite(self) -> bool:
        """Whether no output holds NaN or infinity."""
        return all(output.finite is not False for output in self.outputs)

    def snippet(self, path: Path) -> tuple[str, ...]:
        """Lines of Python that load the model at *path* as it was loaded here; empty where it was not."""
        if not self.loads:
            return ()
        lines = ["import os"] if self.environment else []
        # Before any import: packages look at their variables once, when they are imported.
        lines += [f"os.environ[{name!r}] = {value!r}" for name, value in sorted(self.environment.items())]
        lines += [import_for(self.how), *(f"import {module}" for module in self.modules)]
        if self.imported and self.search_path:
            lines += ["import sys", *(f"sys.path.append({folder!r})" for folder in self.search_path)]
        lines += dict.fromkeys(f"from {item.module} import {item.attribute}" for item in self.imported)
        if self.imported:
            entries = ", ".join(f"{item.name!r}: {item.attribute}" for item in self.imported)
            lines.append(f"custom_objects = {{{entries}}}")
        lines.append(f"path = {str(path)!r}")
        version_1 = "tf.compat.v1" if self.how.startswith("tf.compat.v1.") else "tf"
        for call, preparation in _PREPARATIONS.items():
            if call in self.how:
                lines += [line.format(v1=version_1) for line in preparation]
        return (*lines, f"model = {self.how}")


def verify(
    environment_python: Path,
    artifact: Path,
    *,
    loaders: Sequence[str],
    artifact_format: str = "",
    inputs: Sequence[TensorSpec] = (),
    tags: Collection[str] = (),
    modules: Sequence[str] = (),
    custom_objects: Collection[str] = (),
    code: Path | None = None,
    trust: bool = False,
    environment: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
    isolation: Isolation | None = None,
) -> Verification:
    """Load the artifact with the Python of an environment, and call the model on inputs made for it.

    Args:
        environment_python: The interpreter to load it with.
        artifact: A file or folder.
        loaders: ``tf.keras``, ``keras``, ``tf-keras``, ``tensorflow``, in the order in which they are tried.
        artifact_format: As in the provenance; tells ``tensorflow`` how to open what is no SavedModel.
        inputs: What the model takes, used where the loaded model does not say so itself.
        tags: Tag set of the graph to load from a SavedModel.
        modules: Modules that register what the model needs, imported first.
        custom_objects: Names of classes and functions that the model needs and Keras does not bring.
        code: Folder with the person's own source, where these are looked for.
        trust: Whether Keras may run code that the artifact holds.
        environment: Variables that the child gets in addition.
        time_limit: Seconds until the child and all that it has started are killed.
        isolation: What divides the child from everything else; by default the best that this machine gives.

    Raises:
        OSError: *environment_python* cannot be started at all.
    """
    definitions = find_definitions(code, custom_objects) if code is not None else {}
    search_path = _search_path(code, definitions.values())
    request = {
        "path": str(artifact.absolute()),
        "format": artifact_format,
        "loaders": list(loaders),
        "inputs": [{"name": item.name, "dtype": item.dtype, "shape": item.shape} for item in inputs],
        "tags": sorted(tags),
        "modules": list(modules),
        "custom_objects": sorted(custom_objects),
        "code": [_describe_definition(name, definition) for name, definition in definitions.items()],
        "roots": list(search_path),
        "trust": trust,
    }
    variables = _variables_for_child(environment or {})
    sources = [Path(place) for place in search_path]
    readable = [_PROBE, *_files_of(artifact, artifact_format), *sources, *_folders_named_in(variables)]
    if isolation is None:
        isolation = choose_isolation(environment_python, readable=readable)
    started = time.monotonic()
    child = isolation.run(
        [str(environment_python.absolute()), "-s", "-B", str(_PROBE)],
        request=json.dumps(request).encode(),
        readable=readable,
        variables=variables,
        limits=default_limits(time_limit),
    )
    seconds = time.monotonic() - started
    outcome = _read_outcome(child, seconds=seconds, time_limit=time_limit)
    return replace(
        outcome,
        modules=tuple(modules),
        search_path=search_path,
        environment=dict(environment or {}),
        isolation=replace(isolation, guarantees=child.guarantees),
    )


def _describe_definition(name: str, definition: Definition) -> dict[str, str]:
    return {
        "name": name,
        "object": definition.name,
        "module": definition.module,
        "file": str(definition.file.absolute()),
    }


def _search_path(code: Path | None, definitions: Collection[Definition]) -> tuple[str, ...]:
    """Folders to import the person's source from: those that the definitions need, then the whole folder."""
    folders = [definition.root.absolute() for definition in definitions]
    if code is not None:
        folders.append(code.absolute())
    return tuple(dict.fromkeys(map(str, folders)))


# --- the child -----------------------------------------------------------------------------------------------

# A model that is not a file of its own, and what lies beside it: as the start of its name tells, or by these names.
_SUFFIX_OF_CHECKPOINT = re.compile(r"\.(meta|index|data-\d+-of-\d+)$")
_PARTS_OF_SAVED_MODEL = ("variables", "assets", "assets.extra", "keras_metadata.pb", "fingerprint.pb")


def _files_of(artifact: Path, artifact_format: str) -> list[Path]:
    """Existing files and folders that loading the artifact opens."""
    if artifact_format in ("checkpoint", "meta-graph") and not artifact.is_dir():
        prefix = _SUFFIX_OF_CHECKPOINT.sub("", artifact.name)
        parts = [path for path in artifact.parent.iterdir() if _SUFFIX_OF_CHECKPOINT.sub("", path.name) == prefix]
        return [*parts, *filter(Path.exists, [artifact.parent / "checkpoint"])]
    if artifact_format == "saved-model" and artifact.is_file():
        parts = [artifact, *(artifact.parent / name for name in _PARTS_OF_SAVED_MODEL)]
        return [path for path in parts if path.exists()]
    return [artifact]


def _variables_for_child(additional: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return {
        **inherited,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "1",
        **additional,
    }


def _folders_named_in(variables: Mapping[str, str]) -> list[Path]:
    """Existing folders where programs look for modules and libraries."""
    names = [name for variable in ("PYTHONPATH", "LD_LIBRARY_PATH") for name in variables.get(variable, "").split(":")]
    return [Path(name) for name in names if name and Path(name).is_dir()]


# --- its outcome ---------------------------------------------------------------------------------------------


def _read_outcome(child: Ended, *, seconds: float, time_limit: float) -> Verification:
    report = _last_report(child.report)
    if report.get("done"):
        error, traceback, predicts = report["error"], report["traceback"], report["predicts"]
    else:
        error = f"{_describe_end(child, time_limit)}, at: {report.get('stage', 'start Python')}"
        traceback = child.complaint.decode("utf-8", errors="replace").strip()
        predicts = False if report.get("loads") else None
    return Verification(
        loads=report.get("loads", False),
        predicts=predicts,
        loader=report.get("loader", ""),
        how=report.get("how", ""),
        error=error,
        traceback=traceback,
        attempts=tuple(Attempt(how=item["how"], error=item["error"]) for item in report.get("attempts", ())),
        code_errors=tuple(f"{item['file']}: {item['error']}" for item in report.get("code_errors", ())),
        imported=tuple(ImportedObject(**item) for item in report.get("imported", ())),
        outputs=tuple(_read_output(item) for item in report.get("outputs", ())),
        versions=report.get("versions", {}),
        seconds=seconds,
    )


def _last_report(written: bytes) -> dict[str, Any]:
    """The last whole line that is a report; empty where there is none."""
    for line in reversed(written.split(b"\n")[:-1]):
        with suppress(ValueError):
            report = json.loads(line)
            if isinstance(report, dict) and "stage" in report:
                return report
    return {}


def _describe_end(child: Ended, time_limit: float) -> str:
    if child.excess == "time":
        return f"no answer within {time_limit:g} seconds"
    if child.excess is not None:
        return f"the process was killed, since it took more {child.excess} than it may"
    if child.exit_code >= 0:
        return f"the process ended with exit status {child.exit_code} and no result"
    try:
        name = signal.Signals(-child.exit_code).name
    except ValueError:
        name = f"signal {-child.exit_code}"
    return f"the process was killed by {name}"


def _read_output(item: Mapping[str, Any]) -> Output:
    return Output(name=item["name"], dtype=item["dtype"], shape=tuple(item["shape"]), finite=item["finite"])
