"""Environment + modules of a project -> how importing each of them ends, in an isolated child.

A child that dies is followed by another, which goes on behind the module that ended it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from envlock.formats.text import one_line, printable
from envlock.isolation.choice import Isolation, choose_isolation
from envlock.isolation.interface import default_limits
from envlock.isolation.running import Ended
from envlock.knowledge.import_names import distribution_of
from envlock.project.interface import OwnModule, Place
from envlock.verification import describe_end, variables_for_child

TIME_LIMIT = 300.0
"""Seconds for all modules together."""

_MOST_DEATHS = 8
"""Children that die before the modules that are left are given up."""

_PROBE = Path(__file__).parent.parent / "probes" / "import_modules.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModule:
    """What became of importing a module of the project."""

    name: str
    outcome: Literal["imported", "missing", "failed", "skipped"]
    missing: str | None = None
    """The module that it lacks."""

    distribution: str | None = None
    """What would bring that; ``None`` where the table of import names does not tell."""

    error: str = ""
    """One line; why it was not tried where it was skipped."""

    place: Place | None = None
    """The last line of the project that took part; ``None`` where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTest:
    """How importing the modules of a project ended, in their order."""

    modules: tuple[ImportedModule, ...]
    isolation: Isolation | None
    """What divided them from the rest of the machine; ``None`` where none was imported."""

    @property
    def passes(self) -> bool:
        """Whether all that were tried can be imported."""
        return all(module.outcome in {"imported", "skipped"} for module in self.modules)


def import_modules(
    python: Path,
    modules: Sequence[OwnModule],
    project: Path,
    *,
    variables: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
) -> SmokeTest:
    """Import every one of *modules* with the Python of an environment, but for those that do work on import.

    Args:
        python: The interpreter.
        modules: Of the project.
        project: Its folder, absolute; the child works in it, and cannot write there.
        variables: What the child gets in addition to what programs need to start.
        time_limit: Seconds for all of it.

    Raises:
        UnstartablePythonError: *python* does not start.
    """
    tried = [module for module in modules if not module.works_on_import]
    found: dict[tuple[str, Path], ImportedModule] = {}
    isolation = choose_isolation(python, readable=[_PROBE, project]) if tried else None
    if isolation is not None:
        found = _import_all(isolation, python, tried, project, variables or {}, time_limit)
    return SmokeTest(
        modules=tuple(found.get(_key(module)) or _skipped(module) for module in modules), isolation=isolation
    )


def import_from_elsewhere(
    python: Path, modules: Iterable[str], *, variables: Mapping[str, str] | None = None
) -> SmokeTest:
    """Import *modules* of installed distributions, where nothing of a project is found.

    Raises:
        UnstartablePythonError: *python* does not start.
    """
    found = [OwnModule(name=name, root=Path(), works_on_import=False) for name in modules]
    with TemporaryDirectory(prefix="envlock-") as folder:
        return import_modules(python, found, Path(folder).resolve(), variables=variables)


def _key(module: OwnModule) -> tuple[str, Path]:
    return module.name, module.root


def _skipped(module: OwnModule) -> ImportedModule:
    reason = "importing it does more than define things" if module.works_on_import else "the time was over before it"
    return ImportedModule(name=module.name, outcome="skipped", error=reason)


def _import_all(
    isolation: Isolation,
    python: Path,
    modules: Sequence[OwnModule],
    project: Path,
    variables: Mapping[str, str],
    time_limit: float,
) -> dict[tuple[str, Path], ImportedModule]:
    """Those of *modules* that were reached before the time was over, or too many children had died."""
    end = time.monotonic() + time_limit
    found: dict[tuple[str, Path], ImportedModule] = {}
    # Modules of one root stand together: between roots, the child forgets what it has imported.
    waiting = sorted(modules, key=lambda module: module.root)
    for _ in range(_MOST_DEATHS):
        seconds = end - time.monotonic()
        if not waiting or seconds <= 0:
            break
        child = isolation.run(
            [str(python.absolute()), "-s", "-B", str(_PROBE)],
            request=_request(waiting, project),
            readable=[_PROBE, project],
            variables=variables_for_child(variables),
            limits=default_limits(seconds),
        )
        told = [*_read(child, waiting, project, seconds)]
        found |= {_key(module): outcome for module, outcome in zip(waiting, told, strict=False)}
        waiting = waiting[max(len(told), 1) :]
    return found


def _request(modules: Iterable[OwnModule], project: Path) -> bytes:
    rows = [{"name": module.name, "root": str(project / module.root)} for module in modules]
    return json.dumps({"project": str(project), "modules": rows}).encode()


def _read(child: Ended, modules: Sequence[OwnModule], project: Path, seconds: float) -> Iterator[ImportedModule]:
    """What the *child* tells of the first of *modules*, the one that it died of included."""
    own = {module.name.partition(".")[0] for module in modules}
    reports = [item for line in child.report.splitlines() if (item := _parse(line)) is not None]
    ended = {item.get("number"): item for item in reports}
    for number, module in enumerate(modules):
        if number not in ended:
            yield ImportedModule(name=module.name, outcome="failed", error=describe_end(child, seconds))
            return
        yield _outcome(module, ended[number], own, project)


def _parse(line: bytes) -> dict[str, Any] | None:
    # The child runs code of the project, which may write anything.
    with suppress(ValueError, RecursionError):
        item = json.loads(line)
        if isinstance(item, dict) and isinstance(item.get("number"), int):
            return item
    return None


def _outcome(module: OwnModule, item: Mapping[str, Any], own: Iterable[str], project: Path) -> ImportedModule:
    if item.get("outcome") == "imported":
        return ImportedModule(name=module.name, outcome="imported")
    missing = str(item.get("missing") or "")
    is_elsewhere = item.get("outcome") == "missing" and missing.partition(".")[0] not in own
    file, line = item.get("file"), item.get("line")
    return ImportedModule(
        name=module.name,
        outcome="missing" if missing and is_elsewhere else "failed",
        missing=printable(missing) or None,
        distribution=distribution_of(missing) if missing and is_elsewhere else None,
        error=printable(one_line(str(item.get("error", "")).replace(f"{project}/", "")), 300),
        place=_place(Path(file), line, project) if isinstance(file, str) and isinstance(line, int) else None,
    )


def _place(file: Path, line: int, project: Path) -> Place | None:
    return Place(file.relative_to(project), line) if file.is_relative_to(project) else None
