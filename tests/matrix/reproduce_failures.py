"""Make the failures of data/failures.toml, recognise them by what is printed, and try their fixes.

    python -m tests.matrix.reproduce_failures WORK [--environments DIR] [--only FAILURE ...] [--again]

Recipes stand in failures/recipes.toml. For each one the environment is made that fails, what fails is run, the first
thing that `recognise` sees in the output has to be that failure, and with its fix the same has to succeed. WORK holds
the artifacts and ``journal.jsonl``, to which each outcome is appended at once; what stands there is not run again.
Environments are taken from DIR (``<name>/bin/python``); what is not there is made, and deleted when others take its room.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from uv import find_uv_bin

from envlock.interpreters import find_interpreters
from envlock.knowledge.failures import Fix, failure, recognise

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "failures"
MOST_ENVIRONMENTS = 3
TIME_LIMIT = 600.0
"""Seconds for one command."""

JOURNAL = "journal.jsonl"

Row = dict[str, Any]
"""An outcome: ``failure``, ``fix``, ``outcome`` (one of those of :func:`reproduce`), ``told`` (the recognised line or
what was printed last), ``seconds``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python with distributions; those that are forced in are installed without what they require."""

    name: str = ""
    """As in recipes.toml; empty for one with a fix."""

    python: str
    install: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """Requirements that hold against all metadata."""

    forced: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A name for its folder."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]

    def with_fix(self, requirement: str) -> Environment:
        """The same with *requirement* in place of what stands for that distribution."""
        name = _name(requirement)
        replaced = [item for item in self.install if _name(item) != name]
        if name in map(_name, self.forced):
            forced = [item for item in self.forced if _name(item) != name]
            return Environment(python=self.python, install=self.install, forced=(*forced, requirement))
        overrides = tuple(item for item in self.overrides if _name(item) != name)
        return Environment(python=self.python, install=(*replaced, requirement), overrides=overrides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Something that is run, and whether it may succeed."""

    environment: Environment
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a failure is made, and how its fix is tried."""

    failure: str
    fix: str
    """Value of the fix in the table."""

    saved: tuple[str, ...]
    """Savers whose artifacts are needed."""

    failing: Trial
    mended: Trial


class Laboratory:
    """Environments and artifacts below one folder."""

    def __init__(self, work: Path, savers: Mapping[str, Trial], environments: Path) -> None:
        self.work, self._savers, self._given = work, savers, environments
        self._pythons = {item.line: item.executable for item in reversed(find_interpreters())}
        self._environments: OrderedDict[str, Path] = OrderedDict()
        work.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Delete the environments."""
        while self._environments:
            shutil.rmtree(self._environments.popitem()[1])

    def run(self, trial: Trial, saved: Sequence[str] = ()) -> tuple[int, str]:
        """Exit status and output of a trial, in a folder of its own that has links to the artifacts."""
        python = self._python_of(trial.environment)
        folders = {saver: self._artifacts_of(saver) for saver in saved}
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            for saver, artifacts in folders.items():
                # Links would lead h5py to lock, and code to change, what other recipes need.
                shutil.copytree(artifacts, Path(folder) / saver)
            return _run(_filled_in(trial, python), Path(folder), trial.variables)

    def _artifacts_of(self, saver: str) -> Path:
        folder = self.work / "saved" / saver
        if not folder.exists():
            trial = self._savers[saver]
            python = self._python_of(trial.environment)
            folder.mkdir(parents=True)
            status, output = _run(_filled_in(trial, python), folder, trial.variables)
            if status:
                print(f"{saver}: {output[-1000:]}", file=sys.stderr, flush=True)
        return folder

    def _python_of(self, environment: Environment) -> Path:
        given = self._given / environment.name / "bin" / "python"
        if environment.name and given.exists():
            return given
        folder = self._environments.pop(environment.digest, None)
        if folder is None:
            while len(self._environments) >= MOST_ENVIRONMENTS:
                shutil.rmtree(self._environments.popitem(last=False)[1])
            folder = self.work / environment.digest
            shutil.rmtree(folder, ignore_errors=True)
            self._make(environment, folder)
        self._environments[environment.digest] = folder
        return folder / "bin" / "python"

    def _make(self, environment: Environment, folder: Path) -> None:
        made = [find_uv_bin(), "venv", "--quiet", "--python", str(self._pythons[environment.python]), str(folder)]
        install = [find_uv_bin(), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
        overrides = folder.with_suffix(".overrides")
        overrides.write_text("\n".join(environment.overrides))
        commands = [made]
        if environment.install:
            commands.append([*install, "--override", str(overrides), *environment.install])
        if environment.forced:
            commands.append([*install, "--no-deps", *environment.forced])
        for command in commands:
            status, output = _run(command, self.work, {})
            if status:
                raise RuntimeError(output)
        overrides.unlink()


def main() -> int:
    """Run what is not in the journal yet; 1 where a failure was not made, not recognised or not mended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--environments", type=Path, help="where environments are that need not be made")
    parser.add_argument("--only", nargs="*", default=[], help="failures")
    parser.add_argument("--again", action="store_true", help="whatever the journal has")
    options = parser.parse_args()
    work = options.work.resolve()
    savers, recipes = read_recipes()
    laboratory = Laboratory(work, savers, (options.environments or work / "environments").absolute())
    done = {row["failure"] for row in read_journal(work / JOURNAL) if row["outcome"] == "mended"}
    try:
        for recipe in recipes:
            is_wanted = not options.only or recipe.failure in options.only
            if is_wanted and (options.again or recipe.failure not in done):
                row = reproduce(recipe, laboratory)
                with (work / JOURNAL).open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
                print(f"{row['outcome']:14} {recipe.failure}: {row['told'][-300:]}", flush=True)
    finally:
        laboratory.close()
    last = {row["failure"]: row["outcome"] for row in read_journal(work / JOURNAL)}
    mended = [name for name, outcome in last.items() if outcome == "mended"]
    print(f"{len(mended)} of {len(recipes)} made, recognised and mended")
    return 0 if len(mended) == len(recipes) else 1


def reproduce(recipe: Recipe, laboratory: Laboratory) -> Row:
    """Make, recognise and mend one failure.

    The outcome is ``mended``, or where it ended: ``no environment``, ``did not fail``, ``not recognised``,
    ``not mended``.
    """
    started = time.monotonic()
    try:
        outcome, told = _reproduce(recipe, laboratory)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        outcome, told = "no environment", str(error)[-2000:]
    seconds = round(time.monotonic() - started, 1)
    return {"failure": recipe.failure, "fix": recipe.fix, "outcome": outcome, "told": told, "seconds": seconds}


def _reproduce(recipe: Recipe, laboratory: Laboratory) -> tuple[str, str]:
    is_notice = failure(recipe.failure).rank == "notice"
    status, output = laboratory.run(recipe.failing, recipe.saved)
    if not status and not is_notice:
        return "did not fail", output[-2000:]
    found = recognise(output)
    if not found or found[0].failure.id != recipe.failure:
        return "not recognised", f"{[item.failure.id for item in found]} {output[-3000:]}"
    status, output = laboratory.run(recipe.mended, recipe.saved)
    is_still_there = is_notice and recipe.failure in [item.failure.id for item in recognise(output)]
    return ("not mended", output[-3000:]) if status or is_still_there else ("mended", found[0].line)


def read_recipes(path: Path = FOLDER / "recipes.toml") -> tuple[dict[str, Trial], list[Recipe]]:
    """Savers by name, and the recipes in the order of the file, which keeps those of one environment together."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    environments = {name: Environment(name=name, **_tuples(row)) for name, row in content["environments"].items()}
    savers = {
        name: Trial(
            environment=environments[row["environment"]],
            command=("{python}", str(FOLDER / "save_models.py"), *row["models"]),
            variables=row.get("variables", {}),
        )
        for name, row in content["savers"].items()
    }
    return savers, [_recipe(row, environments) for row in content["recipe"]]


def _recipe(row: Row, environments: Mapping[str, Environment]) -> Recipe:
    environment = environments[row["environment"]]
    failing = Trial(environment=environment, command=_command(row), variables=row.get("variables", {}))
    (fix,) = (fix for fix in failure(row["failure"]).fixes if fix.value == row["fix"])
    changed = row.get("mended", {})
    mended = Trial(
        environment=environments[changed["environment"]] if "environment" in changed else _mended(environment, fix),
        command=_command(row | changed),
        variables={**failing.variables, **_variable(fix), **changed.get("variables", {})},
    )
    return Recipe(
        failure=row["failure"], fix=row["fix"], saved=tuple(row.get("saved", ())), failing=failing, mended=mended
    )


def _mended(environment: Environment, fix: Fix) -> Environment:
    if fix.kind != "constraint":
        return environment
    tensorflow = next((item for item in environment.install if _name(item).startswith("tensorflow")), "")
    line = ".".join(tensorflow.partition("==")[2].split(".")[:2])
    return environment.with_fix(fix.value.format(line=line))


def _variable(fix: Fix) -> dict[str, str]:
    name, _, value = fix.value.partition("=")
    return {name: value} if fix.kind == "environment-variable" else {}


def _command(row: Row) -> tuple[str, ...]:
    if "command" in row:
        return tuple(row["command"])
    return "{python}", "-c", row["code"].replace("{", "{{").replace("}", "}}")


def read_journal(path: Path) -> list[Row]:
    """All outcomes; a last line that was cut short by a kill is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _filled_in(trial: Trial, python: Path) -> list[str]:
    return [part.format(python=python, uv=find_uv_bin()) for part in trial.command]


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **variables}
    environment.pop("PYTHONPATH", None)
    completed = subprocess.run(
        ["nice", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=TIME_LIMIT,
        check=False,
    )
    return completed.returncode, completed.stdout


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def _tuples(row: Row) -> Row:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


if __name__ == "__main__":
    sys.exit(main())
