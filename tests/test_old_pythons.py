"""Pythons that uv does not serve: locks offline, and environments by the tools of their time."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from envlock.cli import main
from envlock.interpreters import SEARCH_VARIABLE, Interpreter
from envlock.isolation.choice import choose_isolation
from envlock.reporter import SilentReporter
from envlock.resolution import resolvers_of
from envlock.target import LINUX_X86_64, Target, platform_here
from tests.building import create_environment

TESTS = Path(__file__).parent


@pytest.mark.parametrize("line", ["2.7", "3.5"])
def test_the_lock_of_an_old_python_is_found_offline(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SEARCH_VARIABLE, "/nonexistent")
    options = ["--python-version", line, "--python-platform", LINUX_X86_64.name, "--lock-only", "--engine", "offline"]

    assert main(["from-model", str(TESTS / "assets/keras/tf-1.15-sequential.h5"), *options]) == 0

    capsys.readouterr()
    # How the lock was asked for, and from which state of the database, changes with the test and with its data.
    lock = re.sub(r"^# (Made by|Resolved by).*\n", "", Path("requirements.txt").read_text(), flags=re.MULTILINE)
    assert lock == (TESTS / f"golden/locks/python-{line}.txt").read_text()


@pytest.mark.online
@pytest.mark.environments
@pytest.mark.parametrize("line", ["2.7"])
def test_an_environment_of_an_old_python_holds_its_lock_and_starts_as_well_isolated_as_any(
    line: str, tmp_path: Path, require_interpreter: Callable[[str], Interpreter]
) -> None:
    interpreter, platform = require_interpreter(line), platform_here()
    assert platform is not None
    (offline,) = resolvers_of(["offline"])
    resolution = offline.resolve(
        [Requirement("pip"), Requirement("termcolor==1.1.0")],
        constraints=(),
        target=Target(python=line, platform=platform),
        interpreter=None,
    )
    lock = "".join(f"{pin.name}=={pin.version} --hash={pin.hashes[0]}\n" for pin in resolution.pins)

    environment = create_environment(
        tmp_path / "environment",
        interpreter=interpreter,
        lock_text=lock,
        digest=hashlib.sha256(lock.encode()).hexdigest(),
        reporter=SilentReporter(),
        build_constraints="".join(f"{requirement}\n" for pin in resolution.pins for requirement in pin.build),
    )

    program = "import pip, sys, termcolor; print(pip.__version__ + ' of Python %d.%d' % sys.version_info[:2])"
    told = subprocess.run([environment.python, "-c", program], capture_output=True, text=True, check=True)
    (pip,) = [pin for pin in resolution.pins if pin.name == "pip"]
    assert (told.stdout, told.stderr) == (f"{pip.version} of Python {line}\n", "")
    own, old = (choose_isolation(Path(python), readable=[tmp_path]) for python in (sys.executable, environment.python))
    assert (old.level, old.guarantees) == (own.level, own.guarantees)
