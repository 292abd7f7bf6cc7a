"""The main job with stand-ins for interpreters, installers and the loading of models: all else is as it is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from envlock.candidates import Wishes
from envlock.errors import InstallationError
from envlock.interpreters import Interpreter
from envlock.pipeline.from_model import from_model
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request
from envlock.reporter import SilentReporter
from envlock.target import LINUX_X86_64
from envlock.verification import Verification
from envlock.writers import WRITERS
from tests.stand_ins import StandIn
from tests.verification.test_record import VERIFICATION

ASSETS = Path(__file__).parent / "assets"
GOOD = replace(VERIFICATION, predicts=True, error=None)


@dataclass
class World:
    """A request, what answers it, and how often it was asked."""

    request: Request
    resolver: StandIn
    answers: list[Verification] = field(default_factory=list)
    """What becomes of loading the model, time after time; it is good at all later times."""

    times: int = 0
    """How often the model was loaded."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    """How it was to be loaded, each time."""

    refusals: list[str] = field(default_factory=list)
    """Why installations fail, time after time; later ones do not."""

    installations: int = 0
    there: Verification = GOOD
    """What becomes of loading it in another environment."""

    asked_there: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    """The interpreters of other environments in which it was loaded, and how."""

    @property
    def folder(self) -> Path:
        """Where the person works."""
        return self.request.artifact.parent

    @property
    def packages(self) -> Path:
        """Where the environment holds what is installed."""
        assert self.request.environment_path is not None
        return self.request.environment_path / "lib/python3.10/site-packages"

    @property
    def code(self) -> Path:
        """The file that defines the layer of the model."""
        assert self.request.code is not None
        return self.request.code / "scaling.py"

    def run(self, **changes: Any) -> Outcome:
        return from_model(replace(self.request, **changes), SilentReporter())


@dataclass
class _EmptyInstaller:
    """Makes an environment that holds nothing but a name for its interpreter."""

    world: World

    def make_empty_environment(self, job: Any) -> None:
        job.python.parent.mkdir()
        job.python.touch()

    def install(self, job: Any, _: Any) -> None:
        self.world.installations += 1
        if self.world.installations <= len(self.world.refusals):
            raise InstallationError(str(job.place), self.world.refusals[self.world.installations - 1])
        (job.site / "lib/python3.10/site-packages/six-1.0.dist-info").mkdir(parents=True)


def make_world(folder: Path, monkeypatch: pytest.MonkeyPatch, interpreter: Interpreter) -> World:
    """A model that needs a layer of the person's code, in *folder*, and a machine with Python 3.10 alone."""
    shutil.copytree(ASSETS / "custom_layer" / "code", folder / "code")
    model = Path(shutil.copy(ASSETS / "custom_layer" / "model.h5", folder))
    resolver = StandIn(releases={"pip": ["24.0"], "scipy": ["1.4"]})
    request = Request(
        artifact=model,
        platform=LINUX_X86_64,
        resolvers=(resolver,),
        writer=WRITERS[0],
        lock_path=folder / "requirements.txt",
        environment_path=folder / ".venv",
        wishes=Wishes(python="3.10"),
        code=folder / "code",
    )
    made = World(request=request, resolver=resolver)

    def verify(python: Path, artifact: Path, **how: Any) -> Verification:
        made.times += 1
        made.asked.append(how)
        return made.answers[made.times - 1] if made.times <= len(made.answers) else GOOD

    def verify_there(python: Path, artifact: Path, **how: Any) -> Verification:
        made.asked_there.append((python, how))
        return made.there

    own = replace(interpreter, line="3.10", version=Version("3.10.1"))
    monkeypatch.setattr("envlock.pipeline.job.find_interpreters", lambda: [own])
    monkeypatch.setattr("envlock.environment.places.installer_for", lambda _: _EmptyInstaller(made))
    monkeypatch.setattr("envlock.pipeline.trial.verify", verify)
    monkeypatch.setattr("envlock.pipeline.counterpart.verify", verify_there)
    return made
