"""Request -> Job: all that is read, found and recalled once, before candidates are tried."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from envlock.environment import ReservedPlace
from envlock.errors import UsageError
from envlock.inspection import Inspection, inspect
from envlock.interpreters import (
    Interpreter,
    UnavailablePythonError,
    fetch_interpreter,
    find_interpreters,
    search_is_restricted,
)
from envlock.knowledge.import_names import distribution_of
from envlock.knowledge.pairings import is_paired
from envlock.loadability import CustomObject
from envlock.loading import Loading
from envlock.own_code.definitions import Definition, source_files
from envlock.own_code.imports import Import, ImportClosure, Need, find_imports
from envlock.pipeline.memory import Memory, recall
from envlock.pipeline.request import Request
from envlock.reporter import Reporter
from envlock.writers import WRITERS, LockWriter
from envlock.writers.files import find_writer

if TYPE_CHECKING:
    from envlock.environment.installed import InstalledEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all candidates of one request have in common."""

    request: Request
    inspection: Inspection
    definitions: Mapping[str, Definition]
    """Where the person's code defines what the model needs, by name."""

    builder: Definition | None
    """What of that code builds the model that weights belong to."""

    imports: tuple[Import, ...]
    """What the code imports from elsewhere."""

    kept: tuple[Requirement, ...]
    """Pins of the lock that is there already, to be kept where they can be; by name ``name==version``."""

    memory: Memory
    place: ReservedPlace | None
    """Where environments are made; ``None``: lock only."""

    reporter: Reporter
    counterpart: InstalledEnvironment | None
    """Another environment, whose numbers are compared."""

    interpreters: list[Interpreter] = field(default_factory=list)
    """Those of this machine, and what was fetched since."""

    unavailable: set[str] = field(default_factory=set)
    """Lines of Python that were to be fetched in vain."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str, name: str) -> Iterator[None]:
        """Report a step, and add its wall time to the seconds under *name*."""
        started = time.perf_counter()
        try:
            with self.reporter.step(title):
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def interpreter_of(self, line: str) -> Interpreter | None:
        """The Python of *line* on this machine."""
        return next((interpreter for interpreter in self.interpreters if interpreter.line == line), None)

    def can_have_python(self, line: str) -> bool:
        """Whether the Python of *line* is here, or was fetched just now; each is tried once."""
        if self.interpreter_of(line) is not None:
            return True
        if not self.request.fetches or search_is_restricted() or line in self.unavailable:
            return False
        try:
            self.interpreters.append(fetch_interpreter(line, self.reporter))
        except UnavailablePythonError as error:
            self.unavailable.add(line)
            self.reporter.note(str(error))
            return False
        return True

    @property
    def loading(self) -> Loading:
        """How the artifact is loaded in every environment."""
        request = self.request
        return Loading(
            inspection=self.inspection, code=request.code, builder=request.builder, trusts_code=request.trusts_code
        )

    @property
    def custom(self) -> tuple[CustomObject, ...]:
        """What the model needs beside Keras, and the add-ons that the code around it imports."""
        needs = (Need(first=item, distribution=distribution_of(item.module)) for item in self.imports)
        # An add-on belongs to one TensorFlow, whether the model names it or the code.
        add_ons = {
            need.distribution: CustomObject(name=need.first.module, kind="module", distribution=need.distribution)
            for need in needs
            if need.is_required and is_paired(need.distribution or "")
        }
        return (*self.inspection.custom, *add_ons.values())


def begin(request: Request, reporter: Reporter, place: ReservedPlace | None) -> Job:
    """Read the artifact, the person's code and the lock that is there, and look for Pythons where any is needed.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: The code that was passed does not define what the model needs.
    """
    started = time.perf_counter()
    counterpart = _read_counterpart(request)
    with reporter.step(f"reading {request.artifact.name}"):
        inspection = inspect(request.artifact)
        loading = Loading(
            inspection=inspection, code=request.code, builder=request.builder, trusts_code=request.trusts_code
        )
        definitions, builder = loading.find_definitions(reporter), loading.find_builder(reporter)
        closure = _find_imports([*definitions.values(), *filter(None, [builder])], request)
    sources = [*closure.files, *source_files(request.code)] if request.code is not None else []
    memory = recall(request, inspection.provenance, sources, reporter)
    read = time.perf_counter()
    job = Job(
        request=request,
        inspection=inspection,
        definitions=definitions,
        builder=builder,
        imports=closure.imports,
        kept=tuple(_kept_pins(request, reporter)),
        memory=memory,
        place=place,
        reporter=reporter,
        counterpart=counterpart,
        seconds={"inspect": read - started, "interpreters": 0.0},
    )
    # A lock is for a target: which Pythons are on this machine has no part in it, unless an engine runs in one.
    if place is not None or any(resolver.needs_interpreter for resolver in request.resolvers):
        with job.step("looking for Pythons", "interpreters"):
            job.interpreters.extend(find_interpreters())
    return job


def read_lock(request: Request) -> tuple[str, LockWriter] | None:
    """The lock that is there already, in whichever of our formats; ``None`` where there is none of ours."""
    if request.lock_path is None:
        return None
    try:
        writer = find_writer(request.lock_path, WRITERS)
        return (request.lock_path.read_text(encoding="utf-8"), writer) if writer is not None else None
    except (OSError, UnicodeDecodeError):
        return None


def _kept_pins(request: Request, reporter: Reporter) -> Iterator[Requirement]:
    found = read_lock(request)
    pins = found[1].read_pins(found[0]) if found is not None else {}
    for name in sorted(request.upgraded - pins.keys()):
        reporter.note(f"--upgrade-package {name}: {request.lock_path} pins no such distribution")
    for name, version in pins.items():
        if not request.upgrades and name not in request.upgraded:
            yield Requirement(f"{name}=={version}")


def _read_counterpart(request: Request) -> InstalledEnvironment | None:
    if request.counterpart is None:
        return None
    # Here, since few ask for it, and a lock alone must not wait for it.
    from envlock.environment.installed import find_python, read_environment

    python, own = find_python(request.counterpart), request.environment_path
    if own is not None and python.parent.resolve().is_relative_to(own.resolve()):
        raise UsageError(
            f"--against {request.counterpart}: is the environment that is made", hint="name another environment"
        )
    return read_environment(python, heeds_python_path=False)


# --- the person's code ---------------------------------------------------------------------------------------


def _find_imports(definitions: list[Definition], request: Request) -> ImportClosure:
    if request.code is None:
        return ImportClosure(files=(), imports=())
    return find_imports(definitions, request.code)
