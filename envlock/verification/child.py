"""Runs the child that loads and calls the model, and reads what it reports."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from envlock.formats.text import printable
from envlock.isolation.choice import Isolation, choose_isolation
from envlock.isolation.interface import default_limits
from envlock.isolation.linked_packages import places_of_packages
from envlock.isolation.running import Ended
from envlock.knowledge.global_names import Meaning
from envlock.knowledge.weight_shapes import definite_classes
from envlock.own_code.builder import find_builder
from envlock.own_code.definitions import Definition, find_definitions
from envlock.provenance import TensorSpec
from envlock.verification.files import files_of, path_to_load
from envlock.verification.results import Attempt, ImportedObject, Input, Output, Recipe, Verification

TIME_LIMIT = 300.0
"""Seconds for everything: importing TensorFlow, loading, calling."""

MISFIT = "MisfitError: "
"""How an error begins where the person's code builds another model than the weights are of, whatever the release."""

_PROBE = Path(__file__).parents[1] / "probes" / "load_model"

_LONGEST_LINE = 100_000

# What a program needs to start: the rest may hold secrets, or change what is being verified.
_INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")


def verify(
    environment_python: Path,
    artifact: Path,
    *,
    loaders: Sequence[str],
    artifact_format: str = "",
    inputs: Sequence[TensorSpec] = (),
    outputs: Collection[str] = (),
    tags: Collection[str] = (),
    modules: Sequence[str] = (),
    custom_objects: Collection[str] = (),
    names: Mapping[str, Sequence[Meaning]] | None = None,
    code: Path | None = None,
    builder: str = "",
    recipe: Recipe | None = None,
    trust: bool = False,
    environment: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
    isolation: Isolation | None = None,
) -> Verification:
    """Load the artifact with the Python of an environment, and call the model on inputs made for it.

    Args:
        environment_python: The interpreter to load it with.
        artifact: A file or folder.
        loaders: ``tf.keras``, ``keras``, ``tf-keras``, ``keras-core``, ``tensorflow``, as they are to be tried.
        artifact_format: As in the provenance; tells ``tensorflow`` how to open what is no SavedModel.
        inputs: What the model takes, used where the loaded model does not say so itself.
        outputs: Names of the nodes to fetch from a graph without signatures; by default, those that no other reads.
        tags: Tag set of the graph to load from a SavedModel.
        modules: Modules that register what the model needs, imported first.
        custom_objects: Names of classes and functions that the model needs and Keras does not bring.
        names: What stored functions look up by name, for each of the *loaders* that is to make it known.
        code: Folder with the person's own source, where *custom_objects* are looked for.
        builder: A function or class in there that returns the model which weights or a checkpoint belong to, or that
            model itself, as ``NAME`` or ``MODULE:NAME``.
        recipe: Of another verification, to call the model on the same inputs.
        trust: Whether Keras may run code that the artifact holds.
        environment: Variables that the child gets in addition.
        time_limit: Seconds until the child and all that it has started are killed.
        isolation: What divides the child from everything else; by default the best that this machine gives.

    Raises:
        UnstartablePythonError: *environment_python* does not start.
        UsageError: The *code* does not define the *builder*.
    """
    definitions = find_definitions(code, custom_objects) if code is not None else {}
    built_by = find_builder(code, builder) if code is not None and builder else None
    search_path = _search_path(code, [*definitions.values(), *filter(None, [built_by])])
    request = {
        "path": str(path_to_load(artifact.absolute(), artifact_format)),
        "format": artifact_format,
        "loaders": list(loaders),
        "inputs": [{"name": item.name, "dtype": item.dtype, "shape": item.shape} for item in inputs],
        "outputs": sorted(outputs),
        "tags": sorted(tags),
        "modules": list(modules),
        "custom_objects": sorted(custom_objects),
        "names": names or {},
        "code": [_describe_definition(name, definition) for name, definition in definitions.items()],
        "builder": _describe_definition(builder, built_by) if built_by is not None else None,
        "definite_layers": definite_classes() if built_by is not None else (),
        "roots": list(search_path),
        "recipe": asdict(recipe) if recipe is not None else None,
        "trust": trust,
    }
    variables = variables_for_child(environment or {})
    sources = [Path(place) for place in search_path]
    elsewhere = [*_folders_named_in(variables), *places_of_packages(environment_python)]
    readable = [_PROBE, *files_of(artifact, artifact_format), *sources, *elsewhere]
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
        artifact_format=artifact_format,
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


def variables_for_child(additional: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a child: what programs need to start, no accelerator, and what is *additional*."""
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
        error = f"{describe_end(child, time_limit)}, at: {report.get('stage', 'start Python')}"
        traceback = child.complaint.decode("utf-8", errors="replace").strip()
        predicts = False if report.get("loads") else None
    return Verification(
        loads=report.get("loads", False),
        predicts=predicts,
        loader=report.get("loader", ""),
        how=report.get("how", ""),
        imports=_read_lines(report.get("imports", ())),
        lines=_read_lines(report.get("lines", ())),
        left_over=tuple(map(str, report.get("left_over", ()))),
        error=error,
        traceback=traceback,
        attempts=tuple(Attempt(how=item["how"], error=item["error"]) for item in report.get("attempts", ())),
        code_errors=tuple(f"{item['file']}: {item['error']}" for item in report.get("code_errors", ())),
        imported=tuple(ImportedObject(**item) for item in report.get("imported", ())),
        recipe=_read_recipe(report.get("recipe")),
        inputs=tuple(Input(**{**item, "shape": tuple(item["shape"])}) for item in report.get("inputs", ())),
        outputs=tuple(_read_output(item) for item in report.get("outputs", ())),
        variables=tuple(_read_output(item) for item in report.get("variables", ())),
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


def describe_end(child: Ended, time_limit: float) -> str:
    """How a child ended that has told no result, as one clause; *time_limit* is in seconds."""
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


def _read_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines that persons are shown, and paste: a child that runs code of the artifact may have written them."""
    return tuple(printable(line, _LONGEST_LINE) for line in lines)


def _read_recipe(item: Mapping[str, Any] | None) -> Recipe | None:
    if item is None:
        return None
    features = {name: (kind, length) for name, (kind, length) in item["features"].items()}
    return Recipe(**{**item, "features": features, "sizes": tuple(item["sizes"])})


def _read_output(item: Mapping[str, Any]) -> Output:
    declared = item.get("declared")
    return Output(
        name=item["name"],
        dtype=item["dtype"],
        shape=tuple(item["shape"]),
        finite=item["finite"],
        declared=None if declared is None else tuple(declared),
        fits=item.get("fits", True),
        step=item.get("step", 1),
        values=tuple(item.get("values", ())),
    )
