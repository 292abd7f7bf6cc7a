"""A project, and a machine with stand-ins for all that takes minutes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from envlock.candidates import Wishes
from envlock.interpreters import Interpreter
from envlock.onboarding.onboard import from_project
from envlock.onboarding.order import Order
from envlock.onboarding.results import Onboarding
from envlock.onboarding.smoke import ImportedModule, SmokeTest
from envlock.target import LINUX_X86_64
from envlock.verification import Verification
from tests.onboarding.projects import ASSETS
from tests.stand_ins import Notes, StandIn
from tests.world import GOOD

BAD = replace(GOOD, loads=False, predicts=None, error="TypeError: no\nat all")


@dataclass
class Workshop:
    """Where projects are onboarded."""

    folder: Path
    resolver: StandIn
    failing: dict[str, set[str]] = field(default_factory=dict)
    """Names of models, with the TensorFlow releases in which they do not load although they are expected to."""

    loaded: list[str] = field(default_factory=list)
    """The names of the models that were loaded, one after the other."""

    notes: Notes = field(default_factory=Notes)

    def put(self, asset: str, name: str) -> None:
        """Copy an asset into the project."""
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        source = ASSETS / asset
        shutil.copytree(source, place) if source.is_dir() else shutil.copy(source, place)

    def write(self, name: str, text: str) -> None:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def onboard(self, **options: Any) -> Onboarding:
        usual: dict[str, Any] = {
            "project": self.folder,
            "folder": self.folder,
            "platform": LINUX_X86_64,
            "resolvers": (self.resolver,),
            "wishes": Wishes(),
            "fetches": False,
        }
        return from_project(Order(**(usual | options)), self.notes)

    def verify(self, python: Path, artifact: Path) -> Verification:
        self.loaded.append(artifact.name)
        lock = (python.parent.parent / "lock.txt").read_text()
        fails = any(f"=={release} " in lock for release in self.failing.get(artifact.name, ()))
        return BAD if fails else GOOD


@dataclass
class Installed:
    executable: Path


def imported(python: Path, names: list[str]) -> SmokeTest:
    """As if all were there but one."""
    outcomes = [ImportedModule(name=name, outcome="failed" if name == "broken" else "imported") for name in names]
    return SmokeTest(modules=tuple(outcomes), isolation=None)


class _Installer:
    """Makes an environment that holds nothing but the text of its lock."""

    def make_empty_environment(self, job: Any) -> None:
        job.python.parent.mkdir()
        job.python.touch()
        (job.site / "lock.txt").write_text(job.lock_text)

    def install(self, job: Any, _: Any) -> None:
        pass


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_interpreter: Interpreter) -> Workshop:
    """An empty project, and a machine with Pythons 3.7, 3.8 and 3.11."""
    folder = tmp_path / "old"
    folder.mkdir()
    made = Workshop(folder, StandIn(releases={"pip": ["24.0"]}))
    here = [replace(own_interpreter, line=line, version=Version(f"{line}.1")) for line in ("3.11", "3.8", "3.7")]

    def check(loading: Any, environment: Any, reporter: Any) -> Any:
        from envlock.checking import Check

        verification = made.verify(environment.executable, loading.inspection.provenance.path)
        return Check(inspection=loading.inspection, environment=environment, verification=verification)

    monkeypatch.setattr("envlock.pipeline.job.find_interpreters", lambda: here)
    monkeypatch.setattr("envlock.onboarding.environments.find_interpreters", lambda: here)
    monkeypatch.setattr("envlock.onboarding.without_model.find_interpreters", lambda: here)
    monkeypatch.setattr("envlock.environment.places.installer_for", lambda _: _Installer())
    monkeypatch.setattr("envlock.pipeline.trial.verify", lambda python, artifact, **_: made.verify(python, artifact))
    monkeypatch.setattr("envlock.onboarding.making.read_environment", lambda python: Installed(python))
    monkeypatch.setattr("envlock.onboarding.making.import_from_elsewhere", imported)
    monkeypatch.setattr("envlock.onboarding.model_results.check_there", check)
    return made
